"""Folders of stills with masks."""

from pathlib import Path

import pytest

from dataset import stills
from dataset.values import DatasetError
from tests.dataset.folders import write_stills


def test_lists_stills_by_name(tmp_path: Path) -> None:
    found = stills.load(write_stills(tmp_path, 3))
    assert [still.name for still in found] == ["000", "001", "002"]
    assert found[0].picture().shape == (64, 80, 3)
    assert found[0].mask()[30, 35]
    assert not found[0].mask()[0, 0]


@pytest.mark.parametrize("part", ["images", "masks"])
def test_names_the_missing_folder(part: str, tmp_path: Path) -> None:
    (write_stills(tmp_path, 1) / part).rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=f"{part}/"):
        stills.load(tmp_path)


def test_names_a_picture_without_a_mask(tmp_path: Path) -> None:
    (write_stills(tmp_path, 2) / "masks/001.png").unlink()
    with pytest.raises(DatasetError, match=r"1 pictures .* 001\.png"):
        stills.load(tmp_path)


def test_refuses_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DatasetError, match="no pictures"):
        stills.load(tmp_path)
