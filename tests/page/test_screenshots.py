"""The pictures of the page: `python -m pytest tests/page --screenshots docs -k readme`."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from demo import sample_video
from tests.page.conftest import Visits
from tests.page.overlay import wait_for_all, wait_for_frame
from tests.service.processes import Service, start
from tests.service.test_end_to_end import WEIGHTS

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 930}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 735},
    "is_mobile": True,
    "color_scheme": "dark",
}


@pytest.fixture
def folder(pytestconfig: pytest.Config) -> Path:
    """Where the pictures go."""
    folder: Path | None = pytestconfig.getoption("screenshots", None)
    if folder is None:
        pytest.skip("pictures are taken with --screenshots DIR only")
    return folder


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[tuple[Service, str]]:  # noqa: ARG001
    """A service with the shipped model, and the page's address of a result of 132 frames."""
    service = start(tmp_path, WEIGHTS, ROTOGRAPH_MAX_UPLOAD_MIB="100")
    service.wait_until_ready()
    clip = sample_video().with_name("bigbuckbunny.mp4")
    answer = service.client.post(
        "/segment",
        files={"file": (clip.name, clip.read_bytes())},
        headers={"Prefer": "respond-async"},
    )
    job = urlsplit(answer.headers["Location"]).path
    while service.client.get(job).json()["state"] in {"queued", "running"}:
        time.sleep(1)
    yield service, f"/#{job}"
    service.stop()


def take(page: Page, path: Path) -> None:
    """Take a picture of the page once it shows a frame in the middle."""
    wait_for_all(page, 132)
    slider = page.get_by_label("Position")
    slider.fill("2.65")
    wait_for_frame(page, 66)
    slider.blur()
    page.screenshot(path=path, type="jpeg", quality=75)
    assert path.stat().st_size < 150_000


def test_the_page_as_readme_shows_it(
    folder: Path, served: tuple[Service, str], visits: Visits
) -> None:
    service, address = served
    take(visits.open(service, address, **DESKTOP), folder / "page.jpg")
    take(visits.open(service, address, **PHONE), folder / "page-phone.jpg")
