"""Clocks of MPEG-4's pictures are read, and tell which may be missing."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from pipeline.media.nal import CodedPicture
from pipeline.media.vop import VopHeaders
from tests.videos import picture, write_video


def headers(path: Path, missing: range, bidirectional: int = 0) -> list[CodedPicture]:
    pictures = [picture(number) for number in range(40)]
    options = {"g": "12", "bf": str(bidirectional)}
    write_video(path, pictures, codec="mpeg4", options=options, rate=Fraction(30000, 1001))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        read = VopHeaders(stream.codec_context.extradata or b"")
        packets = [packet for packet in container.demux(stream) if packet.size]
        return [
            read(memoryview(packet))
            for number, packet in enumerate(packets)
            if number not in missing
        ]


@pytest.mark.parametrize("ending", ["avi", "mp4"])
def test_each_picture_is_one_frame_after_the_one_before(tmp_path: Path, ending: str) -> None:
    found = headers(tmp_path / f"clip.{ending}", range(0))
    assert [picture.elapsed_s for picture in found[1:]] == [Fraction(1001, 30000)] * 39
    predicted = [number for number in range(40) if number % 12 > 1]
    assert [number for number, picture in enumerate(found) if picture.alternates] == predicted


@pytest.mark.parametrize("missing", [range(15, 16), range(15, 17), range(15, 18)], ids=len)
def test_missing_pictures_leave_a_gap_in_the_clock(tmp_path: Path, missing: range) -> None:
    found = headers(tmp_path / "clip.avi", missing)
    assert found[15].elapsed_s == Fraction(1001 * (len(missing) + 1), 30000)
    assert found[15].alternates == (len(missing) % 2 == 0)


def test_nothing_is_told_of_pictures_that_are_reordered(tmp_path: Path) -> None:
    found = headers(tmp_path / "clip.avi", range(0), bidirectional=2)
    assert sum(not picture.reference for picture in found) > 20
    assert all(after.elapsed_s is None for before, after in pairwise(found) if not before.reference)
