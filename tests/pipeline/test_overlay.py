"""The overlay covers the objects, keeps the rest, and keeps each frame's time."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline import rle
from pipeline.decode import decode, scan
from pipeline.overlay import colour_of, draw, write_overlay
from pipeline.values import SegmentedFrame, SegmentedObject, VideoLimits
from tests.videos import picture, square, write_video

LIMITS = VideoLimits(max_pixels=1920 * 1080, max_frames=1000, max_duration_s=60)


def _object(mask: NDArray[np.bool_], track: int) -> SegmentedObject:
    encoded = rle.encode(mask)
    return SegmentedObject(
        mask=encoded, box=rle.box(encoded), area=rle.area(encoded), score=0.9, track=track
    )


def _square_of(index: int, height: int, width: int) -> SegmentedObject:
    mask = np.zeros((height, width), bool)
    mask[square(index, height, width)] = True
    return _object(mask, 1)


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
    times_ms = [0, 40, 120, 140, 400, 1000, 1033]
    source = write_video(
        tmp_path / "source.mkv",
        [picture(index, *size) for index in range(7)],
        codec=codec,
        pix_fmt=pix_fmt,
        times_ms=times_ms,
        pixel_aspect=aspect,
    )
    video = scan(source, LIMITS)
    segmented = [
        SegmentedFrame(index, video.time_s(index), (_square_of(index, *size),))
        for index in range(7)
    ]
    to = tmp_path / "overlay.mp4"
    write_overlay(decode(source, video, range(7)), segmented, video.info, to)
    written = scan(to, LIMITS)
    assert (written.info.codec, written.info.pixel_aspect) == ("h264", aspect)
    assert (written.info.height, written.info.width) == (size[0] + size[0] % 2, 96)
    assert [written.time_s(i) for i in range(7)] == pytest.approx(np.array(times_ms) / 1000)
    tinted = (np.array((230, 20, 20)) + colour_of(1)) / 2
    for frame in decode(to, written, range(7)):
        rows, columns = square(frame.index, *size)
        inside = frame.pixels[rows.start + 3 : rows.stop - 3, columns.start + 3 : columns.stop - 3]
        np.testing.assert_allclose(inside.reshape(-1, 3).mean(axis=0), tinted, atol=12)
        expected = picture(frame.index, *size)[: size[0] // 3 - 2]
        shown = frame.pixels[: size[0] // 3 - 2, : size[1]]
        assert np.abs(shown.astype(int) - expected).mean() < 12


def test_objects_of_another_frame_are_refused(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", [picture(0)] * 2)
    video = scan(source, LIMITS)
    segmented = [SegmentedFrame(1, 0.0), SegmentedFrame(0, 0.0)]
    with pytest.raises(ValueError, match="Got objects of frame 1, wanted 0's"):
        write_overlay(decode(source, video, range(2)), segmented, video.info, tmp_path / "o.mp4")
