"""The supervisor: keeps the API and one worker running, and passes signals on."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

import anyio
from anyio.abc import Process

# EX_CONFIG of sysexits.h: the process refuses to start, and would again.
REFUSED = 78
FLAG = "--supervised"

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 10.0
GRACE_S = 20.0

PARTS: dict[str, Sequence[str]] = {
    part: (sys.executable, "-m", "service", part, FLAG) for part in ("api", "worker")
}

_log = logging.getLogger(__name__)


async def supervise(commands: dict[str, Sequence[str]] = PARTS) -> int:
    """Run processes until SIGTERM or SIGINT: 0; or until one refuses to start: REFUSED."""
    life, end_of_this_process = os.pipe()  # see end_with_the_supervisor
    with (
        os.fdopen(life, "rb"),
        os.fdopen(end_of_this_process, "wb"),
        anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals,
    ):
        refused: list[str] = []
        async with anyio.create_task_group() as tasks:

            async def keep(name: str, command: Sequence[str]) -> None:
                await _keep_running(name, command, life)
                refused.append(name)
                tasks.cancel_scope.cancel()

            for name, command in commands.items():
                tasks.start_soon(keep, name, command)
            async for number in signals:
                _log.info("stopping", extra={"signal": number.name})
                tasks.cancel_scope.cancel()
    if refused:
        _log.error("process refuses to start", extra={"part": refused[0]})
        return REFUSED
    return 0


async def _keep_running(name: str, command: Sequence[str], life: int) -> None:
    delay_s = 0.0
    while True:
        started = time.monotonic()
        status = await _run(command, life)
        if status == REFUSED:
            return
        delay_s = next_delay_s(delay_s, time.monotonic() - started)
        _log.warning(
            "process died", extra={"part": name, "exit_status": status, "restart_in_s": delay_s}
        )
        await anyio.sleep(delay_s)


def next_delay_s(last_s: float, lived_s: float) -> float:
    """Return the wait before a process starts again, after `last_s`, 0 at first."""
    if lived_s > STEADY_S:
        return FIRST_DELAY_S
    return min(max(2 * last_s, FIRST_DELAY_S), LONGEST_DELAY_S)


async def _run(command: Sequence[str], life: int) -> int:
    """Run a process to its end, or end it when this task is canceled."""
    process = await anyio.open_process(command, stdin=life, stdout=None, stderr=None)
    try:
        return await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    with anyio.move_on_after(GRACE_S):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def end_with_the_supervisor() -> None:
    """Stop this process as SIGTERM does, once its standard input ends.

    The supervisor holds the other end of that pipe, which ends with it, also after a SIGKILL.
    """
    threading.Thread(target=_wait_for_the_end, name="supervised", daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
