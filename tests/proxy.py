"""A TCP proxy that can be cut off, between a service and a server that it needs."""

import socket
import threading
from contextlib import suppress
from typing import Self

BLOCK_BYTES = 2**16


class Proxy:
    """Passes connections on to a port of loopback; while it is cut off, they are refused."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port = 0

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_off()

    def connect(self) -> None:
        """Pass connections on, at the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def cut_off(self) -> None:
        """Refuse connections, and break those off that there are."""
        if self._listener is not None:
            _close(self._listener)
            self._listener = None
        with self._lock:
            for connection in self._connections:
                _close(connection)
            self._connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return  # it was cut off
            with self._lock:
                self._connections |= {client, server}
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=[one, other], daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while block := one.recv(BLOCK_BYTES):
                other.sendall(block)
        for connection in (one, other):
            _close(connection)
        with self._lock:
            self._connections -= {one, other}


def _close(connection: socket.socket) -> None:
    with suppress(OSError):  # it was closed by the other end
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
