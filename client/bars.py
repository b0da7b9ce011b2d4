"""Progress bars for uploads, jobs and downloads, on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from client.uploads import Progress


@contextmanager
def bar(description: str, unit: str) -> Iterator[Progress]:
    """Show a bar; yield what moves it: called with what is done and what there is in all.

    Args:
        description: stands before it.
        unit: `frame`, or `B` for bytes.
    """
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
