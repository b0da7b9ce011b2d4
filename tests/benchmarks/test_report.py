"""The benchmark's tables say what was measured."""

import json
from pathlib import Path

import pytest

from benchmarks.clients import Crowd
from benchmarks.contestants import Cost
from benchmarks.devices import OnDevice
from benchmarks.report import tables, write
from benchmarks.results import LongRun, Results, Run


@pytest.fixture
def results() -> Results:
    results = Results({"cores": "2"})
    runs = results.runs.setdefault("64x48", {})
    runs["LitServe"] = [Run(100, Cost(10, 15)), Run(100, Cost(20, 15))]
    runs["bare loop, cpu"] = [Run(100, Cost(5, 9)), Run(100, Cost(8, 9))]
    runs["pipeline, cpu"] = [
        Run(100, Cost(6, 10), {"motion": 0.5}),
        Run(100, Cost(9, 10), {"motion": 0.7}),
    ]
    runs["job, cpu"] = [Run(100, Cost(5, 12)), Run(100, Cost(16, 13))]
    results.short_s["job, cpu"] = [1.0, 2.0, 3.0]
    results.start_s["ours, cpu"] = [2.0, 2.5]
    results.memory_mib["ours, cpu"] = [500, 510]
    results.crowds["ours, cpu"] = [Crowd(4, 1.5, 2, 3, 0.99)]
    results.devices = {"cpu": OnDevice(150, 0, 0, 200, 250), "cuda": OnDevice(5, 0, 0, 6000, None)}
    results.long["1"] = LongRun(Run(1500, Cost(50, 90)), 800)
    results.long["10"] = LongRun(Run(15000, Cost(500, 900)), 840)
    return results


def test_ratios_are_of_the_same_repeat(results: Results) -> None:
    lines = list(tables(results))
    # 2 and 1.25 times as fast as LitServe, 1 and 0.5 times as fast as the bare loop.
    assert "| 64x48 | job, cpu | 13.1 (6.2, 20.0) | 1.62 | 0.75 | 12.50 |" in lines
    assert "| 64x48, pipeline, cpu | 0.0 | 6.0 | 0.0 | 94.0 |" in lines
    assert "| ours, cpu | 2.2 (2.0, 2.5) s | 510 MiB |" in lines
    assert "| ours, cpu | 4 | 1.50 | 2.0 s | 3.0 s | 0.990 |" in lines
    assert "| 10 min | 30.0 | 840 MiB | 1.050 |" in lines
    assert "| cpu | 150 ms | 200 | 80% of 250 | 0.0e+00 | 0.000% |" in lines
    assert "| cuda | 5 ms | 6000 |  | 0.0e+00 | 0.000% |" in lines


def test_the_tables_are_written_beside_the_numbers_and_the_plot(
    results: Results, tmp_path: Path
) -> None:
    for _ in range(2):
        write(results, tmp_path / "out")
    text = (tmp_path / "out/bench.md").read_text()
    assert text.startswith("# The benchmark's tables\n\ncores 2.\n")
    assert text.count("| 64x48 | LitServe |") == 1
    assert json.loads((tmp_path / "out/bench.json").read_text())["about"] == {"cores": "2"}
    assert (tmp_path / "out/bench.png").read_bytes().startswith(b"\x89PNG")


def test_what_an_interrupted_run_measured_is_told(results: Results, tmp_path: Path) -> None:
    del results.runs["64x48"]["LitServe"][1]
    results.memory_mib.clear()
    write(results, tmp_path)
    text = (tmp_path / "bench.md").read_text()
    assert "| 64x48 | job, cpu | 13.1 (6.2, 20.0) | 2.00 | 0.75 | 12.50 |" in text
    assert "| ours, cpu | 2.2 (2.0, 2.5) s |  |" in text
