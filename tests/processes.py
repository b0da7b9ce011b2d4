"""Which processes a process has started, as Linux tells."""

from contextlib import suppress
from pathlib import Path


def children(pid: int) -> set[int]:
    """Return the processes that a process has started, those that ended unwaited for as well."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it is gone
            # After the name, which stands in brackets and may hold anything: state, then parent.
            parent = stat.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.add(int(stat.parent.name))
    return found


def descendants(pid: int) -> set[int]:
    """Return the children of a process, and theirs."""
    own = children(pid)
    return own.union(*(descendants(child) for child in own))
