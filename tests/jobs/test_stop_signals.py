"""A signal stops the wait at once, whichever thread the system hands it to."""

import signal
import threading
import time
from collections.abc import Callable

import pytest

from jobs.stop_signals import StopSignals


def to_main() -> None:
    thread = threading.main_thread().ident
    assert thread is not None
    signal.pthread_kill(thread, signal.SIGTERM)


def to_itself() -> None:
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)


@pytest.mark.parametrize("send", [to_main, to_itself])
def test_a_signal_that_any_thread_gets_ends_the_wait(send: Callable[[], None]) -> None:
    with StopSignals() as stop:
        threading.Timer(0.2, send).start()
        begun = time.monotonic()
        assert stop.wait(120)
        assert time.monotonic() - begun < 60


def test_one_that_came_before_is_told() -> None:
    with StopSignals() as stop:
        assert not stop.wait(0)
        signal.raise_signal(signal.SIGINT)
        assert stop.wait(0)


def test_handlers_are_as_they_were_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1
