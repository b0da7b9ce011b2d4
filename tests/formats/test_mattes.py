"""Mattes, read back by Pillow."""

import io
from pathlib import Path, PurePath
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from formats.footage import Footage
from formats.mattes import mattes
from formats.result import Result
from pipeline.media.decode import scan
from tests.formats.results import HEIGHT, WIDTH, sample
from tests.formats.test_overlay import LIMITS
from tests.videos import picture, write_video


@pytest.mark.parametrize("filename", ["..", "...", "../..mp4"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, filename: str) -> None:
    source = write_video(tmp_path / "source.mp4", [picture(0)])
    made, to = sample(), tmp_path / "made"
    result = Result.of(made.summary, filename, lambda: iter(made.lines))
    mattes(result, Footage(source, scan(source, LIMITS)), to)
    with ZipFile(to) as opened:
        assert {PurePath(name).parts[0] for name in opened.namelist()} <= {"video", "mp4"}


def test_each_track_is_a_sequence_without_gaps(tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", [picture(0)])
    made, to = sample(), tmp_path / "made"
    mattes(made.result, Footage(source, scan(source, LIMITS)), to)
    spans = {1: range(0, 18, 2), 2: range(2, 16, 2)}
    names = {
        f"my dög.final/track{track}/{index:05d}.png": (track, index)
        for track, indices in spans.items()
        for index in indices
    }
    with ZipFile(to) as opened:
        assert opened.testzip() is None
        assert sorted(opened.namelist()) == sorted(names)
        for name, (track, index) in names.items():
            read = Image.open(io.BytesIO(opened.read(name)))
            assert read.mode == "L"
            mask = made.masks[index].get(track, np.zeros((HEIGHT, WIDTH), bool))
            np.testing.assert_array_equal(np.array(read), 255 * mask)
