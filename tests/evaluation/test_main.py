"""The commands, from folders to printed tables, JSON and sheets."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataset import davis, jhmdb, segtrack
from dataset.values import read_mask, read_picture
from evaluation.__main__ import main
from tests.dataset.folders import write_davis, write_davis17, write_jhmdb, write_segtrack
from tests.evaluation.folders import shifted, write_predictions
from tests.tiny_model import write_blurring_model, write_model


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_davis_from_masks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_davis(tmp_path / "d", {"swan": 5, "surf": 6})
    folder = write_predictions(tmp_path / "p", davis.load(root, "train"), shifted(5))
    arguments = ["--root", root, "--split", "train", "--masks", folder]
    arguments += ["--json", tmp_path / "out/d.json", "--sheet", tmp_path / "sheet.png"]
    main(["davis", *map(str, arguments)])
    found = _read(tmp_path / "out/d.json")
    assert list(found["per_sequence"]) == ["swan", "surf"]
    assert found["J_mean"] == pytest.approx(0.6)
    assert found["J_recall"] == 1
    assert found["T_mean"] == pytest.approx(0, abs=1e-9)
    assert read_picture(tmp_path / "sheet.png").size
    printed = capsys.readouterr().out
    assert "DAVIS-2016 train, 2 sequences" in printed
    assert "PDB" in printed


def test_davis_from_a_model_and_again_from_its_masks(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "d", {"swan": 9})
    model = write_model(tmp_path / "tiny.onnx")
    common = ["davis", "--root", str(root), "--split", "train", "--json", str(tmp_path / "a.json")]
    main([*common, "--model", str(model), "--save", str(tmp_path / "p")])
    assert len(list((tmp_path / "p/swan").iterdir())) == 9
    found = _read(tmp_path / "a.json")
    assert 0.7 < found["J_mean"] < 1
    main([*common, "--masks", str(tmp_path / "p")])
    assert _read(tmp_path / "a.json") == found


def test_davis17_from_masks_and_from_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_davis17(tmp_path / "d", {"swans": 9, "bears": 10})
    common = ["davis17", "--root", str(root), "--json", str(tmp_path / "a.json")]
    main([*common, "--masks", str(root / "Annotations_unsupervised/480p")])
    found = _read(tmp_path / "a.json")
    assert (found["objects"], found["J_and_F_mean"], found["J_decay"]) == (4, 1, 0)
    assert list(found["per_sequence"]) == ["swans", "bears"]
    assert "DAVIS-2017 unsupervised, val, 2 sequences" in capsys.readouterr().out
    model = str(write_model(tmp_path / "tiny.onnx"))
    main([*common, "--model", model, "--sequences", "bears", "--instances", "primary"])
    found = _read(tmp_path / "a.json")
    # Both are one track, of which each is half: it fits one of them by a half, and the other not.
    assert (found["objects"], found["J_mean"]) == (2, pytest.approx(0.25, abs=0.05))


def test_the_stride_is_the_one_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_davis(tmp_path / "d", {"swan": 22})
    model = write_blurring_model(tmp_path / "tiny.onnx")
    common = ["davis", "--root", str(root), "--split", "train", "--model", str(model)]
    for name, stride in (("as-served", []), ("6", ["--stride", "6"]), ("8", ["--stride", "8"])):
        main([*common, "--save", str(tmp_path / name), *stride])
    as_served, six, eight = (
        [read_mask(path).tobytes() for path in sorted((tmp_path / name / "swan").iterdir())]
        for name in ("as-served", "6", "8")
    )
    assert as_served == eight
    assert six != eight
    with pytest.raises(SystemExit, match="2"):
        main([*common, "--stride", "9"])
    assert "invalid choice: 9" in capsys.readouterr().err


def test_only_some_sequences(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "d", {"mallard-fly": 3, "mallard-water": 3, "surf": 3})
    write_predictions(tmp_path / "p", davis.load(root, "train"))
    common = ["davis", "--root", str(root), "--split", "train", "--masks", str(tmp_path / "p")]
    main([*common, "--json", str(tmp_path / "a.json"), "--sequences", "mallard-*"])
    assert list(_read(tmp_path / "a.json")["per_sequence"]) == ["mallard-fly", "mallard-water"]
    with pytest.raises(SystemExit, match=r"--sequences must be some of mallard-fly.*, got swan"):
        main([*common, "--sequences", "surf", "swan"])


def test_only_what_no_model_was_trained_on(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "d", {"swan": 3, "surf": 3})
    write_predictions(tmp_path / "p", davis.load(root, "train"))
    common = ["davis", "--root", str(root), "--masks", str(tmp_path / "p")]
    main([*common, "--split", "held-out", "--json", str(tmp_path / "a.json")])
    assert list(_read(tmp_path / "a.json")["per_sequence"]) == ["surf"]
    write_jhmdb(tmp_path / "j", {"run": ["a", "b"]})
    common = ["jhmdb", "--root", str(tmp_path / "j"), "--subset", "held-out"]
    with pytest.raises(SystemExit, match="held-out needs --split 1, got 2"):
        main([*common, "--split", "2", "--masks", str(tmp_path / "p")])


def test_segtrack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_segtrack(tmp_path / "s", {"bmx": 2})
    folder = write_predictions(tmp_path / "p", segtrack.load(root))
    main(["segtrack", "--root", str(root), "--masks", str(folder), "--json", f"{tmp_path}/s.json"])
    assert _read(tmp_path / "s.json")["mean_iou"] == 1
    assert "SegTrack-v2, 1 sequences" in capsys.readouterr().out


@pytest.mark.parametrize("ending", [".mp4", ""])
def test_jhmdb(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_jhmdb(tmp_path / "j", {"run": ["a", "b"]}, ending=ending)
    arguments = ["jhmdb", "--root", str(root), "--split", "1", "--json", str(tmp_path / "j.json")]
    arguments += ["--sheet", str(tmp_path / "sheet.jpg")]
    model = write_model(tmp_path / "tiny.onnx")
    main([*arguments, "--subset", "test", "--model", str(model), "--save", str(tmp_path / "p")])
    found = _read(tmp_path / "j.json")
    assert list(found["per_sequence"]) == ["b"]
    assert 0.05 < found["mean_iou"] < 1  # the model takes white bars for foreground, too
    assert found["frame_map"] is None
    assert found["missing_masks"] == 0
    assert len(list((tmp_path / "p/b").iterdir())) == 8
    assert "J-HMDB split 1 test, 1 clips" in capsys.readouterr().out
    truth = write_predictions(tmp_path / "t", jhmdb.load(root, 1, "test"))
    main([*arguments, "--subset", "test", "--masks", str(truth)])
    assert _read(tmp_path / "j.json")["overall_iou"] == 1


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--masks", "nowhere"], "--masks must be a folder of predictions, got nowhere"),
        (["--model", "nowhere.onnx"], "There is no model file nowhere.onnx"),
        (["--split", "test", "--masks", "."], r"ImageSets/480p/test\.txt"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], wanted: str, tmp_path: Path) -> None:
    root = write_davis(tmp_path, {"swan": 3})
    with pytest.raises(SystemExit, match=wanted):
        main(["davis", "--root", str(root), "--split", "train", *arguments])


def test_an_error_of_a_process_is_told(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "d", {"swan": 3, "surf": 3})
    write_predictions(tmp_path / "p", davis.load(root, "train")[:1])
    with pytest.raises(SystemExit, match=r"predicted mask, .*surf/00001\.png is missing"):
        main(["davis", "--root", str(root), "--split", "train", "--masks", str(tmp_path / "p")])


def test_save_wants_masks_to_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["davis", "--root", ".", "--masks", ".", "--save", str(tmp_path)])
    assert "--save keeps the masks that are made" in capsys.readouterr().err


def test_the_middle_of_each_frame_is_a_baseline(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "d", {"swan": 4})
    common = ["davis", "--root", str(root), "--split", "train", "--json", str(tmp_path / "a.json")]
    main([*common, "--centre-box", "--save", str(tmp_path / "p")])
    (path,) = (tmp_path / "p/swan").glob("*2.png")
    mask = read_mask(path)
    rows, columns = mask.shape
    assert mask.sum() == (rows // 2) * (columns // 2)
    assert mask[rows // 2, columns // 2]
    assert 0 <= _read(tmp_path / "a.json")["J_mean"] < 1
