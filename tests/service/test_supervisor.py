"""The supervisor: restarts, refusals and signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from service.supervisor import REFUSED, next_delay_s, supervise


def command(text: str) -> Sequence[str]:
    return (sys.executable, "-c", text)


SLEEP = command("import time; time.sleep(60)")


def test_a_process_that_dies_is_started_again_until_it_refuses(tmp_path: Path) -> None:
    log = tmp_path / "log"
    dies = command(
        f"import sys; log = open({str(log)!r}, 'a+'); log.write('x'); log.seek(0);"
        f"sys.exit({REFUSED} if len(log.read()) == 3 else -9)"
    )
    started = time.monotonic()
    assert anyio.run(supervise, {"a": dies, "b": SLEEP}) == REFUSED
    assert log.read_text() == "xxx"
    assert 1.5 <= time.monotonic() - started < 30  # waits of 0.5 and 1 s


def test_a_process_that_keeps_dying_at_once_is_started_ever_later() -> None:
    delays = [0.0]
    while len(delays) < 9:
        delays.append(next_delay_s(delays[-1], lived_s=2))
    assert delays[1:] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_process_killed_a_few_times_a_minute_is_started_at_once_each_time() -> None:
    assert next_delay_s(30, lived_s=15) == next_delay_s(0, lived_s=15) == 0.5


def test_a_signal_is_passed_on_and_waited_for(tmp_path: Path) -> None:
    tidies = command(
        "import signal, sys, time, pathlib\n"
        f"ready, tidy = pathlib.Path({str(tmp_path)!r}, 'ready'), "
        f"pathlib.Path({str(tmp_path)!r}, 'tidy')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), tidy.touch(), sys.exit()))\n"
        "ready.touch()\n"
        "time.sleep(60)"
    )

    def stop() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    assert anyio.run(supervise, {"a": tidies, "b": SLEEP}) == 0
    thread.join()
    assert (tmp_path / "tidy").exists()


def test_processes_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, anyio\n"
        "from service.supervisor import end_with_the_supervisor\n"
        "from service.supervisor import supervise\n"
        "if sys.argv[1:]:\n"
        "    import pathlib, os, time\n"
        "    end_with_the_supervisor()\n"
        f"    pathlib.Path({str(tmp_path)!r}, 'pid').write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
        "anyio.run(supervise, {'a': (sys.executable, sys.argv[0], 'child')})\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    supervisor = subprocess.Popen([sys.executable, str(script)], env=environment)
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.05)
    supervisor.kill()
    supervisor.wait()
    gone = Path("/proc", pid.read_text())
    deadline = time.monotonic() + 60
    while gone.exists() and "\nState:\tZ" not in (gone / "status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("part", "settings", "reason"),
    [
        ([], {"ROTOGRAPH_PORT": "none"}, "ROTOGRAPH_PORT must be a valid integer"),
        (["api"], {"ROTOGRAPH_PORT": "1.5"}, "got '1.5'"),
        (["api"], {"ROTOGRAPH_HOST": "192.0.2.1"}, "192.0.2.1"),
        (["worker"], {"ROTOGRAPH_MODEL": "none.onnx"}, "none.onnx"),
    ],
)
def test_a_process_that_cannot_run_says_why_and_refuses(
    tmp_path: Path, part: list[str], settings: dict[str, str], reason: str
) -> None:
    environment = os.environ | {"ROTOGRAPH_DATA_DIR": str(tmp_path / "data")} | settings
    done = subprocess.run(
        [sys.executable, "-m", "service", *part],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == REFUSED, done.stderr
    assert "refuse to start" in done.stderr
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
