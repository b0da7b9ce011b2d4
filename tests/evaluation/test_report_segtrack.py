"""Mean IoU by sequence and by frame."""

from pathlib import Path

import pytest

from dataset import segtrack
from evaluation.predictions import PredictionError
from evaluation.report_segtrack import metrics, score, text
from tests.dataset.folders import write_segtrack
from tests.evaluation.folders import shifted, write_predictions


def test_headline_is_the_mean_over_sequences(tmp_path: Path) -> None:
    root = write_segtrack(tmp_path / "s", {"bmx": 2, "worm": 6})
    bmx, worm = segtrack.load(root)
    folder = write_predictions(tmp_path / "p", [bmx])
    write_predictions(folder, [worm], shifted(6))
    found = metrics({video.name: score(folder, video) for video in (bmx, worm)})
    of_worm = found["per_sequence"]["worm"]["mean_iou"]
    assert found["per_sequence"]["bmx"]["mean_iou"] == 1
    assert 0.3 < of_worm < 0.8
    assert found["mean_iou"] == pytest.approx((1 + of_worm) / 2)
    assert found["pooled_iou"] == pytest.approx((2 + 6 * of_worm) / 8)
    lines = text(found).splitlines()
    assert lines[-2].split() == ["ours", f"{100 * found['mean_iou']:.1f}"]
    assert "Hou et al.      62.1" in lines
    assert any("all 14 sequences: not comparable" in line for line in lines)


def test_every_frame_wants_a_mask(tmp_path: Path) -> None:
    (bmx,) = segtrack.load(write_segtrack(tmp_path / "s", {"bmx": 2}))
    folder = write_predictions(tmp_path / "p", [bmx])
    (folder / "bmx" / "bmx_00000.png").unlink()
    with pytest.raises(PredictionError, match=r"bmx_00000\.png"):
        score(folder, bmx)
