"""A process that has loaded what decoders need and seen no file: decoders are forked from it."""

import gc
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

_START_S = 60.0
_END_S = 1.0
# Forks share a memory layout. So there are a few of each server only, and none after one that
# crashed: who was told an address, or guessed a wrong one, meets others.
_MOST_FORKS = 20
_ROOT = Path(__file__).parents[2]
# What the processes are told of their surroundings: no passwords or keys, which a file could get.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
_NUMBER = struct.Struct("<q")  # the id of a process, or its status as `os.waitpid` has it


class ForkServer:
    """The server as its parent sees it; any of its threads may call.

    `multiprocessing.forkserver` would hand on the whole environment, and never begin anew.
    """

    def __init__(self, program: Sequence[str]) -> None:
        self._lock = Lock()
        self._forks_left = _MOST_FORKS
        self._children = 0
        self._retired = False
        self._socket, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self._socket.settimeout(_START_S)
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [*program, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=_ROOT,
                # A thread of NumPy's own would escape what only binds the thread that asks for it.
                env=environment | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def worn(self) -> bool:
        """Whether another server should go on."""
        return self._forks_left <= 0 or self._process.poll() is not None

    def fork(self, descriptor: int) -> int:
        """Give a socket to a new process and return its id, until `wait`; RuntimeError if none."""
        with self._lock:
            try:
                socket.send_fds(self._socket, [_NUMBER.pack(0)], [descriptor])
                child = self._receive()
            except OSError as error:
                raise RuntimeError(
                    f"A decoder process failed before it saw the file: {told(self._fail())}."
                ) from error
            self._forks_left -= 1
            self._children += 1
            return child

    def wait(self, child: int) -> int | None:
        """Return a process' exit code, negative for a signal; None where the server is gone."""
        with self._lock:
            code = None
            try:
                self._socket.send(_NUMBER.pack(child))
                code = os.waitstatus_to_exitcode(self._receive())
            except OSError:
                self._fail()
            if code not in {0, -signal.SIGKILL}:
                self._forks_left = 0
            self._children -= 1
            self._end_if_unused()
            return code

    def retire(self) -> None:
        """End it as soon as it has been asked about all that it forked."""
        with self._lock:
            self._retired = True
            self._end_if_unused()

    def _end_if_unused(self) -> None:
        if self._retired and not self._children:
            self._process.kill()
            self._process.wait()
            self._socket.close()

    def _receive(self) -> int:
        answer = self._socket.recv(_NUMBER.size)
        if not answer:
            raise ConnectionResetError
        (number,) = _NUMBER.unpack(answer)
        return int(number)

    def _fail(self) -> int:
        """Return how the server, which doesn't answer, has ended, or else end it."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=_END_S)
        self._process.kill()
        return self._process.wait()


def forked(descriptor: int) -> bool:
    """Fork a process for each socket that comes, as long as some may.

    Returns True in each of these, with its socket as `descriptor`, and False in the end here.
    """
    gc.freeze()  # else each process would copy all objects, to note that it has looked at them
    with socket.socket(fileno=descriptor) as requests:
        while True:
            request, sockets, _, _ = socket.recv_fds(requests, _NUMBER.size, 1)
            if not request:
                break
            if sockets:
                answer = os.fork()
                if answer == 0:
                    requests.detach()
                    os.dup2(sockets[0], descriptor)
                    os.close(sockets[0])
                    os.setsid()
                    return True
                os.close(sockets[0])
            else:
                _, answer = os.waitpid(_NUMBER.unpack(request)[0], 0)
            requests.send(_NUMBER.pack(answer))
    with suppress(ChildProcessError):
        while True:
            os.wait()  # else they would be left to a process that may not
    return False


def told(code: int | None) -> str:
    if code is None:
        return "an unknown cause"
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
