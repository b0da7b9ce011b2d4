"""Progress of uploads, jobs and downloads on standard error: bars where tqdm is installed."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from rotograph.uploads import Progress

_LINE_EACH_S = 5.0


@contextmanager
def progress(description: str, unit: str) -> Iterator[Progress]:
    """Show progress in `unit`, `frame` or `B`; yield what is called with done and total."""
    with _bar(description, unit) if find_spec("tqdm") else _lines(description, unit) as move:
        yield move


@contextmanager
def _bar(description: str, unit: str) -> Iterator[Progress]:
    from tqdm import tqdm  # noqa: PLC0415 - the client does without it

    scale = unit == "B"
    with tqdm(
        desc=description, unit=unit, unit_scale=scale, unit_divisor=1024, file=sys.stderr
    ) as shown:

        def move(done: int, total: int) -> None:
            shown.total = total or None
            shown.update(done - shown.n)
            if not done:  # tqdm shows no time that passes where nothing moves
                shown.refresh()

        yield move


@contextmanager
def _lines(description: str, unit: str) -> Iterator[Progress]:
    """Write a line at the start, one every few seconds, and one at the end."""
    units = "bytes" if unit == "B" else f"{unit}s"
    written_s = -_LINE_EACH_S

    def move(done: int, total: int) -> None:
        nonlocal written_s
        now_s = time.monotonic()
        if now_s - written_s < _LINE_EACH_S and done != total:
            return
        written_s = now_s
        of = f" of {total}" if total else ""
        print(f"{description}: {done}{of} {units}", file=sys.stderr, flush=True)

    yield move
