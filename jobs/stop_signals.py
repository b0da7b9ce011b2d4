"""The signals that tell a worker to stop, as its main thread waits for them."""

import signal
import socket
from select import select
from typing import Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Takes SIGTERM and SIGINT while it is entered; to be used in the main thread.

    The system may hand a signal to any thread, which doesn't wake a main thread that waits for a
    lock or a queue. A socket that Python writes each signal to (`signal.set_wakeup_fd`) does.
    """

    def __enter__(self) -> Self:
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._before = [signal.signal(number, lambda *_: None) for number in _SIGNALS]
        signal.set_wakeup_fd(self._sender.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, handler)
        self._receiver.close()
        self._sender.close()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a signal, and say whether one came."""
        readable, _, _ = select([self._receiver], [], [], timeout_s)
        return bool(readable) and not set(_SIGNALS).isdisjoint(self._receiver.recv(64))
