"""Connections that get on: one that brings no request, or takes in no answer, is cut in time."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class PunctualProtocol(H11Protocol):
    """uvicorn's HTTP, with the two deadlines that it lacks.

    It has one for connections that rest between requests. But a client that opens a connection and
    sends its header a byte a minute, or nothing, would hold it for ever, and one that doesn't read
    its answer as well. The body of an upload has its deadline where it is read.

    Attributes:
        header_s: for the whole header of a request, seconds.
        unread_s: for a client to take in some of an answer while no more fits on its way, seconds.
    """

    header_s = 20.0
    unread_s = 60.0

    _header_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for the first header."""
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(self.header_s, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._stop_header_timer()
        self._stop_unread_timer()

    def handle_events(self) -> None:
        """Go on with what came, and see whether a header has begun that isn't whole."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_header_timer()
            return
        waiting = bool(self.conn.trailing_data[0]) or self.conn.their_state is h11.SEND_BODY
        if waiting and self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_s, self.transport.abort)

    def pause_writing(self) -> None:
        """Wait until the client has taken in some of its answer."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        self._stop_unread_timer()

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
