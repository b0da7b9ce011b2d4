"""What is told where a system lacks a protection; test_hostile_decoder.py tries what holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

LOCK_DOWN = """
import json, os, pathlib, sys
from pipeline.media.lockdown import lock_down
{before}
lacks = lock_down(None, 2**30{arguments})
refused = []
for deed in (lambda: open("/etc/passwd"), lambda: os.fork() or os._exit(0)):
    try:
        deed()
        refused.append(False)
    except PermissionError:
        refused.append(True)
print(json.dumps([lacks, refused]))
"""

# What a kernel without Landlock answers to its system calls.
NO_LANDLOCK = """
import ctypes
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(seccomp.seccomp_init(0x7FFF0000))
seccomp.seccomp_rule_add_array(context, 0x00050000 | 38, 444, 0, None)
assert seccomp.seccomp_load(context) == 0
"""


def run(before: str = "", arguments: str = "") -> tuple[list[str], list[bool]]:
    program = LOCK_DOWN.format(before=before, arguments=arguments)
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    lacks, refused = json.loads(run.stdout)
    return lacks, refused


@pytest.fixture(autouse=True)
def _whole_system() -> None:
    lacks, _ = run()
    if lacks:
        pytest.skip(f"this system can't: {lacks}")


def test_all_is_in_force() -> None:
    assert run() == ([], [True, True])


def test_a_kernel_without_landlock_is_told_and_seccomp_holds() -> None:
    (lack,), refused = run(NO_LANDLOCK)
    assert lack.startswith("Landlock, which denies other files: Function not implemented")
    assert refused == [False, True]


def test_a_system_without_libseccomp_is_told_and_landlock_holds() -> None:
    (lack,), refused = run(arguments=", seccomp='libmissing.so.9'")
    assert "libmissing.so.9 isn't installed" in lack
    assert refused == [True, False]


def test_a_process_with_other_threads_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"must have 1 thread.*, got 2"):
        run("import threading, time; threading.Thread(target=time.sleep, args=(9,)).start()")
