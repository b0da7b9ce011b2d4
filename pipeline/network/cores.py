"""How many cores this process may use: runtimes would start a thread for each of the host's."""

import math
import os
from collections.abc import Iterator
from pathlib import Path


def limited_cores(root: Path = Path("/")) -> int | None:
    """Return the cores that container and affinity allow, rounded up; None for no limit."""
    shares = [float(len(os.sched_getaffinity(0))), *_quotas(root)]
    cores = max(1, math.ceil(min(shares)))
    return cores if cores < (os.cpu_count() or 1) else None


def _quotas(root: Path) -> Iterator[float]:
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In version 1 each controller has a folder of its own. Containers see theirs as the root.
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        group = mount / path.strip("/")
        for folder in {mount, group, *(up for up in group.parents if up.is_relative_to(mount))}:
            if controllers:
                quota, period = (_read(folder / f"cpu.cfs_{n}_us") for n in ("quota", "period"))
            else:
                quota, period = [*_read(folder / "cpu.max").split(), "", ""][:2]
            if quota.strip().isdigit() and int(period) > 0:  # else `max` or -1: no limit
                yield int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
