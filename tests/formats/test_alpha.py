"""The cut-out objects, decoded by libvpx, which knows transparency."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from formats.alpha import alpha, cut_out
from formats.footage import Footage
from formats.result import ResultFrame
from pipeline.media.decode import scan
from tests.formats.test_overlay import LIMITS, TIMES_MS, result_of
from tests.videos import picture, square, write_video


def decoded(path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the time and the RGBA pixels of each frame; FFmpeg's own decoder drops the alpha."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                assert frame.format.name == "yuva420p"
                assert frame.pts is not None
                assert stream.time_base is not None
                pixels = frame.to_ndarray(format="rgba").astype(np.uint8, copy=False)
                yield float(frame.pts * stream.time_base), pixels


@pytest.mark.parametrize("size", [(64, 96), (61, 95)])
def test_only_the_objects_are_seen(tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_video(
        tmp_path / "source.mkv",
        [picture(index, *size) for index in range(10)],
        codec="ffv1",
        pix_fmt="yuv444p",
        times_ms=TIMES_MS,
    )
    video = scan(source, LIMITS)
    to = tmp_path / "made"
    alpha(result_of(video, range(10)), Footage(source, video), to)
    frames = list(decoded(to))
    assert [time_s for time_s, _ in frames] == pytest.approx(np.array(TIMES_MS) / 1000)
    with av.open(str(to)) as container:
        assert container.streams.video[0].metadata["alpha_mode"] == "1"
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(video.info.duration_s, abs=0.002)
    for index, (_, pixels) in enumerate(frames):
        assert pixels.shape == (*size, 4)
        mask = np.zeros(size, bool)
        mask[square(index, *size)] = True
        opaque = pixels[..., 3] > 127
        assert (opaque & mask).sum() / (opaque | mask).sum() > 0.97
        np.testing.assert_allclose(pixels[mask][:, :3].mean(axis=0), (230, 20, 20), atol=25)


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(2), Fraction(3, 4)])
def test_pixels_keep_their_aspect(tmp_path: Path, aspect: Fraction) -> None:
    pictures = [picture(index) for index in range(3)]
    source = write_video(tmp_path / "source.mp4", pictures, pixel_aspect=aspect)
    video = scan(source, LIMITS)
    to = tmp_path / "made"
    alpha(result_of(video, range(3)), Footage(source, video), to)
    with av.open(str(to)) as container:
        assert container.streams.video[0].sample_aspect_ratio == aspect
        assert container.streams.video[0].metadata.get("title") is None
    assert [pixels.shape for _, pixels in decoded(to)] == [(64, 96, 4)] * 3


def test_what_is_far_from_the_objects_is_gone(tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", [picture(7)] * 2)
    (first, _) = result_of(scan(source, LIMITS), range(2)).frames()
    cut = cut_out(picture(7), first)
    rows, columns = square(0)
    np.testing.assert_array_equal(cut[rows, columns, :3], picture(7)[rows, columns])
    assert (cut[rows, columns, 3] == 255).all()
    assert (cut[..., 3] == 255).sum() == (rows.stop - rows.start) * (columns.stop - columns.start)
    assert not cut[: rows.start - 8].any()
    assert cut[rows.start - 8, columns.start, :3].any()
    assert not cut_out(picture(7), ResultFrame(0, 0.0)).any()
