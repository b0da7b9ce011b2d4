"""Results as files: made from what is stored of a job, by the sandbox, and gone with the job."""

import json
from pathlib import Path

import numpy as np
import pytest

from jobs.errors import JobNotFound
from jobs.folder_store import FolderStore
from jobs.renderings import Renderings
from jobs.store import JobStore
from pipeline.media.decode import scan
from pipeline.media.scan_file import save_scan
from pipeline.objects import rle
from tests.formats.clips import RATE, chirp, heard, write_with_sound
from tests.jobs.conftest import LIMITS
from tests.videos import picture, square

NAME = "overlay.mp4"
FRAMES = 6


@pytest.fixture
def job(store: JobStore, tmp_path: Path) -> str:
    """A finished job of two segments, on a clip with sound."""
    job_id = store.new_id()
    pictures = [picture(index) for index in range(FRAMES)]
    times_ms = [0, 100, 200, 250, 400, 500]
    clip = write_with_sound(tmp_path / "clip.mp4", pictures, times_ms, "aac", chirp(0.6))
    store.incoming(job_id).write_bytes(clip.read_bytes())
    store.adopt(job_id)
    video = scan(clip, LIMITS)
    with store.writing(store.scan(job_id)) as path:
        save_scan(video, path)
    for segment, indices in enumerate((range(4), range(4, FRAMES))):
        with store.writing(store.frames(job_id, segment)) as path:
            path.write_text("".join(_line(index, video.time_s(index)) for index in indices))
    summary = {
        "id": job_id,
        "model": {"name": "tiny", "version": "1"},
        "video": {"width": 96, "height": 64, "frame_count": FRAMES, "fps": "10/1"},
        "tracks": [{"id": 1, "score": 0.9, "start": 0, "stop": FRAMES}],
    }
    with store.writing(store.summary(job_id)) as path:
        path.write_text(json.dumps(summary))
    return job_id


def _line(index: int, time_s: float) -> str:
    mask = np.zeros((64, 96), bool)
    mask[square(index)] = True
    encoded = rle.encode(mask)
    found = {"track": 1, "score": 0.9, "box": rle.box(encoded), "area": rle.area(encoded)}
    found["segmentation"] = {"size": [64, 96], "counts": encoded.counts}
    return json.dumps({"index": index, "time_s": time_s, "objects": [found]}) + "\n"


def test_a_file_is_made_of_what_is_stored(store: JobStore, job: str) -> None:
    renderings = Renderings(store)
    assert renderings.find(job, NAME) is None
    renderings.render(job, NAME, "clip.mp4")
    made = renderings.find(job, NAME)
    assert made is not None
    video = scan(made, LIMITS)
    assert video.info.frame_count == FRAMES
    assert [video.time_s(n) for n in range(FRAMES)] == pytest.approx([0, 0.1, 0.2, 0.25, 0.4, 0.5])
    assert len(heard(made)) == pytest.approx(0.6 * RATE, abs=2048)


def test_what_is_made_goes_with_the_job(store: JobStore, job: str) -> None:
    renderings = Renderings(store)
    renderings.render(job, NAME, "clip.mp4")
    store.delete(job)
    assert renderings.find(job, NAME) is None
    with pytest.raises(JobNotFound, match="was deleted"):
        renderings.render(job, NAME, "clip.mp4")


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "data")


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_what_a_killed_process_left_is_removed(
    folder: FolderStore, store: JobStore, job: str
) -> None:
    path = folder.path(store.rendering(job, NAME))
    left = path.with_name(f".0badcafe.{path.name}")
    other = path.with_name(".0badcafe.rendered.davis")
    for file in (left, other):
        file.touch()
    Renderings(store).discard(job, NAME)
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_a_disk_without_room_is_told_by_its_number(
    folder: FolderStore, store: JobStore, job: str
) -> None:
    folder.path(store.rendering(job, NAME)).mkdir()  # nothing can be put in its place
    with pytest.raises(OSError, match="directory") as raised:
        Renderings(store).render(job, NAME, "clip.mp4")
    assert type(raised.value) in {OSError, IsADirectoryError}
    assert raised.value.errno is not None
