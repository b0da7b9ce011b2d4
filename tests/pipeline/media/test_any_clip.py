"""Whatever a clip is like, the index shows its picture, or the answer says why not."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SelectionError
from pipeline.media.decode import decode, scan, select
from pipeline.values import VideoLimits
from tests.videos import index_of, picture, shifted, write_video

LIMITS = VideoLimits(max_pixels=1280 * 720, max_frames=1000, max_duration_s=60)
KINDS = {
    "mp4": "libx264",
    "mkv": "libx264",
    "mov": "png",
    "ts": "libx264",
    "avi": "mpeg4",
    "mpg": "mpeg2video",
    "flv": "flv",
    "webm": "libvpx",
}
TURNED = {"mp4", "mkv", "mov"}  # say how a picture is to be turned and mirrored
JOINED = {"ts", "mpg", "flv"}  # may be cut and joined anywhere
SIZES = [(64, 96), (96, 160), (128, 96)]


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), ending=st.sampled_from(sorted(KINDS)))
def test_each_index_shows_its_picture(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, ending: str
) -> None:
    folder = tmp_path_factory.mktemp("clips")
    count = data.draw(st.integers(12, 30), "frames of a part")
    parts = data.draw(st.integers(1, 3), "parts") if ending in JOINED else 1
    turns = ending in TURNED
    rotation = data.draw(st.sampled_from([0, 90, 180, 270]), "rotation") if turns else 0
    mirrored = turns and data.draw(st.booleans(), "mirrored")
    sizes = [data.draw(st.sampled_from(SIZES)) for _ in range(parts)] if ending == "ts" else []
    clocks = [data.draw(st.sampled_from([0.0, 1.4, 30.0, 7000.0])) for _ in range(parts)]
    hole = data.draw(st.none() | st.integers(1, count - 1), "hole") if ending == "mov" else None

    content = b""
    for part in range(parts):
        size = sizes[part] if sizes else SIZES[0]
        drawn = [picture(part * count + n, *size) for n in range(count)]
        stored = [
            np.rot90(pixels[:, ::-1] if mirrored else pixels, rotation // 90).copy()
            for pixels in drawn
        ]
        path = write_video(
            folder / f"{part}.{ending}",
            stored,
            codec=KINDS[ending],
            pix_fmt="rgb24" if ending == "mov" else "yuv420p",
            options={"g": "7"} | ({"bf": "2"} if KINDS[ending] == "libx264" else {}),
            rotation=rotation,
            mirrored=mirrored,
        )
        own = (shifted(path, clocks[part]) if parts > 1 else path).read_bytes()
        content += own[13:] if ending == "flv" and content else own
    if hole is not None:
        content = _break(content, hole)
    path = folder / f"whole.{ending}"
    path.write_bytes(content)

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
        assert frame.repeated == (frame.index == hole)
        assert index_of(frame.pixels) == frame.index - frame.repeated


def _break(content: bytes, number: int) -> bytes:
    """Overwrite the start of one PNG picture."""
    at = -1
    for _ in range(number + 1):
        at = content.index(b"\x89PNG", at + 1)
    return content[:at] + bytes(64) + content[at + 64 :]
