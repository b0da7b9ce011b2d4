"""The decoder processes of one sandbox: forked, ended, and kept for more of their file."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.media.decoder_child import DecoderChild, pickled
from pipeline.media.fork_server import ForkServer
from pipeline.values import ScannedVideo

_MOST_REQUESTS = 20  # to one process, whose processor time is limited


@dataclass
class Decoder:
    """A process that decodes one video; `done` when it has given all that it was asked for."""

    file: bytes
    child: DecoderChild
    done: bool = False


class DecoderPool:
    """Forks and ends processes, each for one file and of at most `memory_bytes`.

    The last one that decoded frames of a video is kept until it is asked for another file, or has
    worked enough.
    """

    def __init__(self, program: Sequence[str], memory_bytes: int) -> None:
        self._program = program
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._closed = False
        self._server: ForkServer | None = None
        self._kept: Decoder | None = None
        self._working: set[DecoderChild] = set()

    @contextmanager
    def child(self, action: str, path: Path | None, *arguments: object) -> Iterator[DecoderChild]:
        """Give a process that has been locked down and is at it; end it afterwards."""
        child = self._start(action, path, arguments)
        try:
            yield child
        finally:
            self._end(child)

    @contextmanager
    def decoder(self, path: Path, video: ScannedVideo, *wanted: object) -> Iterator[Decoder]:
        """Give a process that decodes frames of a video; keep it afterwards where it is `done`."""
        file = _identity(path, video)
        decoder = self._take_kept(file)
        if decoder is not None and not decoder.child.ask_again(wanted):
            self._end(decoder.child)
            decoder = None
        if decoder is None:
            decoder = Decoder(file, self._start("decode", path, (video, *wanted)))
        try:
            yield decoder
        finally:
            if not self._keep(decoder):
                self._end(decoder.child)

    def close(self) -> None:
        """End all processes, those at work too; from now on none is started."""
        with self._lock:
            self._closed = True
            server, self._server = self._server, None
            kept, self._kept = self._kept, None
            for child in self._working:
                child.kill()
        if kept is not None:
            kept.child.end()
        if server is not None:
            server.retire()

    def _start(self, action: str, path: Path | None, arguments: Sequence[object]) -> DecoderChild:
        with self._lock:
            self._check_open()
            child = DecoderChild(self._forking())
            self._working.add(child)
        try:
            child.ask(action, path, self._memory_bytes, arguments)
            with self._lock:
                # After the request, so that a new server loads its libraries meanwhile.
                if not self._closed:
                    self._forking()
            child.wait_until_locked()
        except BaseException:
            self._end(child)
            raise
        return child

    def _forking(self) -> ForkServer:
        if self._server is not None and self._server.worn:
            self._server.retire()
            self._server = None
        if self._server is None:
            self._server = ForkServer(self._program)
        return self._server

    def _end(self, child: DecoderChild) -> None:
        with self._lock:
            self._working.discard(child)
        child.end()

    def _take_kept(self, file: bytes) -> Decoder | None:
        """Return the process that is kept, if it is for this file; end it if it isn't."""
        with self._lock:
            self._check_open()
            kept, self._kept = self._kept, None
            if kept is not None:
                self._working.add(kept.child)
        if kept is None or kept.file == file:
            return kept
        self._end(kept.child)
        return None

    def _keep(self, decoder: Decoder) -> bool:
        with self._lock:
            worn = decoder.child.requests >= _MOST_REQUESTS
            if not decoder.done or worn or self._kept is not None or self._closed:
                return False
            decoder.done = False
            self._working.discard(decoder.child)
            self._kept = decoder
            return True

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("The sandbox is closed.")


def _identity(path: Path, video: ScannedVideo) -> bytes:
    """Return what differs for another file, or one that was changed."""
    status = path.stat()
    file = (path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return pickled((file, video))
