"""The app over a queue whose jobs the tests move on, and clips that they make."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
import trustme
import uvicorn

from jobs.engine import JobQueue
from jobs.renderings import Renderings
from pipeline.media.sandbox import Sandbox
from service.app import create_app
from service.settings import Settings
from tests.raw_server import RawServer
from tests.service.scripted_renderings import ScriptedRenderings
from tests.service.staging import FaultyStore, StagedQueue

Serve = Callable[[Settings], str]


def write_clip(path: Path, frame_count: int = 10, width: int = 64, height: int = 48) -> Path:
    """Write a clip of a bright square that crosses the picture at 25 frames a second."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frame_count):
            pixels = np.full((height, width, 3), 40, np.uint8)
            left = index * 3 % (width - 16)
            pixels[16:32, left : left + 16] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Write a file with half a second of silence and no video."""
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=24000)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one authority only: httpx reads all that the system has, 20 ms for each request."""
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "square.mp4")


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("clips") / "sound.m4a")


@contextmanager
def serving(
    settings: Settings, queue: JobQueue, renderings: Renderings | None = None
) -> Iterator[str]:
    """Run the app behind a real socket in a thread; yield its URL."""
    config = uvicorn.Config(
        create_app(settings, queue, renderings or Renderings(queue.store), Sandbox()),
        port=0,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server died at its start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive(), "the server doesn't stop"


@pytest.fixture
def serve(queue: StagedQueue, renderings: ScriptedRenderings) -> Iterator[Serve]:
    """Start the app with some settings; it is stopped after the test."""
    with ExitStack() as stack:

        def start(settings: Settings) -> str:
            return stack.enter_context(serving(settings, queue, renderings))

        yield start


@dataclass(frozen=True)
class Running:
    """An app with the default settings that runs through all tests, for the sake of time."""

    url: str
    queue: StagedQueue


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with (
        closing(StagedQueue(tmp_path_factory.mktemp("data"))) as queue,
        serving(Settings(wait_s=2), queue) as url,
    ):
        yield Running(url, queue)


@pytest.fixture
def queue(running: Running) -> StagedQueue:
    running.queue.reset()
    return running.queue


@pytest.fixture
def store(queue: StagedQueue) -> FaultyStore:
    return queue.store


@pytest.fixture
def renderings(tmp_path: Path) -> ScriptedRenderings:
    return ScriptedRenderings(tmp_path)


@pytest.fixture
def url(running: Running) -> str:
    """A running service with the default settings, over a queue as new."""
    running.queue.reset()
    return running.url


@pytest.fixture
def elsewhere(clip: Path) -> Iterator[RawServer]:
    """A server that has the clip."""
    content = clip.read_bytes()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n"
    server = RawServer(head.encode() + content)
    yield server
    server.close()
