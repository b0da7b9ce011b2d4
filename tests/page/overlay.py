"""What the page draws, read from its pixels, and what it should draw by the result."""

import base64
import re
from collections.abc import Collection, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, expect
from pycocotools import mask as coco

from formats.overlay import colour_of
from tests.videos import index_of

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

# The picture of the video as PNG, in the pixels of the masks.
_PICTURE = """() => {
    const { width, height } = document.getElementById("masks");
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").drawImage(document.getElementById("video"), 0, 0, width, height);
    return canvas.toDataURL();
}"""

# Whenever a picture is shown: which one by its time and by the page's words, and the masks then.
_PLAY = """() => new Promise((resolve) => {
    const video = document.getElementById("video");
    const seen = [];
    const look = (_, { mediaTime }) => {
        const words = document.getElementById("frame").textContent;
        seen.push([mediaTime, words, document.getElementById("masks").toDataURL()]);
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    video.addEventListener("ended", () => resolve(seen));
    document.getElementById("play").click();
})"""


def video_picture(page: Page) -> NDArray[np.uint8]:
    """Return the picture that the video shows: (H, W, 3) uint8, RGB."""
    return _decode(page.evaluate(_PICTURE))[..., :3]


def drawn(page: Page, canvas: str) -> NDArray[np.uint8]:
    """Return what is drawn over it on the canvas `masks` or `marks`: (H, W, 4) uint8, RGBA."""
    return _decode(page.locator(f"#{canvas}").evaluate("canvas => canvas.toDataURL()"))


def play(page: Page) -> Sequence[tuple[float, str, NDArray[np.uint8]]]:
    """Play the video; return each picture's time, what the page said, and masks (H, W, 4) RGBA."""
    return [(time_s, words, _decode(url)) for time_s, words, url in page.evaluate(_PLAY)]


def wait_for_all(page: Page, frames: int) -> None:
    """Wait until the page has the video, and so many frames with the first track."""
    facts = page.locator(".track-facts").first
    expect(facts).to_have_text(re.compile(rf"\b{frames} frame"))
    expect(page.locator("#downloads li")).not_to_have_count(0)
    expect(page.locator("#video")).to_have_js_property("readyState", 4)


def wait_for_frame(page: Page, index: int) -> None:
    """Wait until the page says that it shows a frame of the result."""
    expect(page.locator("#frame")).to_have_text(re.compile(rf"^Frame {index} · "))


def shown_index(page: Page) -> int:
    """Return the number of the frame of the result that the page says it shows."""
    return int(page.locator("#frame").inner_text().split()[1])


def wanted(frame: dict[str, Any], *, without: Collection[int] = ()) -> NDArray[np.uint8]:
    """Draw a frame's masks as the page should, (H, W, 4) RGBA: an outline, and tinted inside."""
    height, width = frame["objects"][0]["segmentation"]["size"]
    pixels = np.zeros((height, width, 4), np.uint8)
    for found in frame["objects"]:
        if found["track"] not in without:
            mask = coco.decode(found["segmentation"])
            inner = cv2.erode(mask, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
            pixels[mask > 0] = (*colour_of(found["track"]), 255)
            pixels[inner > 0, 3] = round(0.35 * 255)
    return pixels


def assert_equal(drawn: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    """Check that masks are those that are wanted, to the last pixel."""
    difference = np.abs(drawn.astype(int) - wanted.astype(int))
    assert difference[..., 3].max() <= 1
    assert difference.max() <= 2  # what colours lose, since canvases keep them times the opacity


def assert_shown(page: Page, frame: dict[str, Any], *, without: Collection[int] = ()) -> None:
    """Check that the page shows a frame of the video, and just the masks that it has there."""
    wait_for_frame(page, frame["index"])
    assert index_of(video_picture(page)) == frame["index"]
    assert_equal(drawn(page, "masks"), wanted(frame, without=without))


def _decode(url: str) -> NDArray[np.uint8]:
    encoded = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    decoded = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA).astype(np.uint8)
