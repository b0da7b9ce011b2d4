"""The object store of the jobs' files: what is kept on the disk, and what is told when it fails."""

import pickle
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.bucket_store import BucketStore
from jobs.errors import StoreAway, StoreRefuses
from jobs.store import JobFile
from jobs.stores import open_store
from tests.s3_server import S3Server, environment


@pytest.fixture
def url(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3.new_url()


@pytest.fixture
def thawed(s3: S3Server) -> Iterator[S3Server]:
    yield s3
    s3.thaw()


def opened(data_dir: Path, url: str) -> BucketStore:
    store = open_store(data_dir, url)
    assert isinstance(store, BucketStore)
    return store


def submit(store: BucketStore) -> str:
    job_id = store.new_id()
    store.incoming(job_id).write_bytes(b"video")
    store.adopt(job_id)
    return job_id


def local_files(data_dir: Path) -> list[str]:
    return [path.name for path in data_dir.rglob("*") if path.is_file()]


def test_what_was_written_is_kept_while_the_store_is_away(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, url)
    part = store.part(submit(store), 0)
    put, tries = store._put, 0

    def fail_twice(file: JobFile, path: Path) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise StoreAway("It doesn't answer.")
        put(file, path)

    monkeypatch.setattr(store, "_put", fail_twice)
    with pytest.raises(StoreAway), store.writing(part) as path:
        path.write_text("in haste")
    with store.writing(part, patience_s=60) as path:
        path.write_text("with policy")
    assert (tries, store.read(part)) == (3, "with policy")


def test_stores_on_several_machines_see_the_same(url: str, tmp_path: Path) -> None:
    here, there = (opened(tmp_path / name, url) for name in ("here", "there"))
    job_id = submit(here)
    with there.writing(there.part(job_id, 0)) as path:
        path.write_text("objects")
    assert here.read(here.part(job_id, 0)) == "objects"
    with there.local(there.upload(job_id)) as path:
        assert path.read_bytes() == b"video"
        assert path.is_relative_to(tmp_path / "there")
    here.delete(job_id)
    assert local_files(tmp_path / "here") == []
    with pytest.raises(FileNotFoundError), there.writing(there.part(job_id, 1)) as path:
        path.write_text("late")
    assert there.size() == 0


def test_prefixes_of_one_bucket_are_apart(url: str, tmp_path: Path) -> None:
    one, other = (opened(tmp_path / name, f"{url}/{name}") for name in ("one", "other"))
    job_id = submit(one)
    assert not other.exists(other.upload(job_id))
    other.sweep(set(), older_than_s=-10)
    assert one.exists(one.upload(job_id))


def test_the_upload_is_fetched_once_and_not_where_it_was_received(
    url: str, thawed: S3Server, tmp_path: Path
) -> None:
    here, there = (opened(tmp_path / name, url) for name in ("here", "there"))
    job_id = submit(here)
    with there.local(there.upload(job_id)):
        pass
    thawed.freeze()
    for store in (here, there):
        with store.local(store.upload(job_id)) as path:
            assert path.read_bytes() == b"video"


def test_it_can_be_sent_to_another_process(url: str, tmp_path: Path) -> None:
    store = opened(tmp_path, url)
    job_id = submit(store)
    sent: BucketStore = pickle.loads(pickle.dumps(store))
    assert sent.read(sent.upload(job_id)) == "video"


def test_a_store_that_hangs_is_away_and_comes_back(
    url: str, thawed: S3Server, tmp_path: Path
) -> None:
    store = opened(tmp_path, url)
    job_id = submit(store)
    thawed.freeze()
    begun = time.monotonic()
    with pytest.raises(StoreAway, match="doesn't answer"):
        store.check()
    assert time.monotonic() - begun < 10

    def write() -> None:
        with store.writing(store.part(job_id, 0)) as path:
            path.write_text("objects")

    with ThreadPoolExecutor(2) as threads:  # each waits for 15 s
        reading = threads.submit(store.exists, store.upload(job_id))
        writing = threads.submit(write)
    for tried in (reading, writing):
        assert isinstance(tried.exception(), StoreAway)
    thawed.thaw()
    store.check()
    assert store.read(store.upload(job_id)) == "video"
    assert local_files(tmp_path / "cache" / "unfinished") == []


def test_a_store_that_is_not_there_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreRefuses, match=r"s3://no-such-bucket/x must be a bucket"):
        open_store(tmp_path, "s3://no-such-bucket/x")
    for name, value in environment(port=1).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreAway, match=f"object store of {url} can't be reached"):
        open_store(tmp_path, url)


def test_many_may_start_at_once(url: str, tmp_path: Path) -> None:
    stores = [opened(tmp_path / str(number), url) for number in range(4)]
    with ThreadPoolExecutor(len(stores)) as pool:
        for _ in range(3):
            for started in [pool.submit(store.require) for store in stores]:
                started.result()
    assert list(stores[0]._bucket.list("check").collect()) == []


def test_http_is_for_those_who_allow_it(
    monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(StoreRefuses, match="AWS_ALLOW_HTTP=true"):
        open_store(tmp_path, url)


def test_a_bucket_that_goes_away_is_no_deleted_job(url: str, tmp_path: Path, s3: S3Server) -> None:
    store = opened(tmp_path, url)
    job_id = submit(store)
    store.delete(job_id)
    s3.remove_bucket(url)
    with pytest.raises(StoreAway):
        store.check()
    with pytest.raises(StoreAway), store.writing(store.part(job_id, 0)) as path:
        path.write_text("objects")
