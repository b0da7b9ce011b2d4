"""Contact sheets: worst first, the truth above and the prediction below."""

from pathlib import Path

import numpy as np
import pytest

from dataset import davis
from dataset.values import read_picture
from evaluation.predictions import PredictionError
from evaluation.sheet import COLUMNS, MOST_SEQUENCES, OURS, TRUTH, paint, write_sheet
from tests.dataset.folders import write_davis
from tests.evaluation.folders import write_predictions


def test_paint_colours_what_the_mask_covers() -> None:
    mask = np.zeros((60, 90), bool)
    mask[:, :45] = True
    painted = paint(np.full((60, 90, 3), 100, np.uint8), mask, (255, 0, 0), width=30)
    assert painted.shape == (20, 30, 3)
    assert painted[10, 5, 0] > 150
    assert painted[10, 5, 1] < 60
    assert painted[10, 25].tolist() == [100, 100, 100]


def test_truth_and_prediction_stand_in_two_rows(tmp_path: Path) -> None:
    videos = davis.load(write_davis(tmp_path / "d", {"swan": 8, "bear": 8}), "train")
    folder = write_predictions(tmp_path / "p", videos[:1])  # none of bear
    write_sheet(tmp_path / "out/sheet.png", folder, videos, {"swan": 1.0, "bear": 0.0})
    sheet = read_picture(tmp_path / "out/sheet.png").astype(int)
    assert sheet.shape == (2 * (22 + 2 * 160), COLUMNS * 240, 3)
    bear, swan = np.split(sheet, 2)

    def share(part: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", colour: int) -> float:
        others = [channel for channel in range(3) if channel != colour]
        return float(np.mean(part[..., colour] > part[..., others].max(axis=-1) + 40))

    red, green = int(np.argmax(OURS)), int(np.argmax(TRUTH))
    for strip in (bear, swan):
        assert share(strip[22:182], green) > 0.03
        assert share(strip[22:182], red) == share(strip[182:], green) == 0
    assert share(bear[182:], red) == 0
    assert share(swan[182:], red) > 0.03


def test_many_sequences_are_sampled(tmp_path: Path) -> None:
    lengths = {f"s{number:02d}": 1 for number in range(MOST_SEQUENCES + 6)}
    videos = davis.load(write_davis(tmp_path / "d", lengths), "train")
    scores = {name: number / 100 for number, name in enumerate(lengths)}
    write_sheet(tmp_path / "sheet.png", tmp_path, videos, scores)
    sheet = read_picture(tmp_path / "sheet.png")
    assert sheet.shape[0] == MOST_SEQUENCES * (22 + 2 * 160)


def test_a_sheet_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    videos = davis.load(write_davis(tmp_path / "d", {"swan": 3}), "train")
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(PredictionError, match=r"sheet\.png can't be written"):
        write_sheet(tmp_path / "sheet.png", tmp_path, videos, {"swan": 0.5})
