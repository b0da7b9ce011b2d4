"""Sandboxes, and the clip that they decode."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.media.decode import scan
from pipeline.media.sandbox import Sandbox
from pipeline.values import ScannedVideo
from tests.pipeline.media.sandboxes import COUNT, HOSTILE, LIMITS, descriptors
from tests.processes import children
from tests.videos import picture, write_video


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    (folder / "neighbour").write_text("of another client")
    return write_video(folder / "clip.mp4", [picture(n, 48, 64) for n in range(COUNT)])


@pytest.fixture(scope="module")
def video(clip: Path) -> ScannedVideo:
    return scan(clip, LIMITS)


@pytest.fixture
def hostile() -> Iterator[Callable[..., Sandbox]]:
    """Make sandboxes whose decoders do a deed; no process or descriptor may be left of them."""
    before, opened, made = children(os.getpid()), descriptors(), []

    def make(deed: str, stall_s: float = 60.0) -> Sandbox:
        made.append(Sandbox(stall_s=stall_s, program=(sys.executable, str(HOSTILE), deed)))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()
    assert children(os.getpid()) == before
    assert descriptors() == opened
