"""Models side by side."""

import json
import math
from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.compare import CompareError, paired_difference, read_metrics, text


def metrics(**region: float) -> dict[str, object]:
    overall = {"J_mean": sum(region.values()) / len(region), "J_recall": 0.5}
    each = {name: {"J_mean": value} for name, value in region.items()}
    return {**overall, "F_mean": 0.25, "F_recall": 0.125, "per_sequence": each}


def test_the_error_is_that_of_the_differences_not_of_the_scores() -> None:
    mean, error = paired_difference([0.9, 0.4, 0.2], [0.8, 0.3, 0.1])
    assert mean == pytest.approx(0.1)
    assert error == pytest.approx(0, abs=1e-12)
    mean, error = paired_difference([0.5, 0.5], [0.3, 0.5])
    assert mean == pytest.approx(0.1)
    assert error == pytest.approx(0.1)
    assert math.isnan(paired_difference([0.5], [0.3])[1])


def test_differences_are_to_the_first_model() -> None:
    lines = text({"a": metrics(x=0.5, y=0.7), "b": metrics(y=0.7, x=0.3)}).splitlines()
    cells = {line.split("  ")[0]: line.split()[1:] for line in lines[1:]}
    assert cells["x"] == ["50.0", "30.0"]
    assert cells["y"] == ["70.0", "70.0"]
    assert lines[-1].split()[-3:] == ["-10.0", "±", "10.0"]


def test_other_sequences_are_refused() -> None:
    with pytest.raises(CompareError, match="b must have the sequences of a, x, y, got x, z"):
        text({"a": metrics(x=0.5, y=0.7), "b": metrics(x=0.5, z=0.7)})


def test_files_that_hold_no_metrics_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text("no")
    for name in ("a.json", "b.json", "c.json"):
        with pytest.raises(CompareError, match=name):
            read_metrics(tmp_path / name)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "first.json", tmp_path / "second.json"]
    for path, value in zip(paths, (0.5, 0.75), strict=True):
        path.write_text(json.dumps(metrics(x=value, y=value)))
    main(["compare", *map(str, paths)])
    assert "+25.0 ± 0.0" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="two of one name"):
        main(["compare", str(paths[0]), str(paths[0])])
