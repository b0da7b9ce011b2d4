"""Files of jobs: whole or absent, and gone for good once deleted, whatever keeps them."""

import os
import threading
import time

import pytest

from jobs.bucket_store import PART_BYTES
from jobs.store import JobFile, JobStore


@pytest.fixture
def job_id(store: JobStore) -> str:
    return adopt(store, b"video")


def adopt(store: JobStore, upload: bytes) -> str:
    job_id = store.new_id()
    store.incoming(job_id).write_bytes(upload)
    store.adopt(job_id)
    return job_id


def write(store: JobStore, file: JobFile, text: str = "text") -> None:
    with store.writing(file) as path:
        path.write_text(text)


def test_upload_moves_into_its_job(store: JobStore, job_id: str) -> None:
    with store.local(store.upload(job_id)) as path:
        assert path.read_bytes() == b"video"
    assert not store.incoming(job_id).exists()
    with pytest.raises(FileNotFoundError):
        store.adopt(job_id)
    store.incoming(job_id).write_bytes(b"another")
    with pytest.raises(FileExistsError):
        store.adopt(job_id)
    assert store.read(store.upload(job_id)) == "video"


def test_file_appears_whole_or_not_at_all(store: JobStore, job_id: str) -> None:
    file = store.frames(job_id, 0)
    with pytest.raises(FileNotFoundError):
        store.open(file)
    with pytest.raises(FileNotFoundError), store.local(file):
        pass
    with store.writing(file) as path:
        path.write_text("half")
        assert not store.exists(file)
        path.write_text("whole")
    assert store.exists(file)
    assert store.read(file) == "whole"

    def fail_while_writing() -> None:
        with store.writing(file) as path:
            path.write_text("another")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_writing()
    assert store.read(file) == "whole"
    write(store, file, "again")
    assert store.read(file) == "again"
    store.remove(file)
    store.remove(file)
    assert not store.exists(file)


def test_a_large_file_is_kept_as_it_is(store: JobStore) -> None:
    content = os.urandom(2**20) * (2 * PART_BYTES // 2**20) + b"the end"
    job_id = adopt(store, content)
    rendering = store.rendering(job_id, "overlay.mp4")
    with store.writing(rendering) as path:
        path.write_bytes(content)
    for file in (store.upload(job_id), rendering):
        with store.local(file) as path:
            assert path.read_bytes() == content
    assert store.size(job_id) >= 2 * len(content)


def test_text_is_read_line_by_line_in_any_language(store: JobStore, job_id: str) -> None:
    lines = [f"{number} äöü ☃ {'x' * 100}\n" for number in range(20_000)]
    write(store, store.frames(job_id, 0), "".join(lines))
    with store.open(store.frames(job_id, 0)) as text:
        store.delete(job_id)  # who has it open reads it to its end
        assert list(text) == lines


def test_deleted_job_is_not_brought_back_by_a_write(store: JobStore, job_id: str) -> None:
    def delete_while_writing() -> None:
        with store.writing(store.part(job_id, 3)) as path:
            path.write_text("half")
            store.delete(job_id)

    with pytest.raises(FileNotFoundError):
        delete_while_writing()
    with pytest.raises(FileNotFoundError):
        write(store, store.part(job_id, 4))
    store.delete(job_id)
    assert store.size() == store.size(job_id) == 0
    assert not store.exists(store.upload(job_id))
    with pytest.raises(FileNotFoundError), store.local(store.upload(job_id)):
        pass


def test_a_write_and_a_deletion_at_the_same_moment_leave_nothing(store: JobStore) -> None:
    outcomes = set()
    for turn in range(20):
        job_id = adopt(store, b"video")

        def go_on_writing(job_id: str = job_id) -> None:
            try:
                for segment in range(1000):
                    write(store, store.part(job_id, segment))
            except FileNotFoundError:
                outcomes.add("refused")

        writer = threading.Thread(target=go_on_writing)
        writer.start()
        time.sleep(0.005 * (turn % 5))
        store.delete(job_id)
        writer.join()
        assert store.size() == 0
    assert outcomes == {"refused"}


def test_scaffolding_goes_and_the_result_stays(store: JobStore, job_id: str) -> None:
    result = [store.frames(job_id, 0), store.summary(job_id), store.upload(job_id)]
    others = [store.part(job_id, 0), store.part(job_id, 1), store.tracker(job_id, 0)]
    for file in result + others:
        write(store, file)
    store.remove_scaffolding(job_id)
    assert [store.exists(file) for file in result] == [True] * 3
    assert [store.exists(file) for file in others] == [False] * 3


@pytest.mark.parametrize("job_id", ["", "..", "../../etc", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_only_ids_become_paths(store: JobStore, job_id: str) -> None:
    for name in (store.upload, store.incoming, store.delete, store.size):
        with pytest.raises(ValueError, match="32 hexadecimal digits"):
            name(job_id)


def test_sizes_are_those_of_a_job_and_of_all(store: JobStore, job_id: str) -> None:
    other = adopt(store, bytes(100_000))
    assert 0 < store.size(job_id) < store.size(other)
    assert store.size(other) >= 100_000
    write(store, store.frames(job_id, 0), "x" * 50_000)
    assert store.size(job_id) >= 50_000
    assert store.size() >= store.size(job_id) + store.size(other)
    assert store.size(store.new_id()) == 0


def test_sweep_takes_what_belongs_to_no_job(store: JobStore, job_id: str) -> None:
    lost = adopt(store, b"lost")
    write(store, store.part(lost, 0))
    abandoned, fresh = (store.incoming(store.new_id()) for _ in range(2))
    abandoned.write_bytes(b"half")
    os.utime(abandoned, (0, time.time() - 4000))
    fresh.write_bytes(b"half")
    store.sweep({job_id}, older_than_s=3600)
    assert not abandoned.exists()
    assert fresh.exists()
    assert store.exists(store.upload(lost))
    time.sleep(1.1)  # an object store tells times in seconds
    store.sweep({job_id}, older_than_s=0)
    assert not store.exists(store.upload(lost))
    assert store.size(lost) == 0
    assert store.read(store.upload(job_id)) == "video"


def test_a_store_that_answers_is_told_so(store: JobStore) -> None:
    store.check()
