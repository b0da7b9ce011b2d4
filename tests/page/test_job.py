"""What is done with a job as a whole: found in the list, run again, deleted, had elsewhere."""

import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests import videos
from tests.page.conftest import FRAMES, HEIGHT, Staged, Visits, picture
from tests.page.overlay import drawn, wait_for_all, wait_for_frame
from tests.service.processes import Service


@pytest.fixture
def page(visits: Visits, service: Service, video: Path) -> Page:
    """The page with a result of both objects, in the second half of the video."""
    answer = service.post(video.read_bytes(), instances="components", start_s="1.2")
    page = visits.open(service, f"/#/jobs/{answer.json()['id']}")
    wait_for_all(page, FRAMES // 2)
    return page


def test_a_job_is_run_again_with_other_options(page: Page) -> None:
    first = page.url
    page.get_by_role("button", name="Run again").click()
    expect(page.locator("#chosen-name")).to_have_text("square.mp4")
    expect(page.get_by_label("Objects")).to_have_value("components")
    expect(page.get_by_label("From second")).to_have_value("1.2")
    page.get_by_label("From second").fill("")
    page.get_by_role("button", name="Start").click()
    wait_for_all(page, FRAMES)
    assert page.url != first


def test_a_job_is_deleted_where_it_is_shown(visits: Visits, staged: Staged) -> None:
    job = staged.add()
    page = visits.open(staged, f"/#/jobs/{job}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    assert job in staged.queue.jobs
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    assert staged.queue.jobs == {}


def test_the_command_that_is_shown_gets_the_result(page: Page, tmp_path: Path) -> None:
    job = page.url.rpartition("/")[2]
    expect(page.locator("#job-id")).to_have_text(job)
    command = shlex.split(page.locator("#job-curl").inner_text())
    subprocess.run(command, cwd=tmp_path, check=True)
    assert job in (tmp_path / "result.json").read_text()
    page.context.grant_permissions(["clipboard-write"])
    page.get_by_role("button", name="Copy the command").click()
    expect(page.locator("#copy-news")).to_have_text("Copied")


def test_videos_have_pictures_in_the_list(visits: Visits, staged: Staged) -> None:
    staged.add()
    page = visits.open(staged)
    canvas = page.locator("#recent-list canvas")
    page.wait_for_function(
        """canvas => {
            const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            pixel.drawImage(canvas, 80, 45, 1, 1, 0, 0, 1, 1);
            return pixel.getImageData(0, 0, 1, 1).data[3] === 255;
        }""",
        arg=canvas.element_handle(),
    )


def test_the_list_says_that_it_is_loading(visits: Visits, staged: Staged) -> None:
    page = visits.open(staged)
    page.route("**/jobs?*", lambda _: None)  # never answered
    page.reload()
    expect(page.locator("#recent-loading")).to_be_visible()
    expect(page.get_by_text("Nothing yet.")).to_be_hidden()


def test_brief_tracks_are_one_row(visits: Visits, service: Service, tmp_path: Path) -> None:
    pictures = [picture(index) for index in range(40)]
    for pixels in pictures:
        pixels[HEIGHT // 2 :, :115] = 40  # the square on the right stays
    for start, left in ((5, 4), (15, 30), (25, 4)):
        for pixels in pictures[start : start + 2]:
            pixels[52:76, left : left + 24] = (240, 20, 20)
    clip = videos.write_video(tmp_path / "brief.mp4", pictures, rate=10)
    result = service.post(clip.read_bytes(), instances="components", min_track_s="0").json()
    spans = {track["id"]: track["stop"] - track["start"] for track in result["tracks"]}
    brief = [track for track, frames in spans.items() if frames < 4]
    assert len(brief) > 1
    page = visits.open(service, f"/#/jobs/{result['id']}")
    group = page.get_by_role("button", name=f"{len(brief)} brief tracks a moment")
    expect(group).to_be_visible()
    expect(page.locator(".track")).to_have_count(len(spans) - len(brief) + 1)
    page.get_by_label("Position").fill("0.55")
    wait_for_frame(page, 5)
    before = np.count_nonzero(drawn(page, "masks")[..., 3])
    group.click()
    expect(group).to_have_attribute("aria-pressed", "false")
    assert 0 < np.count_nonzero(drawn(page, "masks")[..., 3]) < before
    page.get_by_role("button", name="Show all").click()
    expect(group).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name=f"List {len(brief)} brief tracks").click()
    expect(page.locator(".track")).to_have_count(len(spans))
