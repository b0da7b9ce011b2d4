"""A server that answers whatever a test gives it, and tells who was there."""

import re
import socket
import ssl
import threading
import time


class RawServer:
    """Answers every connection at a loopback address with the same bytes, each after `every_s`.

    If it `hangs`, the connection stays open after them.
    """

    def __init__(
        self,
        answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n",
        *,
        every_s: float = 0.0,
        hangs: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.connections = 0
        self.request = b""
        self._answer = answer
        self._every_s = every_s
        self._hangs = hangs
        self._tls = tls
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with connection if self._tls is None else self._wrapped(connection) as stream:
                    self._serve(stream)
            except OSError:
                continue

    def _wrapped(self, connection: socket.socket) -> ssl.SSLSocket:
        assert self._tls is not None
        return self._tls.wrap_socket(connection, server_side=True)

    def _serve(self, stream: socket.socket) -> None:
        self.request = _read(stream)
        if not self._every_s:
            stream.sendall(self._answer)
        for byte in self._answer if self._every_s else b"":
            stream.sendall(bytes([byte]))
            time.sleep(self._every_s)
        if self._hangs:
            self._closed.wait(60)


def _read(stream: socket.socket) -> bytes:
    """Read a whole request: a server that leaves part of it unread resets the connection."""
    request = b""
    while block := stream.recv(2**16):
        request += block
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return request
