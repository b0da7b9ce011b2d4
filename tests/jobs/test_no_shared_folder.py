"""Workers that share a database and an object store, and no folder; and that store away."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.errors import StoreAway
from jobs.values import Job, JobState
from tests.jobs.conftest import Bench, wait_for
from tests.postgres import PostgresServer
from tests.proxy import Proxy
from tests.s3_server import S3Server, environment

AWAY_S = 8


@pytest.fixture(scope="module")
def expected(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, clip: Path
) -> list[str]:
    """What comes of the clip on one folder."""
    bench = Bench(tmp_path_factory.mktemp("alone") / "folder", postgres.new_database())
    bench.start_worker()
    job = bench.wait_until_final(bench.submit(clip))
    frames = list(bench.queue.frames(job.id))
    bench.close()
    return frames


@pytest.fixture(autouse=True)
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with Proxy(s3.port) as proxy:
        for name, value in environment(proxy.port).items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def bench(tmp_path: Path, postgres: PostgresServer, s3: S3Server) -> Iterator[Bench]:
    bench = Bench(tmp_path / "api", postgres.new_database(), s3.new_url())
    yield bench
    s3.thaw()
    bench.close()


def finished(bench: Bench, job: Job) -> Job:
    wait_for(lambda: bench.queue.get(job.id).state.final, "the end of the job", timeout_s=240)
    return bench.queue.get(job.id)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]


def test_workers_on_folders_of_their_own_make_the_same_result(
    bench: Bench, tmp_path: Path, clip: Path, expected: list[str]
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        bench.start_worker(delay_s=0.2, data_dir=folder)
    wait_for(lambda: len(bench.queue.workers()) == 2, "two workers")
    job = bench.submit(clip)
    followed = [line for line in bench.queue.frames(job.id, follow=True) if line]
    assert finished(bench, job).state is JobState.SUCCEEDED
    assert followed == list(bench.queue.frames(job.id)) == expected
    taken_up = [(folder / "worker.log").read_text().count("took up a segm") for folder in folders]
    assert sum(taken_up) == 4
    assert min(taken_up) > 0
    store = bench.store
    assert not any(store.exists(store.part(job.id, segment)) for segment in range(4))
    bench.queue.delete(job.id)
    assert store.size() == 0
    assert files(bench.data_dir) == []


def test_the_same_gets_a_copy_of_the_result_in_the_store(
    bench: Bench, tmp_path: Path, clip: Path
) -> None:
    bench.start_worker(data_dir=tmp_path / "one")
    first = finished(bench, bench.submit(clip, sha256="0" * 64))
    expected = list(bench.queue.frames(first.id))
    second = bench.submit(clip, sha256="0" * 64)
    assert (second.state, second.copied_from) == (JobState.SUCCEEDED, first.id)
    bench.queue.delete(first.id)
    assert second.frames_ready == len(expected) == 48
    assert list(bench.queue.frames(second.id)) == expected
    assert bench.queue.result_summary(second.id)["id"] == second.id
    bench.queue.delete(second.id)
    assert bench.store.size() == 0


def test_a_job_outlives_a_store_that_refuses_connections(
    bench: Bench, tmp_path: Path, clip: Path, expected: list[str], proxy: Proxy
) -> None:
    worker = bench.start_worker(delay_s=0.5, data_dir=tmp_path / "one")
    job = bench.submit(clip)
    wait_for(lambda: bench.queue.get(job.id).frames_done > 0, "the first frames")
    proxy.cut_off()
    time.sleep(AWAY_S)
    assert not bench.queue.get(job.id).state.final
    with pytest.raises(StoreAway):
        bench.submit(clip)
    assert bench.queue.list()[0] == [bench.queue.get(job.id)]
    assert files(bench.store.uploads) == []
    proxy.connect()
    assert finished(bench, job).state is JobState.SUCCEEDED
    assert list(bench.queue.frames(job.id)) == expected
    assert worker.poll() is None


def test_a_job_outlives_a_store_that_hangs(
    bench: Bench, tmp_path: Path, clip: Path, expected: list[str], s3: S3Server
) -> None:
    worker = bench.start_worker(delay_s=0.5, data_dir=tmp_path / "one")
    job = bench.submit(clip)
    wait_for(lambda: bench.queue.get(job.id).frames_done > 0, "the first frames")
    s3.freeze()
    time.sleep(AWAY_S)
    assert not bench.queue.get(job.id).state.final
    s3.thaw()
    assert finished(bench, job).state is JobState.SUCCEEDED
    assert list(bench.queue.frames(job.id)) == expected
    assert worker.poll() is None


def test_a_deletion_while_the_store_is_away_can_be_repeated(
    bench: Bench, clip: Path, proxy: Proxy
) -> None:
    job = bench.submit(clip)
    proxy.cut_off()
    with pytest.raises(StoreAway):
        bench.queue.delete(job.id)
    assert bench.queue.get(job.id).state is JobState.CANCELED
    proxy.connect()
    bench.queue.delete(job.id)
    assert bench.queue.list() == ([], None, 0)
    assert bench.store.size() == 0
