"""What notebooks show of frames and results: PNG, drawn anew from the masks by these tests."""

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rotograph import Frame, Result
from tests.formats.results import EVERY, FRAMES, HEIGHT, WIDTH, sample
from tests.videos import write_video


def pixels_of(png: bytes | None) -> NDArray[np.uint8]:
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def result(source: Path | None = None) -> Result:
    made = sample()
    frames: list[dict[str, Any]] = [json.loads(line) for line in made.lines]
    return Result.from_json(made.summary | {"frames": frames}, source)


def test_a_frame_shows_each_mask_in_a_colour_of_its_own() -> None:
    masks = sample().masks[EVERY]
    shown = pixels_of(result().frames[1]._repr_png_())
    assert shown.shape == (HEIGHT, WIDTH, 3)
    colours = [np.unique(shown[mask], axis=0) for mask in (*masks.values(), ~masks[1] & ~masks[2])]
    assert [len(each) for each in colours] == [1, 1, 1]
    assert len(np.unique(np.concatenate(colours), axis=0)) == 3


def test_a_result_shows_a_sheet_of_frames() -> None:
    shown = pixels_of(result()._repr_png_())
    assert shown.shape == (2 * HEIGHT, 4 * WIDTH, 3)
    first = pixels_of(result().frames[0]._repr_png_())
    np.testing.assert_array_equal(shown[:HEIGHT, :WIDTH], first)


def test_a_result_shows_its_video_under_the_masks(tmp_path: Path) -> None:
    greys = [np.full((HEIGHT, WIDTH, 3), 40 + 10 * n, np.uint8) for n in range(EVERY * FRAMES)]
    rate = Fraction(30000, 1001)
    video = write_video(tmp_path / "greys.mp4", greys, pix_fmt="yuv444p", rate=rate)
    shown = pixels_of(result(video)._repr_png_())
    places = [0, 1, 2, 3, 5, 6, 7, 8]  # of nine frames, eight on a sheet
    for cell, place in enumerate(places):
        row, column = divmod(cell, 4)
        rows, columns = slice(row * HEIGHT, (row + 1) * HEIGHT), slice(column * WIDTH, None)
        part = shown[rows, columns][:, :WIDTH]
        masks = sample().masks[EVERY * place]
        free = ~np.any([np.zeros((HEIGHT, WIDTH), bool), *masks.values()], axis=0)
        assert abs(int(np.median(part[free])) - (40 + 10 * EVERY * place)) <= 4


def test_where_nothing_is_there_is_nothing_to_show() -> None:
    assert Frame(index=6, time_s=0.2, objects=())._repr_png_() is None
