"""Metrics of predicted actions, worked out by hand; predictions kept and read; their pictures."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset import davis, jhmdb
from dataset.values import read_picture
from evaluation import predicted_actions
from evaluation.__main__ import main
from evaluation.actions import ClipActions, metrics
from evaluation.confusion import write_confusion
from evaluation.predictions import PredictionError
from tests.dataset.folders import write_davis, write_jhmdb
from tests.evaluation.folders import write_predictions
from tests.tiny_model import write_action_model, write_model

BOX, ELSEWHERE = (10, 10, 29, 49), (40, 10, 59, 49)


def shares(**of_labels: float) -> dict[str, float]:
    return {label: math.log(share) for label, share in of_labels.items()}


def clip(action: str, *frames: tuple[dict[str, float], Any]) -> ClipActions:
    return ClipActions(action, [f[0] for f in frames], [f[1] for f in frames], [BOX] * len(frames))


def test_metrics_of_three_clips() -> None:
    runs = shares(run=0.7, jump=0.2, none=0.1)
    found = metrics(
        {
            "right": clip("run", (runs, BOX), (runs, BOX)),
            "nowhere": clip("run", ({}, None), ({}, None)),
            "beside": clip("jump", (shares(run=0.3, jump=0.6, none=0.1), ELSEWHERE)),
        }
    )
    # Both frames of `right` are found before anything else; the two of `nowhere` never are.
    assert found["per_action"]["run"]["frame_ap"] == pytest.approx(0.5)
    assert found["per_action"]["run"]["video_ap"] == pytest.approx(0.5)
    assert found["per_action"]["jump"] == {"frame_ap": 0, "video_ap": 0, "clip_accuracy": 1}
    assert found["frame_map"] == found["video_map"] == pytest.approx(0.25)
    assert found["video_map_at"] == {"0.2": pytest.approx(0.25), "0.5": pytest.approx(0.25)}
    assert found["clip_accuracy"] == pytest.approx(2 / 3)
    assert (found["sure_clips"], found["sure_accuracy"]) == (2, 1)
    assert found["confusion"] == {"run": {"run": 1, "nothing": 1}, "jump": {"jump": 1}}


def test_a_frame_without_a_box_repeats_the_one_before_in_a_tube() -> None:
    runs = shares(run=0.9, none=0.1)
    broken = clip("run", (runs, BOX), ({}, None), (runs, BOX))
    assert metrics({"a": broken})["video_map"] == pytest.approx(1)
    assert metrics({"a": broken})["frame_map"] == pytest.approx(2 / 3)


def test_who_is_sure_may_be_wrong_and_who_is_unsure_does_not_count() -> None:
    sure, unsure = shares(run=0.7, jump=0.3), shares(run=0.39, jump=0.31, none=0.3)
    quiet = shares(run=0.1, jump=0.1, none=0.8)
    predicted = {"a": "run", "b": "jump"}
    clips = {f"sure {name}": clip(action, (sure, BOX)) for name, action in predicted.items()}
    clips |= {"unsure": clip("run", (unsure, BOX)), "none": clip("run", (quiet, BOX))}
    found = metrics(clips)
    assert (found["sure_clips"], found["sure_accuracy"]) == (2, 0.5)
    assert metrics({"none": clip("run", (quiet, BOX))})["sure_accuracy"] is None


def test_none_is_no_action_to_be_found() -> None:
    quiet = shares(run=0.2, none=0.8)
    found = metrics({"a": clip("run", (quiet, BOX))})
    assert found["frame_map"] == pytest.approx(1)  # its box is still the best for `run`
    assert found["clip_accuracy"] == 0
    assert found["confusion"] == {"run": {"none": 1}}


def test_a_track_is_told_by_the_geometric_mean_of_its_frames() -> None:
    frames = [shares(none=0.4, run=0.1), {}, shares(none=0.1, run=0.9)]
    assert predicted_actions.of_track(frames) == pytest.approx({"none": 0.4, "run": 0.6})
    assert predicted_actions.best(predicted_actions.of_track(frames)) == "run"
    assert predicted_actions.best(predicted_actions.of_track([{}])) is None


def test_a_frame_is_told_with_those_before_it() -> None:
    """As the service tells it: one odd frame among many doesn't stand for itself."""
    runs, jumps = shares(run=0.9, jump=0.1), shares(run=0.2, jump=0.8)
    labels = [
        predicted_actions.best(frame)
        for frame in predicted_actions.of_frames([runs, runs, {}, runs, jumps])
    ]
    assert labels == ["run", "run", None, "run", "run"]


def test_what_was_told_is_read_back(tmp_path: Path) -> None:
    (swan,) = davis.load(write_davis(tmp_path / "d", {"swan": 2}), "train")
    assert predicted_actions.read(tmp_path, swan) is None
    predicted_actions.write(tmp_path, swan, [shares(run=0.3), {}])
    assert predicted_actions.read(tmp_path, swan) == [shares(run=0.3), {}]
    predicted_actions.write(tmp_path, swan, [{}])
    with pytest.raises(PredictionError, match=r"actions\.json must be of 2 frames, got 1"):
        predicted_actions.read(tmp_path, swan)


def test_right_answers_are_dark_on_the_diagonal(tmp_path: Path) -> None:
    path = tmp_path / "out" / "confusion.png"
    write_confusion(path, {"jump": {"jump": 4}, "run": {"jump": 1, "none": 3}})
    picture = read_picture(path)
    dark = picture[132:, 152:].mean(-1)
    assert picture.shape == (130 + 2 * 34, 150 + 3 * 34, 3)
    cells = [[np.median(dark[r : r + 30, c : c + 30]) for c in (0, 34, 68)] for r in (0, 34)]
    assert cells[0][0] < 60  # four of four
    assert cells[0][1] == cells[0][2] == cells[1][1] == 255
    assert cells[1][2] < cells[1][0] < 255


def test_jhmdb_with_a_model_that_names_actions_and_again_from_what_it_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_jhmdb(tmp_path / "j", {"run": ["a"], "wave": ["b"]})
    model = write_action_model(tmp_path / "tiny.onnx", ("none", "run"))
    common = ["jhmdb", "--root", str(root), "--subset", "train", "--json", f"{tmp_path}/a.json"]
    confusion = ["--confusion", str(tmp_path / "confusion.png")]
    main([*common, "--model", str(model), "--save", str(tmp_path / "p"), *confusion])
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["confusion"] == {"run": {"run": 1}, "wave": {"run": 1}}
    assert found["clip_accuracy"] == 0.5
    # The masks of what is red are too large for most boxes to count.
    assert found["per_action"]["run"]["frame_ap"] > 0 == found["per_action"]["wave"]["frame_ap"]
    assert found["video_map_at"]["0.2"] == 0.5
    assert (tmp_path / "confusion.png").is_file()
    assert "video-mAP@0.2" in capsys.readouterr().out
    main([*common, "--masks", str(tmp_path / "p")])
    assert json.loads((tmp_path / "a.json").read_text()) == found
    segmenting = write_model(tmp_path / "masks.onnx")
    with pytest.raises(SystemExit, match="needs a model that names actions"):
        main([*common, "--model", str(segmenting), *confusion])


def test_none_counts_what_isnt_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_davis(tmp_path / "d", {"bear": 9, "surf": 9})
    common = ["none", "--root", str(root), "--split", "train", "--json", f"{tmp_path}/n.json"]
    for labels, share in ((("run", "none"), 1.0), (("none", "run"), 0.0)):
        model = write_action_model(tmp_path / "tiny.onnx", labels)
        main([*common, "--model", str(model)])
        found = json.loads((tmp_path / "n.json").read_text())
        assert found["none_share"] == found["none_share_frames"] == share
        assert found["per_sequence"]["surf"]["people"]
        assert found["per_sequence"]["bear"]["label"] == labels[-1]
    assert "surf (people)" in capsys.readouterr().out
    write_predictions(tmp_path / "p", davis.load(root, "train"))
    with pytest.raises(SystemExit, match=r"There is no .*/actions\.json"):
        main([*common, "--masks", str(tmp_path / "p")])


def test_boxes_of_masks_are_those_of_the_truth(tmp_path: Path) -> None:
    (truth,) = jhmdb.load(write_jhmdb(tmp_path / "j", {"run": ["a"]}, ending=""), 1, "train")
    assert truth.boxes() == [jhmdb.tight_box(mask) for mask in truth.masks()]
    assert jhmdb.tight_box(np.zeros((4, 4), np.bool_)) is None
