"""IoU by frame, by clip and pooled, and what is left open without action labels."""

from pathlib import Path

import pytest

from dataset import jhmdb
from evaluation.report_jhmdb import NO_ACTIONS, metrics, score, text
from tests.dataset.folders import write_jhmdb
from tests.evaluation.folders import shifted, write_predictions


@pytest.fixture
def clips(tmp_path: Path) -> list[jhmdb.ActionClip]:
    root = write_jhmdb(tmp_path / "j", {"run": ["a", "b", "c"], "wave": ["d"]}, ending="")
    return jhmdb.load(root, 1, "train")


def test_perfect_but_for_missing_masks(clips: list[jhmdb.ActionClip], tmp_path: Path) -> None:
    folder = write_predictions(tmp_path / "p", clips)
    for number in (1, 2):
        (folder / "a" / f"{number:05d}.png").unlink()
    found = metrics({clip.name: score(folder, clip) for clip in clips})
    assert [clip.name for clip in clips] == ["a", "c", "d"]
    assert found["missing_masks"] == 2
    assert found["mean_iou"] == found["overall_iou"] == pytest.approx(22 / 24)
    assert found["per_sequence"]["a"]["mean_iou"] == pytest.approx(6 / 8)
    assert found["per_action"]["run"]["mean_iou"] == pytest.approx(14 / 16)
    assert found["per_action"]["wave"]["mean_iou"] == 1
    assert found["precision_at"] == dict.fromkeys(
        ["0.5", "0.6", "0.7", "0.8", "0.9"], pytest.approx(22 / 24)
    )
    assert "2 frames have no predicted mask and count 0." in text(found, "split 1 train")


def test_shifted_by_a_quarter(clips: list[jhmdb.ActionClip], tmp_path: Path) -> None:
    folder = write_predictions(tmp_path / "p", clips, shifted(4))
    found = metrics({clip.name: score(folder, clip) for clip in clips})
    assert found["mean_iou"] == pytest.approx(12 / 20)
    assert found["mean_iou_clip"] == pytest.approx(12 / 20)
    assert found["precision_at"]["0.5"] == 1
    assert found["precision_at"]["0.7"] == 0


def test_action_metrics_are_left_open(clips: list[jhmdb.ActionClip], tmp_path: Path) -> None:
    folder = write_predictions(tmp_path / "p", clips)
    found = metrics({clip.name: score(folder, clip) for clip in clips})
    assert [found[key] for key in ("frame_map", "video_map", "clip_accuracy")] == [None] * 3
    lines = text(found, "split 1 train").splitlines()
    assert lines[0] == "J-HMDB split 1 train, 3 clips, percent"
    assert lines[-1] == NO_ACTIONS
    assert lines[-2].split() == ["ours", "100.0", "-"]
    assert lines[-3].split() == ["Hou", "et", "al.", "68.1", "68.9"]
