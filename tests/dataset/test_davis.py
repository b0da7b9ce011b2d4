"""DAVIS-2016 in its official layout."""

from pathlib import Path

import numpy as np
import pytest

from dataset import davis
from dataset.values import DatasetError
from tests.dataset.folders import write_davis


def test_lists_sequences_in_order(tmp_path: Path) -> None:
    videos = davis.load(write_davis(tmp_path, {"swan": 3, "bear": 2}), "train")
    assert [(video.name, len(video)) for video in videos] == [("swan", 3), ("bear", 2)]


def test_frames_and_masks_belong_together(tmp_path: Path) -> None:
    (video,) = davis.load(write_davis(tmp_path, {"swan": 3}), "train")
    for index, frame in enumerate(video.frames()):
        mask = video.mask(index)
        assert frame.shape == (60, 90, 3)
        assert mask.sum() == 400
        assert mask[30, 10 + 2 * index]
        assert frame[mask].mean() > frame[~mask].mean() + 80
    assert np.array_equal(video.frame(1), list(video.frames())[1])


def test_names_the_missing_list(tmp_path: Path) -> None:
    write_davis(tmp_path, {"swan": 1})
    with pytest.raises(DatasetError, match=r"ImageSets/480p/val\.txt"):
        davis.load(tmp_path, "val")


def test_names_the_missing_file(tmp_path: Path) -> None:
    write_davis(tmp_path, {"swan": 3})
    (tmp_path / "Annotations/480p/swan/00001.png").unlink()
    with pytest.raises(DatasetError, match=r"1 files .* first .*swan/00001\.png"):
        davis.load(tmp_path, "train")


def test_names_a_line_that_is_no_pair(tmp_path: Path) -> None:
    listing = write_davis(tmp_path, {"swan": 1}) / "ImageSets/480p/train.txt"
    listing.write_text("/JPEGImages/480p/swan/00000.jpg\n")
    with pytest.raises(DatasetError, match="Line 1"):
        davis.load(tmp_path, "train")
