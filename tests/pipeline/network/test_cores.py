"""Threads follow what the container may use, not what the host has."""

import os
from pathlib import Path

import pytest

from pipeline.network.cores import limited_cores


def write(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("150000 100000", 2), ("50000 100000", 1), ("max 100000", None), ("1200000 100000", None)],
)
def test_a_quota_of_version_2_is_rounded_up(tmp_path: Path, quota: str, cores: int | None) -> None:
    root = write(tmp_path, proc__self__cgroup="0::/\n")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text(quota)
    assert limited_cores(root) == cores


def test_the_smallest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    root = write(tmp_path, proc__self__cgroup="0::/pod/container\n")
    for group, quota in (("pod", "300000 100000"), ("pod/container", "max 100000")):
        (root / "sys/fs/cgroup" / group).mkdir(parents=True)
        (root / "sys/fs/cgroup" / group / "cpu.max").write_text(quota)
    assert limited_cores(root) == 3


@pytest.mark.parametrize(("quota", "cores"), [("400000", 4), ("-1", None)])
def test_a_quota_of_version_1(tmp_path: Path, quota: str, cores: int | None) -> None:
    root = write(tmp_path, proc__self__cgroup="4:memory:/a\n3:cpu,cpuacct:/docker/of-the-host\n")
    folder = root / "sys/fs/cgroup/cpu"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert limited_cores(root) == cores


def test_the_affinity_limits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limited_cores(tmp_path) is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3})
    assert limited_cores(tmp_path) == 2
