"""The page in a real Chromium, before the real service or one whose jobs the tests move on."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import ConsoleMessage, Page, Request, expect

from jobs.values import JobRequest, JobState
from pipeline.media.decode import scan
from pipeline.values import VideoLimits
from service.settings import Settings
from tests import videos
from tests.page.chromium import Watched, installed, running
from tests.service.conftest import serving
from tests.service.processes import Service, start
from tests.service.scripted_renderings import ScriptedRenderings
from tests.service.staging import StagedQueue
from tests.tiny_model import write_model

PATIENCE_S = 60
"""How long a test may take on a busy machine, before its browser is killed."""

expect.set_options(timeout=PATIENCE_S * 1000 / 2)

FRAMES, HEIGHT, WIDTH = 24, 96, 160


def picture(index: int) -> NDArray[np.uint8]:
    """Draw frame `index`: its number in bars, a bright red square, a darker one to the right."""
    pixels = videos.picture(index, HEIGHT, WIDTH)
    pixels[:, :, 0][pixels[:, :, 0] == 255] = 0  # bars without red, which is what is found
    pixels[HEIGHT // 2 :] = 40
    pixels[50:74, 2 * index : 2 * index + 24] = (240, 20, 20)
    pixels[66:90, 120:150] = (180, 20, 20)
    return pixels


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that Chromium plays: 24 frames at 10 a second, with two objects."""
    path = tmp_path_factory.mktemp("page") / "squares.mp4"
    return videos.write_video(path, [picture(index) for index in range(FRAMES)], rate=10)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service with a model that finds what is red."""
    folder = tmp_path_factory.mktemp("service")
    service = start(folder, write_model(folder / "tiny.onnx"))
    service.wait_until_ready()
    yield service
    service.stop()


@dataclass(frozen=True)
class Staged:
    """A service whose jobs a test moves on itself; their video has 24 frames at 25 a second."""

    url: str
    queue: StagedQueue
    video: Path

    def add(
        self,
        *,
        state: JobState = JobState.SUCCEEDED,
        filename: str = "squares.mp4",
        frames_done: int = 0,
    ) -> str:
        """Put a job in the queue, and return its id."""
        self.queue.outcome = state
        limits = VideoLimits(max_pixels=10**6, max_frames=100, max_duration_s=10)
        request = JobRequest(filename=filename)
        job_id = self.queue.store.new_id()
        shutil.copy(self.video, self.queue.store.incoming(job_id))
        self.queue.submit(job_id, request, scan(self.video, limits))
        if not state.final:
            self.queue.change(job_id, frames_done=frames_done)
        return job_id


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    folder = tmp_path_factory.mktemp("uploads")
    video = videos.write_video(folder / "squares.mp4", [picture(index) for index in range(FRAMES)])
    with (
        closing(StagedQueue(folder / "data")) as queue,
        serving(Settings(wait_s=0), queue, ScriptedRenderings(folder)) as url,
    ):
        yield Staged(url, queue, video)


@pytest.fixture
def staged(stage: Staged) -> Staged:
    """A service as new, whose jobs the test moves on itself."""
    stage.queue.reset()
    return stage


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", type=Path, metavar="DIR", help="take the pictures of the page for README"
    )


# For each file anew: while Playwright runs, nothing else can run an event loop in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Watched]:
    executable = installed()
    if executable is None:
        missing = "There is no Chromium: `apt-get install chromium`."
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    with running(executable) as watched:
        yield watched


@dataclass
class Visits:
    """Opens pages, each in a context of its own, and watches what they do.

    `expected` are parts of what the browser may say of refused requests, `said` errors in the
    consoles, `foreign` addresses of other hosts that were asked for.
    """

    watched: Watched
    stack: ExitStack
    expected: Sequence[str] = ()
    said: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, service: Service | Staged, path: str = "/", **context: Any) -> Page:
        """Open a page of a service, with the options of a Playwright context."""
        url = service.url if isinstance(service, Staged) else str(service.client.base_url)
        opened = self.watched.browser.new_context(
            base_url=url, **{"viewport": {"width": 1280, "height": 900}, **context}
        )
        self.stack.callback(opened.close)
        opened.set_default_timeout(PATIENCE_S * 1000 / 2)
        page = opened.new_page()

        def hear(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.said.append(message.text)

        def see(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme not in {"blob", "data"} and address.netloc != urlsplit(url).netloc:
                self.foreign.append(request.url)

        page.on("console", hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        opened.on("request", see)
        page.goto(path)
        return page


@pytest.fixture
def visits(chromium: Watched) -> Iterator[Visits]:
    """Open pages, which must neither complain nor ask any other host for anything."""
    with chromium.within(PATIENCE_S), ExitStack() as stack:
        visits = Visits(chromium, stack)
        yield visits
    unexpected = [text for text in visits.said if not any(part in text for part in visits.expected)]
    assert unexpected == []
    assert visits.foreign == []
