"""`_sync` is what `client/make_sync.py` makes of `_async`."""

import shutil
from pathlib import Path

from make_sync import CLIENT, make_sync


def test_the_sync_side_is_made_from_the_async_one(tmp_path: Path) -> None:
    package = tmp_path / "rotograph"
    shutil.copytree(CLIENT / "rotograph" / "_async", package / "_async")
    make_sync(package)
    committed = CLIENT / "rotograph" / "_sync"
    made = {path.name: path.read_text() for path in (package / "_sync").glob("*.py")}
    assert made == {path.name: path.read_text() for path in committed.glob("*.py")}
