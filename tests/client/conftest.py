"""Both clients, used in the same way, before the real app, whose jobs the tests move on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from rotograph import AsyncClient, Client, RetryPolicy
from service.settings import Settings
from tests.client.flaky import Flaky, flaky
from tests.service.conftest import serving, write_clip
from tests.service.scripted_renderings import ScriptedRenderings
from tests.service.staging import StagedQueue

QUICK = RetryPolicy(attempts=4, first_s=0.01, longest_s=2)

Connect = Callable[..., Client]


class Awaited:
    """An `AsyncClient` whose methods are called as those of a `Client` are."""

    def __init__(self, portal: Any, client: AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if name in {"frames", "jobs"}:
                return self._iterate(method(*arguments, **named))
            return self._portal.call(lambda: method(*arguments, **named))

        return call

    def _iterate(self, values: Any) -> Iterator[Any]:
        while (value := self._portal.call(anext, values, None)) is not None:
            yield value


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make clients, of the one kind or the other, that are closed after the test."""
    with ExitStack() as stack:

        def make(url: str, key: str | None = None, **options: Any) -> Any:
            options.setdefault("retry_policy", QUICK)
            if request.param == "sync":
                return stack.enter_context(Client(url, key, **options))
            portal = stack.enter_context(start_blocking_portal())
            client = portal.call(lambda: AsyncClient(url, key, **options))
            stack.callback(portal.call, client.aclose)
            return Awaited(portal, client)

        yield make


@dataclass(frozen=True)
class Running:
    """An app that runs through all tests, for the sake of time."""

    url: str
    queue: StagedQueue
    renderings: ScriptedRenderings


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    renderings = ScriptedRenderings(tmp_path_factory.mktemp("renderings"))
    settings = Settings(outbound_allow=("127.0.0.1",))
    with (
        closing(StagedQueue(tmp_path_factory.mktemp("data"))) as queue,
        serving(settings, queue, renderings) as url,
    ):
        yield Running(url, queue, renderings)


@pytest.fixture
def queue(running: Running) -> StagedQueue:
    running.queue.reset()
    return running.queue


@pytest.fixture
def service(running: Running) -> str:
    """Give the URL of a running app, over a queue as new."""
    running.queue.reset()
    return running.url


@pytest.fixture
def between(service: str) -> Iterator[Flaky]:
    """Run a flaky server before the app."""
    with flaky(service) as state:
        yield state


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "square.mp4")
