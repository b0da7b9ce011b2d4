"""Whether each index shows its picture: `python -m benchmarks.frames FOLDER`.

For videos whose frames carry their number as bars, as `tests/videos.py` draws them. Beside what is
listed stands what a plain decoder makes of the file, as `ffprobe -count_frames` counts.
"""

import argparse
from pathlib import Path

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.stream import VideoStream

from benchmarks.inputs import LIMITS
from pipeline.errors import VideoError
from pipeline.media.decode import decode, scan
from tests.videos import index_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frames", description=__doc__)
    parser.add_argument("folder", type=Path)
    counts = f"{'plain':>7}{'listed':>8}{'repeated':>10}{'damaged':>9}{'end, s':>9}"
    print(f"{'file':28}{counts}  clock     pictures")
    for path in sorted(parser.parse_args().folder.iterdir()):
        try:
            print(f"{path.name:28}{plainly_decoded(path):7}{listed(path)}", flush=True)
        except VideoError as error:
            print(f"{path.name:28}{plainly_decoded(path):7}  {type(error).__name__}: {error}")


def listed(path: Path) -> str:
    """Describe what is listed, and which numbers the whole pictures of it show, in runs."""
    video = scan(path, LIMITS)
    frames = list(decode(path, video, range(video.info.frame_count)))
    shown = [index_of(frame.pixels) for frame in frames if frame.fault is None]
    repeated, damaged = (
        sum(frame.fault == fault for frame in frames) for fault in ("repeated", "damaged")
    )
    end_s = video.time_s(len(frames) - 1)
    clock = f"{video.info.timestamps:10}"
    return f"{len(frames):8}{repeated:10}{damaged:9}{end_s:9.3f}  {clock}{runs(shown)}"


def runs(numbers: list[int]) -> str:
    """Write numbers as runs of following ones.

    >>> runs([0, 1, 2, 7, 8, 3])
    '0-2 7-8 3'
    """
    cuts = [at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1]
    parts = [
        numbers[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(numbers)], strict=True)
    ]
    return " ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else f"{p[0]}" for p in parts)[:60]


def plainly_decoded(path: Path) -> int:
    """Count the frames that decode from start to end; 0 where the file can't be opened."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.best("video")
            if not isinstance(stream, VideoStream):
                return 0
            stream.codec_context.flags |= Flags.output_corrupt
            return sum(_count(packet) for packet in container.demux(stream))
    except Exception:  # damaged files raise anything
        return 0


def _count(packet: "Packet[VideoStream]") -> int:
    try:
        return len(packet.decode())
    except av.FFmpegError:
        return 0


if __name__ == "__main__":
    main()
