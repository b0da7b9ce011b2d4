"""What is drawn over the video, pixel by pixel, against the masks of the result."""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from pipeline.values import SURE_ENOUGH
from tests import videos
from tests.page.conftest import FRAMES, HEIGHT, WIDTH, Visits, picture
from tests.page.overlay import (
    assert_equal,
    assert_shown,
    drawn,
    play,
    shown_index,
    video_picture,
    wait_for_all,
    wait_for_frame,
    wanted,
)
from tests.service.conftest import write_clip
from tests.service.processes import Service


@pytest.fixture(scope="module")
def result(service: Service, video: Path) -> dict[str, Any]:
    """The result of the video with two objects."""
    body = segment(service, video, instances="components", min_track_s="0")
    assert [len(frame["objects"]) for frame in body["frames"]] == [2] * FRAMES
    return body


def segment(service: Service, video: Path, **options: str) -> dict[str, Any]:
    answer = service.post(video.read_bytes(), **options)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def show(visits: Visits, service: Service, result: dict[str, Any]) -> Page:
    """Open the page with a result, and wait until it has all of that and the video."""
    page = visits.open(service, f"/#/jobs/{result['id']}")
    wait_for_all(page, len(result["frames"]))
    return page


@pytest.fixture
def page(visits: Visits, service: Service, result: dict[str, Any]) -> Page:
    """The page with that result."""
    return show(visits, service, result)


def test_masks_belong_to_the_frame_that_is_shown(page: Page, result: dict[str, Any]) -> None:
    frames = result["frames"]
    assert_shown(page, frames[0])
    for index in (1, 2, 3):
        page.get_by_role("button", name="Next frame").click()
        assert_shown(page, frames[index])
    page.get_by_role("button", name="Previous frame").click()
    assert_shown(page, frames[2])
    page.get_by_label("Position").fill("1.57")
    assert_shown(page, frames[15])
    lane = page.locator(".lane").first
    box = lane.bounding_box()
    assert box
    lane.click(position={"x": box["width"] * 0.4, "y": 10})
    assert_shown(page, frames[9])
    page.get_by_label("Position").fill("2.4")
    assert_shown(page, frames[-1])


def test_a_frame_that_is_lost_is_told(visits: Visits, service: Service, tmp_path: Path) -> None:
    visits.expected = ["status of 425"]  # while it is drawn for browsers
    damaged = videos.write_damaged(tmp_path / "damaged.mov", [10])
    result = service.post(damaged.read_bytes()).json()
    assert [frame["index"] for frame in result["frames"] if "repeated" in frame] == [10]
    page = visits.open(service, f"/#/jobs/{result['id']}")
    # Until its picture is there, the position isn't the drawn video's.
    expect(page.locator("#frame")).to_contain_text("Frame 0 · drawn by")
    expect(page.locator("#video")).to_have_js_property("readyState", 4)
    for place, words in ((9, "drawn by"), (10, "can't be decoded, "), (11, "drawn by")):
        page.get_by_label("Position").fill(f"{(place + 0.5) / 25}")
        expect(page.locator("#frame")).to_have_text(re.compile(rf"^Frame {place} · {words}"))


def test_frames_are_stepped_as_fast_as_keys_are_pressed(page: Page, result: dict[str, Any]) -> None:
    for key, times, index in (("ArrowRight", 9, 9), ("ArrowLeft", 2, 7)):
        for _ in range(times):
            page.keyboard.press(key)
        assert_shown(page, result["frames"][index])
    page.keyboard.press("Shift+ArrowRight")
    assert_shown(page, result["frames"][17])
    page.keyboard.press("Shift+ArrowLeft")
    assert_shown(page, result["frames"][7])
    # The steps of the slider are shorter than a frame; it gets on nevertheless.
    slider = page.get_by_label("Position")
    slider.focus()
    while shown_index(page) < 10:
        slider.press("ArrowRight")
        page.wait_for_timeout(50)
    assert_shown(page, result["frames"][10])


def test_masks_keep_in_step_while_it_plays(page: Page, result: dict[str, Any]) -> None:
    seen = play(page)
    places = [round(10 * time_s) for time_s, _, _ in seen]
    assert len(set(places)) > 3
    for place, (_, words, masks) in zip(places, seen, strict=True):
        assert words == f"Frame {place} · 2 objects"
        assert_equal(masks, wanted(result["frames"][place]))
    wait_for_frame(page, FRAMES - 1)
    # Once more from the start, as players do.
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Position").fill("0")
    assert_shown(page, result["frames"][0])


def test_tracks_are_hidden_by_click_by_key_and_by_score(page: Page, result: dict[str, Any]) -> None:
    first = result["frames"][0]
    scores = {found["track"]: found["score"] for found in first["objects"]}
    faint, clear = sorted(scores, key=lambda track: scores[track])
    page.get_by_label("Hide scores below").fill(str(round(sum(scores.values()) / 2, 2)))
    assert_shown(page, first, without=[faint])
    expect(page.locator("#frame")).to_have_text("Frame 0 · 1 object (1 hidden)")
    page.get_by_label("Hide scores below").fill("0")
    assert_shown(page, first)
    row = page.get_by_role("button", name=f"Track {clear}")
    row.click()
    expect(row).to_have_attribute("aria-pressed", "false")
    assert_shown(page, first, without=[clear])
    page.keyboard.press(str(1 + list(scores).index(faint)))
    assert_shown(page, first, without=[faint, clear])
    page.get_by_role("button", name="Show all").click()
    assert_shown(page, first)
    expect(page.get_by_role("button", name="Show all")).to_be_hidden()


def test_masks_boxes_labels_and_spotlight_are_switched(page: Page, result: dict[str, Any]) -> None:
    first = result["frames"][0]
    x, y, width, height = first["objects"][0]["box"]

    def opaque() -> list[bool]:
        pixels = drawn(page, "marks")
        across, down = pixels.shape[1] / WIDTH, pixels.shape[0] / HEIGHT
        lower_edge = pixels[int((y + height) * down - 1), int((x + width / 2) * across)]
        label = pixels[int(y * down) - 3, int(x * across) + 2]
        middle = pixels[int((y + height / 2) * down), int((x + width / 2) * across)]
        return [pixel[3] > 250 for pixel in (lower_edge, label, middle)]

    assert_shown(page, first)
    assert opaque() == [True, True, False]
    page.get_by_label("Boxes").uncheck()
    assert opaque() == [False, True, False]
    page.get_by_label("Labels").uncheck()
    assert opaque() == [False, False, False]
    page.get_by_label("Masks").uncheck()
    assert_equal(drawn(page, "masks"), np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    page.get_by_label("Spotlight").check()
    dark = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    dark[wanted(first)[..., 3] == 0, 3] = round(0.72 * 255)
    assert_equal(drawn(page, "masks"), dark)


def test_frames_between_hold_the_masks_of_the_one_before(
    visits: Visits, service: Service, video: Path
) -> None:
    result = segment(service, video, instances="components", min_track_s="0", every="3")
    page = show(visits, service, result)
    third, sixth = result["frames"][1:3]
    page.keyboard.press("ArrowRight")
    assert_shown(page, third)
    page.get_by_label("Position").fill("0.45")
    expect(page.locator("#frame")).to_have_text("After frame 3 · 2 objects as it was there")
    assert videos.index_of(video_picture(page)) == 4
    assert_equal(drawn(page, "masks"), wanted(third))
    expect(page.locator("#masks")).to_have_class("held")  # paler
    page.get_by_role("button", name="Next frame").click()
    assert_shown(page, sixth)
    expect(page.locator("#masks")).not_to_have_class("held")


def test_a_mask_is_tinted_as_much_as_is_wanted(page: Page, result: dict[str, Any]) -> None:
    first = result["frames"][0]
    page.get_by_label("Tint").fill("1")
    filled = wanted(first)
    filled[filled[..., 3] > 0, 3] = 255
    assert_equal(drawn(page, "masks"), filled)
    page.get_by_label("Tint").fill("0")
    outlined = wanted(first)
    outlined[outlined[..., 3] < 255] = 0
    assert_equal(drawn(page, "masks"), outlined)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)])
def test_the_timeline_has_no_gaps_where_times_are_rounded(page: Page, rate: Fraction) -> None:
    times = [round(float(index / rate), 3) for index in range(500)]  # as Matroska rounds them
    frames = [
        {"index": index, "time_s": time_s, "objects": [{"track": 1, "score": 0.75}]}
        for index, time_s in enumerate(times)
    ]
    script = """async ([frames, duration_s, most]) => {
        const { Results } = await import('/static/results.js');
        const results = new Results(duration_s, most);
        for (const frame of frames) results.add("", frame);
        return Array.from(results.tracks.get(1).scores(), (score) => score || null);
    }"""
    duration_s = float(500 / rate)
    assert page.evaluate(script, [frames, duration_s, 500]) == [0.75] * 500
    # A frame is seen until the next one, however far that is.
    sparse = [frames[0], frames[100], frames[499]]
    assert page.evaluate(script, [sparse, duration_s, 500]) == [0.75] * 500


def test_what_was_not_looked_at_has_no_masks(visits: Visits, service: Service, video: Path) -> None:
    result = segment(service, video, start_s="1", end_s="1.5")
    page = show(visits, service, result)
    words = page.locator("#frame")
    expect(words).to_have_text("This part was not looked at.")
    page.get_by_label("Position").fill("1.21")
    assert_shown(page, result["frames"][2])
    page.get_by_label("Position").fill("2")
    expect(words).to_have_text("This part was not looked at.")
    assert drawn(page, "masks").max() == 0


CLIPS: dict[str, dict[str, Any]] = {
    "turned.mp4": {"rotation": 90},
    "mirrored.mp4": {"mirrored": True},
    "transposed.mp4": {"rotation": 90, "mirrored": True},
    "wide.mp4": {"pixel_aspect": Fraction(3, 2)},
    # Without frames out of order, of which MP4 doesn't say how long each is shown.
    "uneven.mp4": {
        "times_ms": [40 * index + 150 * (index > 5) for index in range(12)],
        "options": {"bf": "0"},
    },
    "late.mkv": {"times_ms": [700 + 40 * index for index in range(12)]},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
}


@pytest.mark.parametrize("name", CLIPS)
def test_masks_lie_on_the_objects_of_odd_videos(
    visits: Visits, service: Service, tmp_path: Path, name: str
) -> None:
    pictures: Sequence[NDArray[np.uint8]] = [picture(index) for index in range(12)]
    path = videos.write_video(tmp_path / name, pictures, **CLIPS[name])
    result = segment(service, path)
    page = show(visits, service, result)
    for steps, index in ((0, 0), (1, 1), (5, 6), (5, 11)):
        for _ in range(steps):
            page.keyboard.press("ArrowRight")
        wait_for_frame(page, index)
        shown, masks = video_picture(page), drawn(page, "masks")
        red = (shown[..., 0] > 128) & (shown[..., 1] < 100)
        inside = masks[..., 3] > 0
        assert (red & inside).sum() / (red | inside).sum() > 0.9
        assert_equal(masks, wanted(result["frames"][index]))
    assert page.locator("#video").bounding_box() == page.locator("#masks").bounding_box()
    assert page.locator("#video").bounding_box() == page.locator("#marks").bounding_box()


def test_a_video_that_no_browser_plays_is_shown_as_the_service_draws_it(
    visits: Visits, service: Service, tmp_path: Path
) -> None:
    visits.expected = ["status of 425"]  # while it is made
    result = segment(service, write_clip(tmp_path / "old.avi"))
    page = visits.open(service, f"/#/jobs/{result['id']}")
    expect(page.locator("#frame")).to_contain_text("Frame 0 · drawn by the service")
    expect(page.locator("#stage-note")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#frame")).to_contain_text("Frame 1 · drawn by the service")
    assert drawn(page, "masks").max() == 0
    assert len(np.unique(video_picture(page).reshape(-1, 3), axis=0)) > 3


def test_actions_are_named_where_they_are_sure_enough(page: Page) -> None:
    """As in `overlay.mp4` and the annotation formats."""
    deed = "async (action) => (await import('/static/format.js')).deed(action)"
    assert page.evaluate(deed, {"label": "kick_ball", "score": SURE_ENOUGH}) == "kick ball"
    assert page.evaluate(deed, {"label": "kick_ball", "score": SURE_ENOUGH - 0.01}) == ""
    assert page.evaluate(deed, {"label": "none", "score": 0.9}) == ""
    assert page.evaluate(deed, None) == ""
