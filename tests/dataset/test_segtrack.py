"""SegTrack-v2 in its official layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset import segtrack
from dataset.values import DatasetError
from tests.dataset.folders import write_segtrack


def test_lists_sequences_with_frames_and_masks_by_name(tmp_path: Path) -> None:
    write_segtrack(tmp_path, {"worm": 2}, objects=1)
    write_segtrack(tmp_path, {"bmx": 3}, objects=2)
    found = segtrack.load(tmp_path)
    assert [(video.name, len(video)) for video in found] == [("bmx", 3), ("worm", 2)]
    assert found[0].frame_names == ("bmx_00000", "bmx_00001", "bmx_00002")


@pytest.mark.parametrize("objects", [1, 2])
def test_objects_are_one_foreground(objects: int, tmp_path: Path) -> None:
    (video,) = segtrack.load(write_segtrack(tmp_path, {"bmx": 2}, objects))
    rows, columns = np.indices((60, 90))
    for index, (frame, mask) in enumerate(zip(video.frames(), video.masks(), strict=True)):
        discs = [np.hypot(rows - 30, columns - 20 - 40 * k - index) < 12 for k in range(objects)]
        wanted = np.any(discs, axis=0)
        assert frame.shape == (60, 90, 3)
        assert np.count_nonzero(mask ^ wanted) < 0.05 * np.count_nonzero(wanted)
        assert frame[mask].mean() > frame[~mask].mean() + 80


def test_masks_of_0_and_1_are_read(tmp_path: Path) -> None:
    wanted = np.zeros((5, 7), np.uint8)
    wanted[1:3, 2:6] = 1
    Image.fromarray(wanted).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(segtrack.read_object(tmp_path / "mask.png"), wanted > 0)


def test_an_empty_mask_is_empty(tmp_path: Path) -> None:
    Image.new("RGB", (7, 5)).save(tmp_path / "mask.png")
    assert not segtrack.read_object(tmp_path / "mask.png").any()


@pytest.mark.parametrize("part", ["JPEGImages", "GroundTruth"])
def test_names_the_missing_folder(part: str, tmp_path: Path) -> None:
    (write_segtrack(tmp_path, {"bmx": 1}) / part).rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=f"{part}/"):
        segtrack.load(tmp_path)


def test_names_the_missing_mask_of_an_object(tmp_path: Path) -> None:
    write_segtrack(tmp_path, {"bmx": 3})
    (tmp_path / "GroundTruth/bmx/2/bmx_00001.png").unlink()
    with pytest.raises(DatasetError, match=r"1 masks of sequence bmx .*bmx/2/bmx_00001"):
        segtrack.load(tmp_path)


def test_names_a_sequence_without_masks(tmp_path: Path) -> None:
    write_segtrack(tmp_path, {"bmx": 1})
    (tmp_path / "GroundTruth/bmx").rename(tmp_path / "GroundTruth/bmy")
    with pytest.raises(DatasetError, match="Sequence bmx has frames but no masks"):
        segtrack.load(tmp_path)


def test_objects_of_different_sizes_are_refused(tmp_path: Path) -> None:
    write_segtrack(tmp_path, {"bmx": 1})
    Image.new("RGB", (45, 30)).save(tmp_path / "GroundTruth/bmx/2/bmx_00000.png")
    (video,) = segtrack.load(tmp_path)
    with pytest.raises(DatasetError, match=r"bmx_00000 of bmx .*\(30, 45\), \(60, 90\)"):
        video.mask(0)
