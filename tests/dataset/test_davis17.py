"""DAVIS-2017's unsupervised part in its official layout."""

from pathlib import Path

import numpy as np
import pytest

from dataset import davis17
from dataset.values import DatasetError, read_numbers
from tests.dataset.folders import write_davis17


def test_lists_sequences_with_the_numbers_of_their_objects(tmp_path: Path) -> None:
    videos = davis17.load(write_davis17(tmp_path, {"swans": 3, "bears": 2}), "val")
    assert [(video.name, len(video)) for video in videos] == [("swans", 3), ("bears", 2)]
    assert np.unique(read_numbers(videos[0].mask_paths[0])).tolist() == [0, 1, 3]
    assert videos[1].frame_names == ("00000", "00001")
    assert videos[1].frame(1)[videos[1].mask(1)].mean() > 120


def test_names_what_is_missing(tmp_path: Path) -> None:
    write_davis17(tmp_path, {"swans": 3})
    with pytest.raises(DatasetError, match=r"ImageSets/2017/train\.txt"):
        davis17.load(tmp_path, "train")
    (tmp_path / "Annotations_unsupervised/480p/swans/00001.png").unlink()
    with pytest.raises(DatasetError, match="swans must have a mask, got 3 frames and 2 masks"):
        davis17.load(tmp_path, "val")
