"""The event loop of an `AsyncClient` reads and writes no files itself."""

import asyncio
import io
import sys
import threading
from pathlib import Path

import pytest

from rotograph import AsyncClient

FILE_EVENTS = {"open", "os.rename", "os.remove", "os.truncate"}


class Watched(io.BytesIO):
    """A file that remembers which threads read it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.readers: set[int] = set()

    def read(self, size: int | None = -1) -> bytes:
        self.readers.add(threading.get_ident())
        return super().read(size)


def test_uploads_are_read_in_other_threads(service: str, clip: Path) -> None:
    file = Watched(clip.read_bytes())

    async def post() -> int:
        async with AsyncClient(service) as client:
            await client.submit(file)
        return threading.get_ident()

    loop_thread = asyncio.run(post())
    assert file.readers
    assert loop_thread not in file.readers


@pytest.fixture
def file_threads(tmp_path: Path) -> set[int]:
    """Threads that opened, renamed or removed files of the test's folder and its clip."""
    threads: set[int] = set()

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event in FILE_EVENTS and str(arguments[0]).startswith(str(tmp_path)):
            threads.add(threading.get_ident())

    sys.addaudithook(hear)  # for good: there is no way to take one away
    return threads


def test_files_are_opened_and_renamed_in_other_threads(
    service: str, clip: Path, tmp_path: Path, file_threads: set[int]
) -> None:
    video = tmp_path / "square.mp4"
    video.write_bytes(clip.read_bytes())
    file_threads.clear()

    async def post_and_download() -> int:
        async with AsyncClient(service) as client:
            job = await client.submit(video)
            await client.download(job, "overlay.mp4", tmp_path)
        return threading.get_ident()

    loop_thread = asyncio.run(post_and_download())
    assert file_threads
    assert loop_thread not in file_threads
