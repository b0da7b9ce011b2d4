"""API keys: made once, kept as hashes, good until they are revoked; and jobs of their owners."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.database import embedded_url
from jobs.engine import JobQueue
from jobs.errors import (
    BadKeyName,
    JobNotFound,
    KeyExists,
    KeyNotFound,
    KeyRevoked,
    KeyUnknown,
    TooManyJobs,
)
from jobs.folder_store import FolderStore
from jobs.keys import KeyRing
from jobs.values import Job, JobRequest
from pipeline.media.decode import scan
from tests.jobs.conftest import LIMITS


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    queue = JobQueue(embedded_url(tmp_path), FolderStore(tmp_path))
    yield queue
    queue.close()


@pytest.fixture
def ring(queue: JobQueue) -> KeyRing:
    return queue.keys


def submit(queue: JobQueue, clip: Path) -> Job:
    job_id = queue.store.new_id()
    queue.store.incoming(job_id).write_bytes(clip.read_bytes())
    return queue.submit(job_id, JobRequest(filename="a.mp4"), scan(clip, LIMITS))


def test_a_key_is_found_and_its_secret_is_kept_nowhere(ring: KeyRing, tmp_path: Path) -> None:
    assert not ring.in_force()
    text = ring.create("ada", max_jobs=3, requests_per_minute=60)
    assert ring.in_force()
    key = ring.find(text)
    assert (key.name, key.max_jobs, key.requests_per_minute, key.revoked_at) == ("ada", 3, 60, None)
    secret = text.rsplit("_", 1)[1].encode() if text.count("_") == 2 else text[-43:].encode()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert any(b"ada" in path.read_bytes() for path in files)
    assert not any(secret in path.read_bytes() for path in files)


def test_keys_differ(ring: KeyRing) -> None:
    texts = {ring.create(f"user-{number}") for number in range(20)}
    assert len(texts) == 20
    assert {ring.find(text).name for text in texts} == {key.name for key in ring.list()}


@pytest.mark.parametrize("change", ["", "x", " ", "\n", "é"])
def test_what_is_no_key_is_unknown(ring: KeyRing, change: str) -> None:
    text = ring.create("ada")
    other = ring.create("bob")
    for wrong in (change, text + change if change else text[:-1], text[:23] + other[23:]):
        with pytest.raises(KeyUnknown):
            ring.find(wrong)
    assert ring.find(text).name == "ada"


def test_a_revoked_key_is_worthless_and_requests_still_need_one(ring: KeyRing) -> None:
    text = ring.create("ada")
    ring.revoke("ada")
    ring.revoke("ada")
    with pytest.raises(KeyRevoked, match="'ada'"):
        ring.find(text)
    assert ring.in_force()
    (key,) = ring.list()
    assert key.revoked_at is not None
    with pytest.raises(KeyNotFound, match="'bob'"):
        ring.revoke("bob")


def test_a_name_is_given_once(ring: KeyRing) -> None:
    ring.create("ada")
    ring.revoke("ada")
    with pytest.raises(KeyExists, match="'ada'"):
        ring.create("ada")
    for name in ("", "a b", "-a", "a" * 65, "a\nb"):
        with pytest.raises(BadKeyName, match="must be up to 64 letters"):
            ring.create(name)


def test_an_owner_sees_and_changes_its_own_jobs_only(
    queue: JobQueue, ring: KeyRing, clip: Path
) -> None:
    ada, bob = (queue.owned_by(ring.find(ring.create(name))) for name in ("ada", "bob"))
    first, second, other = submit(ada, clip), submit(ada, clip), submit(bob, clip)
    nobodys = submit(queue, clip)
    assert [job.id for job in ada.list()[0]] == [second.id, first.id]
    page, cursor, _ = ada.list(limit=1)
    assert [job.id for job in page] == [second.id]
    assert [job.id for job in ada.list(cursor=cursor)[0]] == [first.id]
    assert [job.id for job in bob.list()[0]] == [other.id]
    assert len(queue.list()[0]) == 4
    for job in (other, nobodys):
        for look in (ada.get, ada.cancel, ada.delete, ada.result_summary, ada.frames):
            with pytest.raises(JobNotFound):
                look(job.id)
        assert not queue.get(job.id).state.final
        assert queue.store.exists(queue.store.upload(job.id))
    ada.delete(first.id)
    with pytest.raises(JobNotFound):
        queue.get(first.id)


def test_an_owner_may_have_so_many_unfinished_jobs(
    queue: JobQueue, ring: KeyRing, clip: Path, tmp_path: Path
) -> None:
    ada = queue.owned_by(ring.find(ring.create("ada", max_jobs=2)))
    submit(queue, clip)
    first = submit(ada, clip)
    ada.check_room()
    submit(ada, clip)
    with pytest.raises(TooManyJobs, match=r"'ada' may have 2 unfinished jobs, and has 2"):
        ada.check_room()
    with pytest.raises(TooManyJobs, match="may have 2 unfinished jobs"):
        submit(ada, clip)
    assert len(ada.list()[0]) == 2
    assert not list(queue.store.uploads.iterdir())
    assert len(list((tmp_path / "jobs").iterdir())) == 3
    ada.cancel(first.id)
    submit(ada, clip)


def test_the_last_place_is_taken_once(queue: JobQueue, ring: KeyRing, clip: Path) -> None:
    ada = queue.owned_by(ring.find(ring.create("ada", max_jobs=3)))
    refused: list[TooManyJobs] = []

    def try_to() -> None:
        try:
            submit(ada, clip)
        except TooManyJobs as error:
            refused.append(error)

    logging.getLogger("dbos").setLevel(logging.ERROR)
    threads = [threading.Thread(target=try_to) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ada.list()[0]), len(refused)) == (3, 5)
