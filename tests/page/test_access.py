"""That everybody can use the page: by keys alone, on phones, in light and dark, by axe's rules."""

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jobs.values import JobFailure, JobState
from tests.page.conftest import FRAMES, Staged, Visits
from tests.page.overlay import wait_for_all, wait_for_frame

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
}
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
_FOCUSED = """() => {
    const at = document.activeElement;
    const outlined = getComputedStyle(at.closest(".drop") ?? at).outlineStyle !== "none";
    return [at.id || at.name || at.textContent.trim().replace(/\\s+/g, " "), outlined];
}"""


def assert_good(page: Page) -> None:
    """Check what a page shows, by axe's rules in light and dark, and that it fits the width."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        options = {"options": CONTRAST} if scheme == "dark" else {}
        found: Sequence[dict[str, Any]] = Axe().run(page, **options).response["violations"]
        told = [(rule["id"], node["failureSummary"]) for rule in found for node in rule["nodes"]]
        assert told == [], scheme
    assert page.locator("html").evaluate("root => root.scrollWidth - root.clientWidth") <= 0


def fill(staged: Staged) -> tuple[str, str, str]:
    """Put a running, a failed and a finished job into the queue."""
    running = staged.add(state=JobState.RUNNING, filename="dog.mp4", frames_done=6)
    failed = staged.add(state=JobState.FAILED, filename="a-name-without-spaces-" * 5 + ".mp4")
    staged.queue.change(failed, failure=JobFailure("BrokenVideo", "Nothing can be decoded."))
    return running, failed, staged.add()


def show(page: Page, job: str) -> None:
    page.goto(f"/#/jobs/{job}")


def test_what_the_page_shows_keeps_the_rules_of_axe(visits: Visits, staged: Staged) -> None:
    visits.expected = ["status of 404"]
    running, failed, done = fill(staged)
    page = visits.open(staged)
    expect(page.locator("#recent-list li")).to_have_count(3)
    page.get_by_text("Options").click()
    assert_good(page)
    page.get_by_role("button", name="Delete squares.mp4").click()
    assert_good(page)
    page.keyboard.press("Escape")
    show(page, running)
    wait_for_frame(page, 0)
    assert_good(page)
    show(page, failed)
    expect(page.get_by_role("alert")).to_contain_text("Nothing can be decoded.")
    assert_good(page)
    show(page, done)
    wait_for_all(page, FRAMES)
    page.keyboard.press("1")
    page.get_by_label("Hide scores below").fill("0.95")
    assert_good(page)
    show(page, "0123")
    expect(page.get_by_role("heading", name="can't be shown")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("0123")
    assert_good(page)


def test_it_fits_a_phone(visits: Visits, staged: Staged) -> None:
    _, failed, done = fill(staged)
    page = visits.open(staged, **PHONE)
    expect(page.locator("#recent-list li")).to_have_count(3)
    page.get_by_text("Options").click()
    assert_good(page)
    show(page, failed)
    expect(page.get_by_role("alert")).to_be_visible()
    assert_good(page)
    show(page, done)
    wait_for_all(page, FRAMES)
    assert_good(page)
    page.get_by_role("button", name="Next frame").tap()
    wait_for_frame(page, 1)


def walk(page: Page, count: int) -> list[str]:
    """Press the tabulator so many times, and return what has the focus then, where it is seen."""
    names = []
    for _ in range(count):
        page.keyboard.press("Tab")
        name, outlined = page.evaluate(_FOCUSED)
        assert outlined, name
        names.append(name)
    return names


def test_all_is_reached_and_done_by_keys(visits: Visits, staged: Staged) -> None:
    job = staged.add()
    page = visits.open(staged)
    # Chromium is told to report choosers when the first listener comes, which takes a moment.
    page.on("filechooser", lambda _: None)
    expect(page.locator("#recent-list li")).to_have_count(1)
    assert walk(page, 3) == ["Rotograph", "API", "file"]
    with page.expect_file_chooser():
        page.keyboard.press("Enter")
    assert walk(page, 1) == ["Options"]
    page.keyboard.press("Enter")
    options = walk(page, 8)
    assert options[:3] == ["instances", "quality", "min_track_s"]
    assert options[3:6] == ["start_s", "end_s", "actions"]
    assert options[6].startswith("squares.mp4")
    assert options[7] == "Delete"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="squares.mp4")).to_be_focused()
    assert page.url.endswith(job)
    wait_for_all(page, FRAMES)
    controls = ["back", "play", "forward", "seek", "sound"]
    assert walk(page, len(controls)) == controls
    switches = ["show-masks", "show-boxes", "show-labels", "show-spotlight", "tint", "threshold"]
    (track, *names) = walk(page, 1 + len(switches))
    assert track.startswith("Track 1")
    assert names == switches
    downloads = walk(page, 10)
    assert [name.split()[0][:7] for name in downloads][:3] == ["overlay", "alpha.w", "mattes."]
    page.locator("h1").last.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_for_frame(page, FRAMES - 1)  # at the end
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_the_page_of_the_api_says_nothing_wrong(visits: Visits, staged: Staged) -> None:
    page = visits.open(staged, "/docs")
    expect(page.get_by_text("/segment").first).to_be_visible()
