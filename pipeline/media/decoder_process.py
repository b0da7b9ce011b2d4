"""A process that looks at one untrusted file and is gone: `pipeline.media.sandbox` starts it."""

import json
import os
import pickle
import select
import struct
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import cv2
import numpy as np

from pipeline.errors import VideoError
from pipeline.media.decode import Slow, decode, scan, scan_to_dict
from pipeline.media.fork_server import forked
from pipeline.media.lockdown import lock_down
from pipeline.media.reader import FrameReader
from pipeline.media.sound import listen
from pipeline.network.preprocess import Fit, Pictures, Scaled, to_pictures
from pipeline.values import Fault, ScannedVideo, VideoLimits

# A message is its kind, its length and its bytes.
HEAD = struct.Struct("<cQ")
LOCKED, SLOW, SCANNED, FRAME, REPEATED, DAMAGED, SOUND, END, REFUSED, FAILED = (
    bytes([letter]) for letter in b"LWSFPDAERX"
)
FRAMES: Mapping[bytes, Fault | None] = {FRAME: None, REPEATED: "repeated", DAMAGED: "damaged"}
"""The kinds of messages that hold a frame, and what is wrong with it."""
_KINDS = {fault: kind for kind, fault in FRAMES.items()}
START = struct.Struct("<q")  # of a part of the sound; its samples follow
SECONDS = struct.Struct("<d")  # of a video of which all must be decoded to list it

Scan = Callable[[Path, VideoLimits, Slow], ScannedVideo]
Reader = Callable[[Path, ScannedVideo], FrameReader]

# Three frames of 1x1, enough to load all that the first file would load.
_TINY_GIF = bytes.fromhex(
    "47494638396101000100810000ffffff00000000000000000021f904000a0000002c0000000001000100"
    "000804000104040021f904010a0001002c00000000010001008100000000000000000000000008040001"
    "04040021f904010a0002002c000000000100010081ffffff000000000000000000080400010404003b"
)

# Segments of clips of 8 frames share 18 with the next: one more frame on each side, those of its
# clips, and one that tells what moves.
_SHARED = 18

_FITS = (Fit(4, 4, 2, 2, 3, 3), Fit(4, 4, 8, 8, 8, 8))  # one shrinks, one enlarges


def serve(descriptor: int, scan: Scan = scan, reader: Reader = FrameReader) -> None:
    """Get ready, and fork a process for each file, which locks itself down and answers.

    A request is a pickle of (action, path, memory limit, arguments): it comes from the service.
    After the answer to `decode` more frames of the same video may be asked for, with a pickle of
    (indices, fits). An answer is no pickle, since what sends it may be under a file's control.
    """
    _warm_up()
    if forked(descriptor):
        _answer(descriptor, scan, reader)


def _answer(descriptor: int, scan: Scan, reader: Reader) -> NoReturn:
    with (
        open(descriptor, "rb", closefd=False) as requests,
        open(descriptor, "wb", closefd=False) as writer,
    ):
        action, path, memory_bytes, arguments = pickle.load(requests)
        _silence()
        lacks = lock_down(path, memory_bytes)
        threading.Thread(target=_end_with, args=(descriptor,), daemon=True).start()
        _send(writer, LOCKED, json.dumps(lacks).encode())
        try:
            if action == "scan":
                (limits,) = arguments
                found = scan(path, limits, lambda s: _send(writer, SLOW, SECONDS.pack(s)))
                _send(writer, SCANNED, json.dumps(scan_to_dict(found)).encode())
            elif action == "decode":
                video, *wanted = arguments
                frames = FrameSender(writer, reader(path, video))
                while wanted:
                    frames.send(*wanted)
                    _send(writer, END, b"")
                    wanted = _receive(requests)
            elif action == "listen":
                for sound in listen(path, *arguments):
                    _send(writer, SOUND, START.pack(sound.start) + sound.samples.tobytes())
                _send(writer, SOUND, b"")
        except VideoError as error:
            _send(writer, REFUSED, json.dumps([type(error).__name__, str(error)]).encode())
        except MemoryError:
            _send(writer, REFUSED, json.dumps(["MemoryError", ""]).encode())
        except Exception:
            _send(writer, FAILED, json.dumps(traceback.format_exc()).encode())
    os._exit(0)  # past the thread that waits


def _receive(reader: BinaryIO) -> Any:
    """Receive a request; None where the process that asks has no more."""
    try:
        return pickle.load(reader)
    except EOFError:
        return None


class FrameSender:
    """Sends frames in the sizes that are wanted; keeps some of the last for the next request."""

    def __init__(self, writer: BinaryIO, reader: FrameReader) -> None:
        self._writer = writer
        self._reader = reader
        self._fits: Sequence[Fit] | None = None
        self._kept: dict[int, Scaled] = {}

    def send(self, indices: Sequence[int], fits: Sequence[Fit] | None) -> None:
        """Send each frame as `fits` scale it, or with None as it is."""
        if fits is None or fits != self._fits:
            self._kept = {}
        self._fits = fits
        known = list(takewhile(self._kept.__contains__, indices))
        for index in known:
            self._send(*self._kept[index])
        for frame in self._reader.frames(indices[len(known) :]):
            # Scaled in here, so that large frames needn't cross.
            pictures = (frame.pixels,) if fits is None else to_pictures(frame.pixels, fits)
            self._send(pictures, frame.fault)
            if fits is not None:
                self._kept[frame.index] = (pictures, frame.fault)
            if len(self._kept) > _SHARED:
                del self._kept[next(iter(self._kept))]

    def _send(self, pictures: Pictures, fault: Fault | None) -> None:
        for pixels in pictures:
            _send(self._writer, _KINDS[fault], pixels.data)


def _warm_up() -> None:
    """Use everything once: what is imported on first use can't be any more when locked down."""
    cv2.setNumThreads(1)
    import_module("av.subtitles.codeccontext")  # else loaded for the first file with subtitles
    with tempfile.NamedTemporaryFile(suffix=".gif") as file:
        file.write(_TINY_GIF)
        file.flush()
        path = Path(file.name)
        video = scan(path, VideoLimits(max_pixels=1, max_frames=10, max_duration_s=10))
        for _ in decode(path, video, range(video.info.frame_count)):
            pass
    to_pictures(np.zeros((4, 4, 3), np.uint8), _FITS)
    json.dumps(scan_to_dict(video))


def _silence() -> None:
    """Leave the service's log, where a file could write what it likes."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stderr.fileno())
    os.close(nothing)


def _end_with(descriptor: int) -> None:
    """End when the process that asked does, so that nobody is left decoding for no one."""
    poll = select.poll()
    poll.register(descriptor, 0)  # for nothing but its end, which is always told
    poll.poll()
    os._exit(1)


def _send(writer: BinaryIO, kind: bytes, content: bytes | memoryview) -> None:
    size = content.nbytes if isinstance(content, memoryview) else len(content)
    writer.write(HEAD.pack(kind, size))
    writer.write(content)
    writer.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
