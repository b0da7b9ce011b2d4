"""Processes forked from one that has imported what a worker needs, which takes over a second."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.jobs.forked", "tests.jobs.slow_worker"])


class Forked:
    """A process that runs a function, handled as a `subprocess.Popen` is."""

    def __init__(self, run: Callable[..., None], *arguments: Any, log: Path) -> None:
        self._process = _SERVER.Process(target=_run, args=(run, arguments, log, dict(os.environ)))
        self._process.start()

    def send_signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout_s: float = 60) -> int | None:
        """Wait for its end, and return the exit status; None where the time is over."""
        self._process.join(timeout_s)
        return self._process.exitcode


def _run(
    run: Callable[..., None], arguments: tuple[Any, ...], log: Path, environment: dict[str, str]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    run(*arguments)
