"""Makes `rotograph/_sync` from `rotograph/_async`: `python client/make_sync.py`."""

import subprocess
import sys
from pathlib import Path

import unasync

CLIENT = Path(__file__).resolve().parent
REPLACEMENTS = {
    "AsyncClient": "Client",
    "AsyncConnection": "Connection",
    "AsyncUpload": "Upload",
    "AsyncByteStream": "SyncByteStream",
    "AsyncGenerator": "Generator",
    "_async": "_sync",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "async_run": "run",
    "async_sleep": "sleep",
}


def make_sync(package: Path) -> None:
    modules = [str(module) for module in sorted((package / "_async").glob("*.py"))]
    rule = unasync.Rule("/_async/", "/_sync/", additional_replacements=REPLACEMENTS)
    unasync.unasync_files(modules, [rule])
    config = ["--quiet", "--config", str(CLIENT.parent / "pyproject.toml")]
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, str(package / "_sync")], check=True
        )


if __name__ == "__main__":
    make_sync(CLIENT / "rotograph")
