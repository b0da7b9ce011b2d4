"""The page before a service that wants an API key."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from jobs.database import embedded_url, open_database
from jobs.keys import KeyRing
from tests.page.conftest import FRAMES, Visits
from tests.page.overlay import drawn, wait_for_all, wait_for_frame
from tests.page.test_upload import choose
from tests.service.processes import Service, start
from tests.tiny_model import write_model


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, KeyRing]]:
    """A service with keys, and the ring that they are on."""
    folder = tmp_path_factory.mktemp("guarded")
    service = start(folder, write_model(folder / "tiny.onnx"))
    service.wait_until_ready()
    engine = open_database(embedded_url(folder / "data"))
    yield service, KeyRing(engine)
    engine.dispose()
    service.stop()


def give(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")


def test_a_key_is_asked_for_once_and_sent_with_everything(
    visits: Visits, guarded: tuple[Service, KeyRing], video: Path
) -> None:
    visits.expected = ["status of 401", "status of 425"]
    service, ring = guarded
    key = ring.create("ada")
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    page = visits.open(service)
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog).to_contain_text("This service wants an API key.")
    page.on("request", note)
    give(page, key)
    expect(dialog).to_be_hidden()
    choose(page, video)
    wait_for_frame(page, 0)
    expect(page.locator("#video")).to_have_js_property("readyState", 4)
    page.reload()  # the video comes from the service now
    wait_for_all(page, FRAMES)
    page.keyboard.press("ArrowRight")
    wait_for_frame(page, 1)
    assert drawn(page, "masks").max() > 0
    with page.expect_download() as waiting:
        page.locator("#downloads").get_by_text("coco.json", exact=True).click()
    assert waiting.value.suggested_filename == "squares.coco.json"
    assert waiting.value.path().stat().st_size > 1000
    page.get_by_role("link", name="All videos").click()
    page.get_by_role("button", name="Delete squares.mp4").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    expect(dialog).to_be_hidden()
    paths = ("/segment", "/jobs")
    asked = [request for request in sent if urlsplit(request.url).path.startswith(paths)]
    assert len(asked) > 8
    assert {request.header_value("authorization") for request in asked} == {f"Bearer {key}"}


def test_wrong_keys_are_told_and_asked_for_again(
    visits: Visits, guarded: tuple[Service, KeyRing]
) -> None:
    visits.expected = ["status of 401", "status of 403"]
    service, ring = guarded
    key = ring.create("bob")
    page = visits.open(service)
    give(page, "letmein")
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog).to_contain_text("doesn't know this key")
    give(page, key)
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    ring.revoke("bob")
    page.reload()
    expect(dialog).to_contain_text("revoked")
    dialog.get_by_role("button", name="Not now").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("bob")
    page.get_by_role("button", name="Forget key").click()
    expect(dialog).to_contain_text("This service wants an API key.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Forget key")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    give(page, ring.create("eve"))
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
