"""The list of recent videos, and what is downloaded of one."""

import json
from pathlib import Path

import httpx
from playwright.sync_api import expect

from jobs.values import JobState
from tests.page.conftest import FRAMES, Staged, Visits
from tests.service.processes import Service


def test_recent_videos_are_listed_and_their_progress_is_kept_up(
    visits: Visits, staged: Staged
) -> None:
    page = visits.open(staged)
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    done = [staged.add(filename=f"{index}.mp4") for index in range(11)]
    running = staged.add(state=JobState.RUNNING, filename="dog.mp4", frames_done=6)
    page.reload()
    rows = page.locator("#recent-list li")
    expect(rows).to_have_count(10)
    row = rows.filter(has_text="dog.mp4")
    expect(row).to_contain_text("Running")
    bar = row.get_by_role("progressbar")
    expect(bar).to_have_js_property("value", 0.25)
    button = row.get_by_role("button").bounding_box()
    below = bar.bounding_box()
    assert button
    assert below
    assert below["y"] >= button["y"] + button["height"]  # what is in the row is in one line
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(12)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    staged.queue.change(running, state=JobState.SUCCEEDED, frames_done=FRAMES)
    expect(row).to_contain_text("Done")  # by itself
    page.get_by_role("link", name="0.mp4").last.click()
    expect(page.get_by_role("heading", name="0.mp4")).to_be_focused()
    assert page.url.endswith(done[0])
    page.get_by_role("link", name="All videos").click()
    expect(rows).to_have_count(12)


def test_jobs_are_canceled_and_deleted_in_the_list(visits: Visits, staged: Staged) -> None:
    running = staged.add(state=JobState.RUNNING, filename="dog.mp4")
    page = visits.open(staged)
    page.get_by_role("button", name="Cancel dog.mp4").click()
    delete = page.get_by_role("button", name="Delete dog.mp4")
    expect(delete).to_be_visible()
    expect(page.locator("#recent-list li")).to_contain_text("Canceled")
    delete.click()
    dialog = page.get_by_role("dialog", name="Delete this video?")
    expect(dialog).to_contain_text("dog.mp4 goes for good")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert running in staged.queue.jobs
    delete.click()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert running in staged.queue.jobs
    delete.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    assert staged.queue.jobs == {}


def test_results_are_downloaded(
    visits: Visits, service: Service, video: Path, tmp_path: Path
) -> None:
    visits.expected = ["status of 425"]  # while it is made
    result = service.post(video.read_bytes()).json()
    page = visits.open(service, f"/#/jobs/{result['id']}")
    addresses = {"json": "result", "overlay.mp4": "files/overlay.mp4"}
    for name, address in addresses.items():
        with page.expect_download() as waiting:
            page.locator("#downloads").get_by_text(name, exact=True).click()
        file = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(file)
        url = f"{service.client.base_url}/jobs/{result['id']}/{address}"
        assert file.read_bytes() == httpx.get(url).content
        assert file.suffix == Path(f"result.{name}").suffix
        expect(page.locator("#downloads-news")).to_have_text(f"{name} is on its way")
    assert json.loads((tmp_path / "square.json").read_text()) == result
    frames = httpx.get(f"{service.client.base_url}/jobs/{result['id']}/result?format=ndjson")
    sizes = {
        "ndjson": len(frames.content),
        "json": (tmp_path / "square.json").stat().st_size,
        "overlay.mp4": file.stat().st_size,
    }
    for name, size in sizes.items():
        row = page.locator(f"[data-format='{name}']")
        expect(row).to_contain_text(f"{size / 1000:.1f} kB")
    expect(page.locator("#downloads h3")).to_have_text(["Watch", "Edit", "Train"])


def test_formats_of_masks_are_offered_where_there_are_masks(
    visits: Visits, service: Service, video: Path
) -> None:
    result = service.post(video.read_bytes(), masks="none").json()
    page = visits.open(service, f"/#/jobs/{result['id']}")
    downloads = page.locator("#downloads .format")
    expect(downloads).to_have_text(
        ["overlay.mp4", "coco.json", "cvat.xml", "labelstudio.json", "json", "ndjson"]
    )
    # None lies over what is said of it.
    assert downloads.evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")
