"""Tables of metrics as text, and the same metrics as JSON."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

MISSING = "-"


def percent(fraction: float | None) -> str:
    """Print a fraction times 100 with one decimal; a dash if there is none."""
    return MISSING if fraction is None or math.isnan(fraction) else f"{100 * fraction:.1f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay cells out in columns, the first flush left and the others flush right.

    >>> print(table(["", "J"], [["swan", "9.5"], ["bear", "12.0"]]))
             J
    swan   9.5
    bear  12.0
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def write_json(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics as JSON, in which nan becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_without_nan(metrics), indent=2, allow_nan=False) + "\n")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
