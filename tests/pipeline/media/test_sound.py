"""Sound is decoded in one shape and at its time, in the sandbox as well as outside."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import NotAVideo
from pipeline.media.decode import scan
from pipeline.media.sandbox import Sandbox
from pipeline.media.sound import CHANNELS, RATE, Sound, listen
from pipeline.values import VideoLimits
from tests.formats.clips import chirp, write_with_sound
from tests.videos import picture, write_video

LIMITS = VideoLimits(max_pixels=10**6, max_frames=1000, max_duration_s=100)
TIMES_MS = list(range(0, 1000, 100))


def clip(folder: Path, ending: str = "mov", codec: str = "pcm_s16le") -> Path:
    pictures = [picture(index) for index in range(len(TIMES_MS))]
    return write_with_sound(folder / f"clip.{ending}", pictures, TIMES_MS, codec, chirp(1.0))


def joined(parts: list[Sound]) -> NDArray[np.int16]:
    assert all(part.samples.shape[1] == CHANNELS for part in parts)
    ends = [part.start + len(part.samples) for part in parts]
    assert ends[:-1] == [part.start for part in parts[1:]]
    return np.concatenate([part.samples for part in parts])


def test_it_is_what_was_recorded(tmp_path: Path) -> None:
    source = clip(tmp_path)
    parts = list(listen(source, scan(source, LIMITS)))
    assert parts[0].start == 0
    expected = np.repeat(chirp(1.0)[:, None] * 32767, CHANNELS, axis=1)
    np.testing.assert_allclose(joined(parts), expected, atol=2)


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "aac"), ("mkv", "flac"), ("ts", "mp2")])
def test_the_sandbox_hears_the_same(tmp_path: Path, ending: str, codec: str) -> None:
    source = clip(tmp_path, ending, codec)
    video = scan(source, LIMITS)
    sandbox = Sandbox()
    apart, here = list(sandbox.listen(source, video)), list(listen(source, video))
    sandbox.close()
    assert [part.start for part in apart] == [part.start for part in here]
    assert len(here) > 5
    for one, other in zip(apart, here, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
    assert sum(len(part.samples) for part in here) == pytest.approx(RATE, abs=2048)


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    source = clip(tmp_path)
    video = scan(source, LIMITS)
    later = replace(video, timestamps=video.timestamps + int(2 / video.time_base))
    assert next(listen(source, later)).start == -2 * RATE


def test_a_video_may_have_none(tmp_path: Path) -> None:
    source = write_video(tmp_path / "silent.mp4", [picture(0)] * 3)
    video = scan(source, LIMITS)
    sandbox = Sandbox()
    assert list(sandbox.listen(source, video)) == list(listen(source, video)) == []
    source.write_bytes(b"not a video")
    with pytest.raises(NotAVideo):
        list(sandbox.listen(source, video))
    sandbox.close()
