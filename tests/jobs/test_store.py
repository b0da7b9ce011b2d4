"""Files of jobs: whole or absent, and gone for good once deleted."""

import os
import time
from pathlib import Path

import pytest

from jobs.store import JobStore


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "data")


@pytest.fixture
def job_id(store: JobStore) -> str:
    job_id = store.new_id()
    store.incoming(job_id).write_bytes(b"video")
    store.adopt(job_id)
    return job_id


def test_upload_moves_into_the_folder_of_its_job(store: JobStore, job_id: str) -> None:
    assert store.upload(job_id).read_bytes() == b"video"
    assert not store.incoming(job_id).exists()


def test_file_appears_whole_or_not_at_all(store: JobStore, job_id: str) -> None:
    path = store.frames(job_id, 0)
    with store.writing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"

    def fail_while_writing() -> None:
        with store.writing(path) as temporary:
            temporary.write_text("another")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_writing()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_deleted_job_is_not_brought_back_by_a_write(store: JobStore, job_id: str) -> None:
    def delete_while_writing() -> None:
        with store.writing(store.part(job_id, 3)) as temporary:
            temporary.write_text("half")
            store.delete(job_id)

    with pytest.raises(FileNotFoundError):
        delete_while_writing()
    with pytest.raises(FileNotFoundError), store.writing(store.part(job_id, 4)) as temporary:
        temporary.write_text("late")
    store.delete(job_id)
    left = [path for path in store.root.rglob("*") if path.is_file()]
    assert left == []


def test_scaffolding_goes_and_the_result_stays(store: JobStore, job_id: str) -> None:
    result = [store.frames(job_id, 0), store.header(job_id), store.upload(job_id)]
    left_by_a_killed_worker = store.frames(job_id, 0).with_name(".1234.000000")
    others = [store.part(job_id, 0), store.tracker(job_id, 0), left_by_a_killed_worker]
    for path in result + others:
        path.write_text("x")
    store.remove_scaffolding(job_id)
    assert [path.exists() for path in result] == [True] * 3
    assert [path.exists() for path in others] == [False] * 3


@pytest.mark.parametrize("job_id", ["", "..", "../../etc", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_only_ids_become_paths(store: JobStore, job_id: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        store.upload(job_id)


def test_sweep_takes_what_belongs_to_no_job(store: JobStore, job_id: str) -> None:
    lost, fresh, kept = store.new_id(), store.new_id(), job_id
    for other in (lost, fresh):
        store.incoming(other).write_bytes(b"half")
        store.adopt(other)
    abandoned = store.incoming(store.new_id())
    abandoned.write_bytes(b"half")
    old = time.time() - 100
    for path in (abandoned, store.upload(lost).parent, store.upload(kept).parent):
        os.utime(path, (old, old))
    store.sweep({kept}, older_than_s=50)
    assert not abandoned.exists()
    assert not store.upload(lost).exists()
    assert store.upload(fresh).exists()
    assert store.upload(kept).exists()


def test_sweep_takes_renderings_that_were_never_finished(store: JobStore, job_id: str) -> None:
    rendering = store.rendering(job_id, "overlay.mp4")
    left, being_made = (rendering.with_name(f".{n}.{rendering.name}") for n in ("old", "new"))
    for file in (rendering, left, being_made):
        file.touch()
    old = time.time() - 100
    for file in (rendering, left):
        os.utime(file, (old, old))
    store.sweep({job_id}, older_than_s=50)
    assert rendering.exists()
    assert being_made.exists()
    assert not left.exists()
