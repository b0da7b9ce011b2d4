"""A decoder process as its parent sees it: forked, asked, listened to for a time, ended."""

import io
import json
import logging
import os
import pickle
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import pipeline.errors
from pipeline.errors import DecoderFailed, VideoError
from pipeline.media.decoder_process import END, FAILED, HEAD, LOCKED, REFUSED
from pipeline.media.fork_server import ForkServer, told
from pipeline.media.time_left import TimeLeft

FAILS = "The decoder fails over this video."
NONSENSE = f"{FAILS} Its answer makes no sense."

_START_S = 60.0
_END_S = 1.0
_TEXT_BYTES = 2**16
_MESSAGE_CHARACTERS = 1000
_BUFFER_BYTES = 2**20
_log = logging.getLogger(__name__)


class _Pickler(pickle.Pickler):
    """Sends an array that lies in a file as where it lies, so that what isn't read isn't sent."""

    def reducer_override(self, value: object) -> Any:
        if isinstance(value, np.memmap) and isinstance(value.base, mmap):
            return np.memmap, (value.filename, value.dtype, "r", value.offset, value.shape)
        return NotImplemented


class DecoderChild:
    """One process and the socket to it; `lacks` has the protections that it couldn't get."""

    def __init__(self, server: ForkServer) -> None:
        self.lacks: Sequence[str] = ()
        self.requests = 0
        self._memory_bytes = 0
        self._server = server
        self._waited = False
        self._code: int | None = None
        self._socket, theirs = socket.socketpair()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        try:
            with theirs:
                self._id = server.fork(theirs.fileno())
        except BaseException:
            self._socket.close()
            raise
        self._handle = os.pidfd_open(self._id)

    def ask(
        self, action: str, path: Path | None, memory_bytes: int, arguments: Sequence[object]
    ) -> None:
        self.requests += 1
        self._memory_bytes = memory_bytes
        where = None if path is None else path.resolve()
        try:
            self._socket.sendall(pickled((action, where, memory_bytes, arguments)))
        except BrokenPipeError:
            self._raise_not_started()

    def ask_again(self, arguments: Sequence[object]) -> bool:
        """Ask for other frames of the video; False where it can't give them any more."""
        self.requests += 1
        try:
            self.receive_head(END, range(1), TimeLeft(_END_S), FAILS)
            self._socket.sendall(pickled(arguments))
        except (DecoderFailed, OSError):
            return False
        return True

    def wait_until_locked(self) -> None:
        """Wait until it can do no harm any more; up to here it runs our code only.

        Raises RuntimeError where it doesn't get there, which is no fault of the file.
        """
        head = memoryview(bytearray(HEAD.size))
        left = TimeLeft(_START_S)
        try:
            self._receive(head, left)
            kind, size = HEAD.unpack(head)
            content = bytearray(size)
            self._receive(memoryview(content), left)
        except (EOFError, TimeoutError):
            self._raise_not_started()
        assert kind == LOCKED
        self.lacks = json.loads(content)

    def receive_head(
        self, kinds: bytes, sizes: range, left: TimeLeft, late: str
    ) -> tuple[bytes, int]:
        """Receive the start of a message: its kind, and the size of what follows, bytes.

        Only some kinds (letters) and sizes are taken; `late` is what to say when no time is left.
        """
        head = memoryview(bytearray(HEAD.size))
        self.receive_into(head, left, late)
        got, size = HEAD.unpack(head)
        if got in kinds and size in sizes:
            return got, int(size)
        if got in {REFUSED, FAILED} and size <= _TEXT_BYTES:
            content = bytearray(size)
            self.receive_into(memoryview(content), left, late)
            self._raise_told(got, content)
        raise DecoderFailed(NONSENSE)

    def receive_into(self, view: memoryview, left: TimeLeft, late: str) -> None:
        """Fill a buffer; raises DecoderFailed where the process dies, or no time is left."""
        try:
            self._receive(view, left)
        except TimeoutError as error:
            _log.warning("decoder too slow")
            raise DecoderFailed(late) from error
        except EOFError as error:
            raise DecoderFailed(f"{FAILS} It ended by {self._end_told()}.") from error

    def kill(self) -> None:
        """End the process; whoever receives from it gets an error."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def end(self) -> None:
        """End the process and leave nothing of it."""
        self.kill()
        self._ends_within(None)
        self._exit_code()
        os.close(self._handle)
        self._socket.close()

    def _receive(self, view: memoryview, left: TimeLeft) -> None:
        while view:
            with left.waiting() as seconds:
                self._socket.settimeout(seconds)
                try:
                    count = self._socket.recv_into(view)
                except TimeoutError:
                    continue
                except ConnectionResetError:
                    count = 0
            if count == 0:
                raise EOFError
            view = view[count:]

    def _ends_within(self, seconds: float | None) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(None if seconds is None else 1000 * seconds))

    def _exit_code(self) -> int | None:
        """Return how the process ended, which it has, as `ForkServer.wait`."""
        if not self._waited:
            self._waited = True
            self._code = self._server.wait(self._id)
        return self._code

    def _end_told(self) -> str:
        """Say how the process ended; its socket closes a moment before."""
        if not self._ends_within(5):
            return "closing its socket"
        how = told(self._exit_code())
        _log.warning("decoder crashed", extra={"status": how})
        return how

    def _raise_not_started(self) -> NoReturn:
        raise RuntimeError(f"A decoder process failed before it saw the file: {self._end_told()}.")

    def _raise_told(self, kind: bytes, content: bytes | bytearray) -> NoReturn:
        """Raise what the process says that went wrong."""
        told = content.decode(errors="replace")
        if kind == FAILED:
            _log.error("decoder failed", extra={"detail": told})
            raise DecoderFailed(f"{FAILS} The log tells how.")
        try:
            name, message = json.loads(told)
        except ValueError:
            name, message = "", ""
        if name == "MemoryError":
            most = self._memory_bytes // 2**20
            raise DecoderFailed(f"The video needs more than {most} MiB of memory to decode.")
        known = getattr(pipeline.errors, str(name), None)
        if isinstance(known, type) and issubclass(known, VideoError):
            raise known(str(message)[:_MESSAGE_CHARACTERS])
        raise DecoderFailed(NONSENSE)


def pickled(request: object) -> bytes:
    """Return a request as it is sent: short, also of a long video whose scan lies in a file."""
    content = io.BytesIO()
    _Pickler(content).dump(request)
    return content.getvalue()
