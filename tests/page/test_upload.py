"""From a dropped video to its result, and what is said where it comes to nothing."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from jobs.values import JobState
from tests.page.conftest import FRAMES, Staged, Visits
from tests.page.overlay import wait_for_frame
from tests.service.processes import Service

_DROP = """(page, [name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    for (const event of ["dragover", "drop"]) {
        const options = { dataTransfer, bubbles: true, cancelable: true };
        page.dispatchEvent(new DragEvent(event, options));
    }
}"""


def choose(page: Page, video: Path) -> None:
    """Choose a file, and start it with the options that are shown then."""
    page.get_by_label("Drop a video here").set_input_files(video)
    page.get_by_role("button", name="Start").click()


def drop(page: Page, video: Path) -> None:
    content = base64.b64encode(video.read_bytes()).decode()
    page.locator("body").evaluate(_DROP, [video.name, content])


def test_a_dropped_video_becomes_a_result_that_plays(
    visits: Visits, service: Service, video: Path
) -> None:
    page = visits.open(service)
    expect(page.get_by_text("Ready on CPU")).to_be_visible()
    drop(page, video)
    expect(page.locator("#chosen-name")).to_have_text("squares.mp4")
    expect(page.locator("#chosen-size")).to_have_text(f"{video.stat().st_size / 1000:.1f} kB")
    expect(page.get_by_label("Quality")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="squares.mp4")).to_be_focused()
    facts = page.locator("#job-facts")
    expect(facts).to_contain_text("0:02.4 · 24 frames · 10 fps · model tiny 1")
    expect(page.locator("#job-progress")).to_be_hidden()
    expect(page.get_by_role("button", name="Track 1")).to_contain_text("24 frames")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#clock")).to_have_text("0:02.3 / 0:02.4")
    wait_for_frame(page, FRAMES - 1)
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_options_are_sent_along(visits: Visits, service: Service, video: Path) -> None:
    page = visits.open(service)
    drop(page, video)
    page.get_by_label("Objects").select_option("components")
    page.get_by_label("Seen for seconds").fill("0")
    page.get_by_label("From second").fill("0.5")
    page.get_by_label("To second").fill("-1")
    start = page.get_by_role("button", name="Start")
    start.click()  # not sent: the browser says what is wrong with the field
    expect(page.get_by_label("To second")).to_be_focused()
    page.get_by_label("To second").fill("1")
    start.click()
    expect(page.locator("#job-facts")).to_contain_text("24 frames")
    page.get_by_label("Position").fill("0.75")
    wait_for_frame(page, 7)
    expect(page.locator("#frame")).to_have_text("Frame 7 · 2 objects")
    page.get_by_label("Position").fill("1.5")
    expect(page.locator("#frame")).to_have_text("This part was not looked at.")


def test_what_is_wrong_with_a_file_is_said(
    visits: Visits, service: Service, video: Path, tmp_path: Path
) -> None:
    visits.expected = ["status of 422", "status of 413"]
    page = visits.open(service)
    (tmp_path / "letter.txt").write_text("Dear Ada")
    choose(page, tmp_path / "letter.txt")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("video format")
    expect(alert.get_by_role("button")).to_have_count(0)  # again it would be the same
    (tmp_path / "large.mp4").write_bytes(bytes(3 * 2**20))
    choose(page, tmp_path / "large.mp4")
    expect(alert).to_contain_text("1 MiB")
    choose(page, video)
    wait_for_frame(page, 0)
    expect(alert).to_have_count(0)


def test_a_broken_connection_is_told_and_tried_again_as_the_same_request(
    visits: Visits, service: Service, video: Path
) -> None:
    visits.expected = ["ERR_FAILED"]
    page = visits.open(service)
    keys: list[str | None] = []

    def break_once(route: Route) -> None:
        keys.append(route.request.header_value("idempotency-key"))
        if len(keys) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/segment", break_once)
    choose(page, video)
    expect(page.get_by_role("alert")).to_contain_text("can't be reached")
    page.get_by_role("button", name="Try again").click()
    wait_for_frame(page, 0)
    assert keys[0] is not None
    assert keys == [keys[0]] * 2


def test_an_upload_is_followed_and_stopped(visits: Visits, service: Service, video: Path) -> None:
    page = visits.open(service)
    page.route("**/segment", lambda _: None)  # never answered
    choose(page, video)
    expect(page.locator("#sending-name")).to_have_text("squares.mp4")
    expect(page.locator("#sending-bytes")).to_have_text("0 B of 3.9 kB")
    expect(page.get_by_label("Drop a video here")).to_be_hidden()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.fixture
def job(staged: Staged) -> str:
    """Id of a job that waits for a worker."""
    return staged.add(state=JobState.QUEUED)


def test_frames_are_shown_as_they_are_done(visits: Visits, staged: Staged, job: str) -> None:
    page = visits.open(staged, f"/#/jobs/{job}")
    expect(page.get_by_text("Waiting for a worker…").first).to_be_visible()
    expect(page.locator("#frame")).to_have_text("Not done yet.")
    expect(page.get_by_text("Ready when the last frame is done.")).to_be_visible()
    staged.queue.change(job, state=JobState.RUNNING, frames_done=6)
    expect(page.locator("#job-state")).to_contain_text("6 of 24 frames")
    expect(page.get_by_role("progressbar", name="Frames done")).to_have_js_property("value", 0.25)
    wait_for_frame(page, 0)
    page.get_by_label("Position").fill("0.21")
    wait_for_frame(page, 5)
    page.get_by_label("Position").fill("0.29")
    expect(page.locator("#frame")).to_have_text("Not done yet.")
    staged.queue.change(job, frames_done=12)
    wait_for_frame(page, 7)
    staged.queue.change(job, state=JobState.SUCCEEDED, frames_done=FRAMES)
    expect(page.get_by_role("button", name="overlay.mp4")).to_be_visible()
    expect(page.locator("#job-progress")).to_be_hidden()
    page.get_by_label("Position").fill("0.96")
    wait_for_frame(page, FRAMES - 1)


def test_a_job_is_canceled(visits: Visits, staged: Staged, job: str) -> None:
    staged.queue.change(job, state=JobState.RUNNING, frames_done=6)
    page = visits.open(staged, f"/#/jobs/{job}")
    page.get_by_role("button", name="Cancel").click()
    told = page.locator("#job-problem").get_by_role("status")
    expect(told).to_contain_text("stopped after 6 of 24 frames")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#job-progress")).to_be_hidden()
    expect(page.get_by_text("There is nothing: the job didn't end.")).to_be_visible()
    assert staged.queue.get(job).state is JobState.CANCELED


def test_a_job_is_looked_at_where_its_events_cannot_be_had(
    visits: Visits, staged: Staged, job: str
) -> None:
    visits.expected = ["status of 502"]
    page = visits.open(staged)
    page.route("**/events", lambda route: route.fulfill(status=502, body="Bad gateway"))
    page.goto(f"/#/jobs/{job}")
    expect(page.get_by_text("Waiting for a worker…").first).to_be_visible()
    staged.queue.change(job, state=JobState.SUCCEEDED, frames_done=FRAMES)
    expect(page.get_by_role("button", name="overlay.mp4")).to_be_visible()
