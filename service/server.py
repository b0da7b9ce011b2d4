"""The API process: the application behind a listening socket, and its connections."""

import asyncio
import logging
import resource
import shutil
import signal
import socket
from contextlib import closing
from types import FrameType

import h11
import uvicorn
from opentelemetry.trace import TracerProvider
from uvicorn.protocols.http.h11_impl import H11Protocol

from jobs.database import embedded_url
from jobs.engine import JobQueue
from jobs.keys import KeyRing
from jobs.renderings import Renderings
from jobs.retention import Retention
from jobs.stores import open_store
from pipeline.media.sandbox import Sandbox
from service.app import create_app
from service.dependencies import is_loopback
from service.settings import PREFIX, Settings, SettingsError
from service.watch import Stopping

GRACE_S = 5  # for answers that go on when the server has stopped listening
HEADER_BYTES = 2**16
CONNECTIONS = 4000

_log = logging.getLogger(__name__)


def listen(settings: Settings, sandbox: Sandbox, tracers: TracerProvider | None = None) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Raises SettingsError for an address that can't or mayn't be listened at or a full disk,
    StoreAway or StoreRefuses.
    """
    store = open_store(settings.data_dir, settings.store_url, settings.cache_bytes)
    _require_room(settings)
    url = settings.database_url or embedded_url(settings.data_dir)
    # The API sleeps between its looks at a job by itself, without holding a thread.
    with closing(JobQueue(url, store, poll_s=0, max_queued=settings.max_queued)) as queue:
        _require_keys(settings, queue.keys)
        with _open(settings) as listener, Retention(queue, *_kept(settings)):
            _allow_connections()
            renderings = Renderings(store, settings.decode_timeout_s)
            stopping = Stopping()
            config = uvicorn.Config(
                create_app(
                    settings,
                    queue,
                    renderings,
                    sandbox,
                    tracers=tracers,
                    stopping=stopping,
                ),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the application knows more of them: see `BehindProxy`
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE_S,
                http=PunctualProtocol,
                h11_max_incomplete_event_size=HEADER_BYTES,
                limit_concurrency=CONNECTIONS,
            )
            _log.info("listening", extra={"host": settings.host, "port": settings.port})
            DrainingServer(config, stopping, settings.drain_s).run(sockets=[listener])


def _kept(settings: Settings) -> tuple[float | None, int | None]:
    """Return how long jobs are kept, seconds, and in how many bytes."""
    return (
        None if settings.keep_hours is None else settings.keep_hours * 3600,
        None if settings.keep_mib is None else settings.keep_mib * 2**20,
    )


def _require_room(settings: Settings) -> None:
    """Refuse to start where the first uploads would be refused."""
    free_mib = shutil.disk_usage(settings.data_dir).free // 2**20
    if free_mib < settings.min_free_mib:
        raise SettingsError(
            f"{PREFIX}DATA_DIR={settings.data_dir} must have {PREFIX}MIN_FREE_MIB="
            f"{settings.min_free_mib} MiB free, got {free_mib}."
        )


def _require_keys(settings: Settings, keys: KeyRing) -> None:
    """Refuse to serve everybody who can reach this machine, unless that is wanted."""
    if settings.allow_anonymous or is_loopback(settings.host) or keys.in_force():
        return
    raise SettingsError(
        f"Without API keys {PREFIX}HOST must be a loopback address such as 127.0.0.1, got "
        f"{settings.host}. Make a key (`python -m service keys create NAME`), or set "
        f"{PREFIX}ALLOW_ANONYMOUS=true."
    )


def _allow_connections() -> None:
    """Raise the limit of open files, which by default is for people, not for servers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise SettingsError(
            f"{PREFIX}HOST and {PREFIX}PORT must be a free address, got {settings.host} and "
            f"{settings.port}: {error}."
        ) from error


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which goes on for `drain_s` after the first signal.

    Meanwhile `/readyz` says no, so that whatever spreads requests sends no new ones; those that
    come are taken, and nobody is made to wait. A second signal ends that at once.
    """

    def __init__(self, config: uvicorn.Config, stopping: Stopping, drain_s: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._drain_s = drain_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal, in the main thread between two steps of the event loop."""
        if not self.started or self._stopping.begun:
            super().handle_exit(sig, frame)
            return
        # A signal's handler may do little; this also wakes the loop.
        asyncio.get_running_loop().call_soon_threadsafe(self._drain, signal.Signals(sig))

    def _drain(self, sig: signal.Signals) -> None:
        self._stopping.begin()
        loop = asyncio.get_running_loop()
        loop.call_later(self._drain_s, super().handle_exit, sig, None)


class PunctualProtocol(H11Protocol):
    """uvicorn's HTTP, with two deadlines: for a whole header, and for a client to go on reading.

    Else who opens a connection and sends its header a byte a minute, or nothing, would hold it for
    ever, and so would who doesn't read its answer. The body of an upload has its deadline where it
    is read.
    """

    header_s = 20.0
    unread_s = 60.0

    _header_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(self.header_s, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
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
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
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
