"""Scans and decodes untrusted files, each in a process of its own that can do nothing else."""

import json
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import DecoderFailed
from pipeline.media.container import check_pixels
from pipeline.media.decode import scan_from_dict
from pipeline.media.decoder_child import NONSENSE, DecoderChild
from pipeline.media.decoder_pool import DecoderPool
from pipeline.media.decoder_process import FRAMES, SCANNED, SECONDS, SLOW, SOUND, START
from pipeline.media.listing import check_duration
from pipeline.media.sound import CHANNELS, PART_SAMPLES, Sound
from pipeline.media.time_left import TimeLeft
from pipeline.network.preprocess import Fit, Scaled
from pipeline.values import Frame, ScannedVideo, VideoLimits

PROGRAM = (sys.executable, "-m", "pipeline.media.decoder_process")
MEMORY_BYTES = 4 * 2**30  # a demuxer that is lied to about sizes asks for more than real files do

_FRAMES = b"".join(FRAMES)
_SAMPLE_BYTES = 2 * CHANNELS
_FRAME_BYTES = 64  # the most that what is listed of one takes as JSON
_HEADER_BYTES = 2**16
_CODEC_CHARACTERS = 100
_FRACTION = re.compile(r"[0-9]{1,20}(/[0-9]{1,20})?")


class Sandbox:
    """Does what `pipeline.media.decode` and `pipeline.media.sound` do, in child processes.

    A process serves one file: it gives up everything but reading that file (`lockdown`), works, and
    is killed when it is done, brings no frame for `stall_s` and the length of what must be decoded
    before it, or isn't wanted any more (`decoder_pool`). What it answers isn't trusted: sizes are
    checked, and nothing in it can run. Threads may share a sandbox.
    """

    def __init__(
        self,
        *,
        stall_s: float = 120.0,
        memory_bytes: int = MEMORY_BYTES,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._stall_s = stall_s
        self._lacks: Sequence[str] | None = None
        self._pool = DecoderPool(program, memory_bytes)

    def lacks(self) -> Sequence[str]:
        """Return which protections this system can't give, a sentence each, by trying them once."""
        if self._lacks is None:
            with self._pool.child("nothing", None) as child:
                self._lacks = child.lacks
        return self._lacks

    def scan(self, path: Path, limits: VideoLimits, timeout_s: float) -> ScannedVideo:
        """List the frames of a file, as `pipeline.media.decode.scan` does.

        Raises also DecoderFailed: the file crashes the decoder, takes too much memory, or longer
        than `timeout_s`; where all of it must be decoded, longer than that and its own length.
        """
        late = (
            f"The frames took longer than {timeout_s:g} s to list: the container should list them."
        )
        most = limits.max_frames * _FRAME_BYTES + _HEADER_BYTES
        with self._pool.child("scan", path, limits) as child:
            left = TimeLeft(timeout_s)
            kind, size = child.receive_head(SLOW + SCANNED, range(most), left, late)
            if kind == SLOW:
                length_s = _seconds(child, size, left, late, limits)
                late = (
                    f"The video of {length_s:.0f} s took longer than {timeout_s + length_s:.0f} s "
                    "to decode: its container should list its frames."
                )
                left = TimeLeft(timeout_s + length_s)
                _, size = child.receive_head(SCANNED, range(most), left, late)
            content = bytearray(size)
            child.receive_into(memoryview(content), left, late)
        return _checked(content, limits)

    def decode(
        self, path: Path, video: ScannedVideo, indices: Sequence[int]
    ) -> Generator[Frame, None, None]:
        """Decode frames, as `pipeline.media.decode.decode` does; closing it ends the process.

        Raises also DecoderFailed: the file crashes it, takes too much memory, or brings no frame.
        """
        size = (video.info.height, video.info.width)
        with closing(self._pictures(path, video, indices, None, [size])) as pictures:
            for index, ((pixels,), fault) in zip(indices, pictures, strict=True):
                yield Frame(index, video.time_s(index), pixels, fault)

    def decode_scaled(
        self, path: Path, video: ScannedVideo, indices: Sequence[int], fits: Sequence[Fit]
    ) -> Generator[Scaled, None, None]:
        """Decode and scale frames in there, as `pipeline.segmenter.decode_scaled` and `decode`."""
        sizes = [(to.padded_height, to.padded_width) for to in fits]
        return self._pictures(path, video, indices, fits, sizes)

    def _pictures(
        self,
        path: Path,
        video: ScannedVideo,
        indices: Sequence[int],
        fits: Sequence[Fit] | None,
        sizes: Sequence[tuple[int, int]],
    ) -> Generator[Scaled, None, None]:
        """Receive each frame as pictures of the given sizes; `fits` as the process scales it."""
        with self._pool.decoder(path, video, indices, fits) as decoder:
            child = decoder.child
            before = 0
            for number, index in enumerate(indices, 1):
                # Where there is no start between, all of that is decoded meanwhile.
                since = max(before, video.start_before(index))
                limit_s = self._stall_s + video.time_s(index) - video.time_s(since)
                late = f"No frame of the video could be decoded within {limit_s:.0f} s."
                before = index
                pictures = [np.empty((*size, 3), np.uint8) for size in sizes]
                for pixels in pictures:
                    sent = range(pixels.nbytes, pixels.nbytes + 1)
                    kind, _ = child.receive_head(_FRAMES, sent, TimeLeft(limit_s), late)
                    child.receive_into(pixels.data.cast("B"), TimeLeft(limit_s), late)
                decoder.done = number == len(indices)
                yield tuple(pictures), FRAMES[kind]

    def listen(self, path: Path, video: ScannedVideo) -> Generator[Sound, None, None]:
        """Decode the sound, as `pipeline.media.sound.listen`, and `decode`, do."""
        late = f"No sound of the video could be decoded within {self._stall_s:g} s."
        sizes = range(START.size + PART_SAMPLES * _SAMPLE_BYTES + 1)
        with self._pool.child("listen", path, video) as child:
            while size := child.receive_head(SOUND, sizes, TimeLeft(self._stall_s), late)[1]:
                content = bytearray(size)
                child.receive_into(memoryview(content), TimeLeft(self._stall_s), late)
                if size <= START.size or (size - START.size) % _SAMPLE_BYTES:
                    raise DecoderFailed(NONSENSE)
                (start,) = START.unpack_from(content)
                samples = np.frombuffer(content, np.int16, offset=START.size)
                yield Sound(start, samples.reshape(-1, CHANNELS))

    def close(self) -> None:
        """End all processes, those at work too; from now on none is started."""
        self._pool.close()


def _seconds(
    child: DecoderChild, size: int, left: TimeLeft, late: str, limits: VideoLimits
) -> float:
    """Receive how long a video seems to be, at most what is allowed."""
    if size != SECONDS.size:
        raise DecoderFailed(NONSENSE)
    content = bytearray(size)
    child.receive_into(memoryview(content), left, late)
    (seconds,) = SECONDS.unpack(content)
    return min(seconds, limits.max_duration_s) if seconds > 0 else 0.0


def _checked(content: bytes | bytearray, limits: VideoLimits) -> ScannedVideo:
    """Read a scan that may be made up; raises DecoderFailed or VideoTooLarge."""
    try:
        video = replace(_read(json.loads(content)), max_pixels=limits.max_pixels)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise DecoderFailed(NONSENSE) from error
    times = video.timestamps
    if (
        min(video.time_base, video.info.fps, video.info.pixel_aspect) <= 0
        or times.shape != (video.info.frame_count,)
        or not 0 < len(times) <= limits.max_frames
        or not (np.diff(times) > 0).all()
        or video.starts.ndim != 1
        or video.starts[:1].tolist() != [0]
        or video.starts[-1] >= len(times)
        or not (np.diff(video.starts) > 0).all()
        or (video.numbers is not None and video.numbers.shape != times.shape)
    ):
        raise DecoderFailed(NONSENSE)
    check_pixels(video.info.width, video.info.height, limits.max_pixels)
    check_duration(video.info.duration_s, limits)
    return video


def _read(saved: Any) -> ScannedVideo:
    info = saved["info"]
    for text in (saved["time_base"], info["fps"], info["pixel_aspect"]):
        if not _FRACTION.fullmatch(text):  # Fraction("1e999999999") would take for ever
            raise ValueError(text)
    if (
        not all(isinstance(info[name], int) and info[name] > 0 for name in ("width", "height"))
        or info["rotation"] not in {0, 90, 180, 270}
        or not isinstance(info["mirrored"], bool)
        or not isinstance(info["duration_s"], float)
        or not info["duration_s"] > 0
        or not isinstance(info["codec"], str)
        or len(info["codec"]) > _CODEC_CHARACTERS
        or info["timestamps"] not in {"stored", "repaired"}
    ):
        raise ValueError(info)
    return scan_from_dict(saved)
