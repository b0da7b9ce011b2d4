"""Whatever a clip is like, the index shows its picture, or the answer says why not."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.errors import SelectionError
from pipeline.media.decode import decode, scan, select
from pipeline.values import VideoLimits
from tests.videos import index_of, picture, shifted, with_hole, write_video

LIMITS = VideoLimits(max_pixels=1280 * 720, max_frames=1000, max_duration_s=60)
KINDS = {
    "mp4": ("libx264", "yuv420p"),
    "mkv": ("libx264", "yuv420p"),
    "mov": ("png", "rgb24"),
    "ts": ("libx264", "yuv420p"),
    "avi": ("mpeg4", "yuv420p"),
    "mpg": ("mpeg2video", "yuv420p"),
    "flv": ("flv", "yuv420p"),
    "webm": ("libvpx", "yuv420p"),
}
TURNED = {"mp4", "mkv", "mov"}  # say how a picture is to be turned and mirrored
JOINED = {"ts", "mpg", "flv"}  # may be cut and joined anywhere
# Hold pictures of several sizes. In MPEG-PS, FFmpeg's MPEG-2 decoder loses the one before each
# change, as `ffprobe -count_frames` shows.
GROWING = {"ts", "webm"}
# Codecs whose decoder gives nothing for a damaged packet, each picture coded alone; and those that
# fill the hole, or build on it. VP8 shows garbage, and in TS what follows is taken for its end.
ALONE = {"mov", "mpg", "flv"}
FILLED = {"mp4", "avi"}
GOP = 7
SIZES = [(64, 96), (96, 160), (128, 96)]


# Not shrunk: for what fails, that takes minutes.
@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), ending=st.sampled_from(sorted(KINDS)))
def test_each_index_shows_its_picture(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, ending: str
) -> None:
    folder = tmp_path_factory.mktemp("clips")
    count = data.draw(st.integers(12, 30), "frames of a part")
    several = ending in JOINED | GROWING
    parts = data.draw(st.integers(1, 3), "parts") if several else 1
    turns = ending in TURNED
    rotation = data.draw(st.sampled_from([0, 90, 180, 270]), "rotation") if turns else 0
    mirrored = turns and data.draw(st.booleans(), "mirrored")
    grows = ending in GROWING
    sizes = [data.draw(st.sampled_from(SIZES)) if grows else SIZES[0] for _ in range(parts)]
    clocks = [data.draw(st.sampled_from([0.0, 1.4, 30.0, 7000.0])) for _ in range(parts)]
    holed = ending in ALONE | FILLED and parts == 1 and data.draw(st.booleans(), "a hole")
    alone = holed and ending in ALONE
    hole = data.draw(st.integers(1, count - 1), "hole") if holed else None
    codec, pix_fmt = KINDS[ending]

    written = []
    for part, size in enumerate(sizes):
        drawn = [picture(part * count + n, *size) for n in range(count)]
        stored = [
            np.rot90(pixels[:, ::-1] if mirrored else pixels, rotation // 90).copy()
            for pixels in drawn
        ]
        path = write_video(
            folder / f"{part}.{ending}",
            stored,
            codec=codec,
            pix_fmt=pix_fmt,
            options={"g": "1" if alone else str(GOP)} | ({"bf": "2"} if codec == "libx264" else {}),
            rotation=rotation,
            mirrored=mirrored,
        )
        written.append(shifted(path, clocks[part]) if ending in JOINED else path)
    path = joined(folder / f"whole.{ending}", written, count)
    if hole is not None:
        path = with_hole(path, hole)

    video = scan(path, LIMITS)
    assert video.info.frame_count == count * parts
    times = [video.time_s(index) for index in range(count * parts)]
    assert times == sorted(set(times))
    start_s = data.draw(st.floats(0, times[-1] + 0.1), "start_s")
    end_s = data.draw(st.none() | st.floats(start_s, times[-1] + 1), "end_s")
    every = data.draw(st.integers(1, 7), "every")
    try:
        indices: Sequence[int] = select(video, start_s, end_s, every)
    except SelectionError:
        empty = end_s is not None and end_s - start_s < 1e-5
        assert empty or start_s > video.info.duration_s - 1e-5
        return
    for frame in decode(path, video, indices):
        if alone:
            repeated = frame.index == hole
            assert frame.fault == ("repeated" if repeated else None)
            assert index_of(frame.pixels) == frame.index - repeated
        elif frame.fault is None:
            assert index_of(frame.pixels) == frame.index
        else:
            assert hole is not None
            assert abs(frame.index - hole) < GOP + 3  # pictures are reordered


def joined(path: Path, parts: Sequence[Path], count: int) -> Path:
    """Join parts end to end, or one after another on one clock where files can't be joined."""
    if path.suffix[1:] in JOINED or len(parts) == 1:
        contents = [part.read_bytes() for part in parts]
        headless = 13 if path.suffix == ".flv" else 0
        path.write_bytes(contents[0] + b"".join(content[headless:] for content in contents[1:]))
        return path
    with av.open(str(path), "w") as target:
        stream = None
        for number, part in enumerate(parts):
            with av.open(str(part)) as source:
                if stream is None:
                    stream = target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    later = round(Fraction(count * number, 25) / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = stream
                    target.mux(packet)
    return path
