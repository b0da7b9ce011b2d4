"""Masks of every kind that the releases hold."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.values import DatasetError, read_mask, read_picture

WANTED = np.zeros((5, 7), bool)
WANTED[1:3, 2:6] = True


def _grey(top: int) -> Image.Image:
    return Image.fromarray(WANTED.astype(np.uint8) * top)


def _palette() -> Image.Image:
    # The foreground's colour is black and the background's is white: only the index counts.
    picture = Image.frombytes("P", WANTED.shape[::-1], WANTED.astype(np.uint8).tobytes())
    picture.putpalette([255, 255, 255, 0, 0, 0])
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(_grey(255), id="L of 0 and 255"),
        pytest.param(_grey(1), id="L of 0 and 1"),
        pytest.param(_grey(255).convert("1"), id="1 bit"),
        pytest.param(_grey(255).convert("LA"), id="LA"),
        pytest.param(_palette(), id="palette"),
    ],
)
def test_reads_every_kind_of_mask(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png")
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, WANTED)


def test_refuses_a_mask_in_colours(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "mask.png")
    with pytest.raises(DatasetError, match="mode RGB"):
        read_mask(tmp_path / "mask.png")


def test_reads_pictures_as_rgb(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4), (200, 10, 30)).save(tmp_path / "picture.png")
    picture = read_picture(tmp_path / "picture.png")
    assert picture.shape == (4, 6, 3)
    np.testing.assert_array_equal(picture[0, 0], [200, 10, 30])


@pytest.mark.parametrize("read", [read_picture, read_mask])
def test_names_a_file_that_is_no_picture(read: object, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("not a picture")
    assert callable(read)
    with pytest.raises(DatasetError, match=r"broken\.png"):
        read(tmp_path / "broken.png")
