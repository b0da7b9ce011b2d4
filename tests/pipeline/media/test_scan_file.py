"""A saved scan is what was saved, and little of it is read."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.decode import scan, scan_to_dict
from pipeline.media.scan_file import load_scan, save_scan
from pipeline.values import ScannedVideo, VideoLimits
from tests.videos import picture, write_video

LIMITS = VideoLimits(max_pixels=10**6, max_frames=1000, max_duration_s=100)


@pytest.fixture
def video(tmp_path: Path) -> ScannedVideo:
    pictures = [picture(index) for index in range(30)]
    return scan(write_video(tmp_path / "a.mkv", pictures, rate=Fraction(30000, 1001)), LIMITS)


def test_a_scan_survives_being_saved(tmp_path: Path, video: ScannedVideo) -> None:
    save_scan(video, tmp_path / "scan")
    loaded = load_scan(tmp_path / "scan")
    assert scan_to_dict(loaded) == scan_to_dict(video)
    assert loaded.time_s(17) == video.time_s(17)


def test_the_frames_stay_in_the_file_until_they_are_looked_at(
    tmp_path: Path, video: ScannedVideo
) -> None:
    save_scan(video, tmp_path / "scan")
    loaded = load_scan(tmp_path / "scan")
    assert isinstance(loaded.timestamps, np.memmap)
    (tmp_path / "scan").unlink()  # as with a job that is deleted
    np.testing.assert_array_equal(loaded.timestamps, video.timestamps)


def test_a_scan_that_an_older_version_saved_is_read(tmp_path: Path, video: ScannedVideo) -> None:
    (tmp_path / "scan").write_text(json.dumps(scan_to_dict(video)))
    assert scan_to_dict(load_scan(tmp_path / "scan")) == scan_to_dict(video)
