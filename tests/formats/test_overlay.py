"""The overlay covers the objects, keeps the rest, and keeps each frame's time and the sound."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from formats.footage import Footage
from formats.overlay import colour_of, draw, overlay
from formats.result import Result, ResultObject
from pipeline.media.decode import decode, scan
from pipeline.objects import rle
from pipeline.values import Action, ScannedVideo, VideoLimits
from tests.formats.clips import RATE, chirp, heard, write_with_sound
from tests.videos import index_of, picture, square, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)
TIMES_MS = [0, 40, 120, 140, 400, 1000, 1033, 1500, 1540, 1600]


def result_of(video: ScannedVideo, indices: Sequence[int], *, with_masks: bool = True) -> Result:
    """Find the red square in some frames of a clip."""
    info = video.info
    lines = []
    for index in indices:
        mask = np.zeros((info.height, info.width), bool)
        mask[square(index, info.height, info.width)] = True
        encoded = rle.encode(mask)
        found: dict[str, object] = {"track": 1, "score": 0.9, "box": rle.box(encoded)}
        found["area"] = rle.area(encoded)
        if with_masks:
            found["segmentation"] = {"size": mask.shape, "counts": encoded.counts}
        lines.append(
            json.dumps({"index": index, "time_s": video.time_s(index), "objects": [found]})
        )
    summary = {
        "id": "4b3403665fea4d1ab4ec9a1c1cf5d2a0",
        "model": {"name": "small", "version": "1"},
        "video": {
            "width": info.width,
            "height": info.height,
            "frame_count": info.frame_count,
            "fps": str(info.fps),
        },
        "tracks": [{"id": 1, "score": 0.9, "start": indices[0], "stop": indices[-1] + 1}],
    }
    return Result.of(summary, "clip.mp4", lambda: lines)


def _object(mask: NDArray[np.bool_], track: int) -> ResultObject:
    encoded = rle.encode(mask)
    return ResultObject(
        mask=encoded, box=rle.box(encoded), area=rle.area(encoded), score=0.9, track=track
    )


def test_drawing_tints_the_mask_and_frames_the_box() -> None:
    pixels = np.full((60, 80, 3), 100, np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[20:30, 10:40] = True
    mask[30:40, 10:20] = True
    drawn = draw(pixels, [_object(mask, 3)])
    colour = colour_of(3)
    np.testing.assert_allclose(drawn[25, 25], (100 + np.array(colour)) / 2, atol=1)
    assert tuple(drawn[20, 10]) == tuple(drawn[39, 39]) == colour
    assert (drawn[35, 30] == 100).all()
    outside = np.ones((60, 80), bool)
    outside[20:40, 10:40] = False
    assert (drawn[outside] == 100).all()
    assert (pixels == 100).all()


def test_who_acts_is_red_in_a_yellow_box_under_the_name_of_the_action() -> None:
    pixels = np.full((120, 160, 3), 100, np.uint8)
    mask = np.zeros((120, 160), bool)
    mask[60:100, 20:80] = True
    acting = draw(pixels, [_object(mask, 3)], {3: Action("kick_ball", 0.8)})
    assert tuple(acting[60, 20]) == tuple(acting[99, 79]) == (255, 255, 0)
    np.testing.assert_allclose(acting[80, 50], [177, 50, 50], atol=1)
    label = acting[40:60, 20:80]
    assert (label == (255, 255, 0)).all(-1).any()
    assert (label == 0).all(-1).any()
    plain = draw(pixels, [_object(mask, 3)])
    assert np.array_equal(draw(pixels, [_object(mask, 3)], {1: Action("run", 0.8)}), plain)


def test_a_label_stays_in_the_picture() -> None:
    mask = np.zeros((60, 80), bool)
    mask[0:30, 60:80] = True
    drawn = draw(np.zeros((60, 80, 3), np.uint8), [_object(mask, 1)], {1: Action("run", 0.5)})
    assert (drawn[:20] == (255, 255, 0)).all(-1).sum() > 100


def test_tracks_have_colours_of_their_own() -> None:
    assert len({colour_of(track) for track in range(1, 100)}) > 90


@pytest.mark.parametrize(
    ("size", "codec", "pix_fmt", "aspect"),
    [
        ((64, 96), "libx264", "yuv420p", Fraction(4, 3)),
        ((61, 95), "ffv1", "yuv444p", Fraction(1)),
    ],
)
def test_an_overlay_shows_each_frame_at_its_time(
    tmp_path: Path, size: tuple[int, int], codec: str, pix_fmt: str, aspect: Fraction
) -> None:
    source = write_video(
        tmp_path / "source.mkv",
        [picture(index, *size) for index in range(10)],
        codec=codec,
        pix_fmt=pix_fmt,
        times_ms=TIMES_MS,
        pixel_aspect=aspect,
    )
    video = scan(source, LIMITS)
    to = tmp_path / "overlay.mp4"
    overlay(result_of(video, range(10)), Footage(source, video), to)
    written = scan(to, LIMITS)
    assert (written.info.codec, written.info.pixel_aspect) == ("h264", aspect)
    assert (written.info.height, written.info.width) == (size[0] + size[0] % 2, 96)
    assert [written.time_s(i) for i in range(10)] == pytest.approx(np.array(TIMES_MS) / 1000)
    assert written.info.duration_s == pytest.approx(video.info.duration_s, abs=1e-3)
    tinted = (np.array((230, 20, 20)) + colour_of(1)) / 2
    for frame in decode(to, written, range(10)):
        rows, columns = square(frame.index, *size)
        inside = frame.pixels[rows.start + 3 : rows.stop - 3, columns.start + 3 : columns.stop - 3]
        np.testing.assert_allclose(inside.reshape(-1, 3).mean(axis=0), tinted, atol=12)
        expected = picture(frame.index, *size)[: size[0] // 3 - 2]
        shown = frame.pixels[: size[0] // 3 - 2, : size[1]]
        assert np.abs(shown.astype(int) - expected).mean() < 12


@pytest.mark.parametrize(
    ("ending", "codec"),
    [("mp4", "aac"), ("mkv", "libopus"), ("ts", "aac"), ("mov", "pcm_s16le")],
)
def test_the_sound_stays_with_the_pictures(tmp_path: Path, ending: str, codec: str) -> None:
    source = write_with_sound(
        tmp_path / f"source.{ending}",
        [picture(index) for index in range(10)],
        TIMES_MS,
        codec,
        chirp(1.7),
    )
    video = scan(source, LIMITS)
    to = tmp_path / "overlay.mp4"
    overlay(result_of(video, range(10)), Footage(source, video), to)
    before, after = heard_from_first_frame(source), heard(to)
    with av.open(str(to)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    assert duration_s(to) == pytest.approx(duration_s(source), abs=0.05)
    written = scan(to, LIMITS)
    assert [written.time_s(i) for i in range(10)] == pytest.approx(np.array(TIMES_MS) / 1000)
    assert abs(len(before) - len(after)) < 2048  # sound is coded in blocks
    assert lag(before, after) <= RATE // 1000  # Matroska rounds times to a millisecond


def lag(before: NDArray[np.float32], after: NDArray[np.float32]) -> int:
    """Return how many samples later or earlier the same is heard; it has to be the same."""
    part = before[4096:24096]
    errors = {
        shift: float(np.abs(part - after[4096 + shift : 24096 + shift]).mean())
        for shift in range(-500, 501)
    }
    best = min(errors, key=lambda shift: errors[shift])
    assert errors[best] < 0.02
    return abs(best)


def duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / 1e6


def heard_from_first_frame(path: Path) -> NDArray[np.float32]:
    """Decode a file's sound from its first picture on."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
    assert first.time is not None
    return heard(path)[round(first.time * RATE) :]


def test_a_part_of_the_video_begins_at_its_own_first_frame(tmp_path: Path) -> None:
    pictures, times_ms = [picture(index) for index in range(20)], list(range(0, 2000, 100))
    source = write_with_sound(tmp_path / "source.mp4", pictures, times_ms, "aac", chirp(2.0))
    video = scan(source, LIMITS)
    to = tmp_path / "overlay.mp4"
    overlay(result_of(video, range(8, 16, 3)), Footage(source, video), to)
    written = scan(to, LIMITS)
    assert [written.time_s(i) for i in range(3)] == pytest.approx([0, 0.3, 0.6])
    assert [index_of(frame.pixels) for frame in decode(to, written, range(3))] == [8, 11, 14]
    assert written.info.duration_s == pytest.approx(0.9, abs=1e-3)
    before, after = heard(source)[round(0.8 * RATE) :], heard(to)
    assert len(after) == pytest.approx(0.9 * RATE, abs=2 * 1024)
    assert lag(before, after) <= 1


def test_without_masks_boxes_are_drawn(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", [picture(0)] * 2)
    video = scan(source, LIMITS)
    to = tmp_path / "overlay.mp4"
    overlay(result_of(video, range(2), with_masks=False), Footage(source, video), to)
    (first, _) = decode(to, scan(to, LIMITS), range(2))
    rows, columns = square(0)
    side = first.pixels[rows, columns].astype(int)
    np.testing.assert_allclose(side[4:-4, 4:-4].mean(axis=(0, 1)), (230, 20, 20), atol=12)
    edges = np.concatenate([side[0, 2:-2], side[-1, 2:-2]])
    assert np.abs(edges - (230, 20, 20)).max(axis=1).mean() > 40
