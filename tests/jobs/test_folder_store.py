"""The folder of the jobs' files: what killed processes leave in it, and what becomes of that."""

import os
import shutil
import time
from pathlib import Path

import pytest

from jobs.errors import StoreAway
from jobs.folder_store import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "data")


@pytest.fixture
def job_id(store: FolderStore) -> str:
    job_id = store.new_id()
    store.incoming(job_id).write_bytes(b"video")
    store.adopt(job_id)
    return job_id


def test_a_write_that_fails_leaves_nothing(store: FolderStore, job_id: str) -> None:
    file = store.frames(job_id, 0)

    def fail_while_writing() -> None:
        with store.writing(file) as path:
            path.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_writing()
    assert list(store.path(file).parent.iterdir()) == []


def test_deleted_job_leaves_no_file(store: FolderStore, job_id: str) -> None:
    store.delete(job_id)
    with pytest.raises(FileNotFoundError), store.writing(store.part(job_id, 4)) as path:
        path.write_text("late")
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_what_a_killed_worker_left_goes_with_the_scaffolding(
    store: FolderStore, job_id: str
) -> None:
    left = store.path(store.frames(job_id, 0)).with_name(".1234.000000")
    left.write_text("half")
    store.remove_scaffolding(job_id)
    assert not left.exists()


def test_sweep_spares_what_is_young(store: FolderStore) -> None:
    lost, fresh, kept = (store.new_id() for _ in range(3))
    for each in (lost, fresh, kept):
        store.incoming(each).write_bytes(b"half")
        store.adopt(each)
    old = time.time() - 100
    for each in (lost, kept):
        os.utime(store.path(store.upload(each)).parent, (old, old))
    store.sweep({kept}, older_than_s=50)
    assert not store.exists(store.upload(lost))
    assert store.exists(store.upload(fresh))
    assert store.exists(store.upload(kept))


def test_sweep_takes_renderings_that_were_never_finished(store: FolderStore, job_id: str) -> None:
    rendering = store.path(store.rendering(job_id, "overlay.mp4"))
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


def test_a_folder_that_is_gone_is_told(store: FolderStore) -> None:
    store.check()
    shutil.rmtree(store.root)
    with pytest.raises(StoreAway, match="doesn't answer"):
        store.check()
