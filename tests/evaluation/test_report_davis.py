"""J, F and T of sequences, and what the report makes of them."""

from pathlib import Path

import numpy as np
import pytest

from dataset import davis
from dataset.davis import EVAL_T
from dataset.values import DatasetError, LabelledVideo
from evaluation import published
from evaluation.predictions import PredictionError
from evaluation.report_davis import SequenceScore, metrics, score, text
from evaluation.statistics import Statistics
from tests.dataset.folders import write_davis
from tests.evaluation.folders import shifted, write_predictions


@pytest.fixture
def swan(tmp_path: Path) -> LabelledVideo:
    (video,) = davis.load(write_davis(tmp_path / "davis", {"swan": 8}), "train")
    return video


def _score(value: float, stability: float) -> SequenceScore:
    statistics = Statistics(mean=value, recall=value / 2, decay=value / 10)
    return SequenceScore(statistics, statistics, stability)


def test_the_truth_is_perfect(swan: LabelledVideo, tmp_path: Path) -> None:
    found = score(write_predictions(tmp_path / "p", [swan]), swan)
    assert found.region == found.contour == Statistics(mean=1, recall=1, decay=0)
    assert found.stability == pytest.approx(0, abs=1e-9)  # a square that only moves


def test_a_shifted_prediction_overlaps_in_part(swan: LabelledVideo, tmp_path: Path) -> None:
    found = score(write_predictions(tmp_path / "p", [swan], shifted(5)), swan)
    assert found.region.mean == pytest.approx(15 / 25)
    assert found.contour.mean < 0.7


def test_the_first_and_last_frame_do_not_count(swan: LabelledVideo, tmp_path: Path) -> None:
    folder = write_predictions(tmp_path / "p", [swan])
    for name in ("00000.png", "00007.png"):
        (folder / "swan" / name).unlink()
    assert score(folder, swan).region.mean == 1
    (folder / "swan" / "00006.png").unlink()
    with pytest.raises(PredictionError, match=r"00006\.png"):
        score(folder, swan)


def test_two_frames_are_too_few(tmp_path: Path) -> None:
    (video,) = davis.load(write_davis(tmp_path, {"swan": 2}), "train")
    with pytest.raises(DatasetError, match="swan must have at least 3 frames, got 2"):
        score(tmp_path, video)


def test_metrics_are_means_over_sequences() -> None:
    found = metrics({"bear": _score(0.8, 0.2), "swan": _score(0.4, 0.4)})
    assert found["J_mean"] == found["F_mean"] == pytest.approx(0.6)
    assert found["J_recall"] == found["F_recall"] == pytest.approx(0.3)
    assert found["J_decay"] == found["F_decay"] == pytest.approx(0.06)
    assert found["T_mean"] == pytest.approx(0.3)
    assert found["per_sequence"]["swan"] == {
        "J_mean": 0.4,
        "J_recall": 0.2,
        "J_decay": pytest.approx(0.04),
        "F_mean": 0.4,
        "F_recall": 0.2,
        "F_decay": pytest.approx(0.04),
        "T_mean": 0.4,
        "T": 0.4,
    }


def test_stability_is_that_of_the_flagged_sequences() -> None:
    scores = {"camel": _score(0.8, 0.2), "cows": _score(0.8, 0.4), "dog": _score(0.8, 9)}
    found = metrics(scores)
    assert found["T_mean"] == pytest.approx(0.3)
    assert found["T_sequences"] == ["camel", "cows"]
    assert len(EVAL_T) == 10


def test_a_sequence_without_contours_has_no_stability() -> None:
    found = metrics({"bear": _score(0.8, float("nan")), "swan": _score(0.4, 0.4)})
    assert found["T_mean"] == pytest.approx(0.4)
    assert np.isnan(metrics({"bear": _score(0, float("nan"))})["T_mean"])


def test_the_table_holds_ours_beside_the_published() -> None:
    found = metrics({"bear": _score(0.8, 0.2), "swan": _score(0.4, float("nan"))})
    lines = text(found, "train").splitlines()
    assert lines[0] == "DAVIS-2016 train, 2 sequences, percent"
    assert lines[3].split() == ["swan", *["40.0", "20.0", "4.0", "40.0", "20.0", "4.0", "-"]]
    assert any("not comparable" in line for line in lines)
    (overall,) = (line.split() for line in lines if line.startswith("J mean"))
    assert overall[2:] == [*(f"{v[0]:.1f}" for v in published.DAVIS.values()), "60.0"]
    assert overall[-2] == "78.3"
