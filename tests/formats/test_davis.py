"""DAVIS pictures, read back by Pillow and measured by vos-benchmark."""

import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from vos_benchmark.benchmark import VideoEvaluator

from formats.davis import davis, palette
from formats.footage import Footage
from pipeline.media.decode import scan
from tests.formats.results import HEIGHT, WIDTH, sample
from tests.formats.test_overlay import LIMITS
from tests.videos import picture, write_video


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("davis")
    source = write_video(folder / "source.mp4", [picture(0)])
    to = folder / "made"
    davis(sample().result, Footage(source, scan(source, LIMITS)), to)
    return to


def expected() -> dict[str, NDArray[np.uint8]]:
    """The indices of each frame, by name."""
    made: dict[str, NDArray[np.uint8]] = {}
    for index, masks in sample().masks.items():
        indices = made[f"my dög.final/{index:05d}.png"] = np.zeros((HEIGHT, WIDTH), np.uint8)
        for track, mask in masks.items():
            indices[mask] = track
    return made


def test_pillow_reads_each_mask(archive: Path) -> None:
    with ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == list(expected())
        for name, indices in expected().items():
            read = Image.open(io.BytesIO(opened.read(name)))
            assert read.mode == "P"
            np.testing.assert_array_equal(np.array(read), indices)
            colours = palette()
            assert read.getpalette()[:768] == colours.ravel().tolist()  # type: ignore[index]
            np.testing.assert_array_equal(np.array(read.convert("RGB")), colours[indices])


def test_the_benchmark_takes_it_for_the_truth(archive: Path, tmp_path: Path) -> None:
    with ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    (video,) = {Path(name).parts[0] for name in expected()}
    # Its own `benchmark` forks a pool for each call, which can hang where other threads run.
    evaluate = VideoEvaluator(str(tmp_path), str(tmp_path))
    _, regions, contours = evaluate(video)
    tracks = {int(value) for indices in expected().values() for value in np.unique(indices)} - {0}
    assert tracks
    assert regions == contours == dict.fromkeys(sorted(tracks), 100)
