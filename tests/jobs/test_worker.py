"""Jobs in true worker processes, undisturbed and disturbed."""

import json
import re
import signal
from pathlib import Path

import pytest

from jobs.engine import JobQueue
from jobs.errors import JobHasNoResult, JobNotFinished, JobNotFound
from jobs.folder_store import FolderStore
from jobs.records import JobRecords
from jobs.values import Job, JobState
from jobs.workflow import MAX_ATTEMPTS
from tests.jobs.conftest import SEGMENT_FRAMES, Bench, wait_for
from tests.jobs.forked import Forked
from tests.jobs.scripted_decoder import CRASH, HANG
from tests.jobs.slow_worker import work

# The most clips that hold a frame of one segment or one beside it: 8 frames a clip.
CLIPS_OF_SEGMENT = SEGMENT_FRAMES // 8 + 2


def segments_stored(bench: Bench, job: Job) -> int:
    return sum(bench.store.exists(bench.store.frames(job.id, segment)) for segment in range(100))


def wait_until_in_second_segment(bench: Bench, job: Job) -> None:
    def begun() -> bool:
        return any(bench.path(bench.store.part(job.id, 1)).parent.glob(".*"))

    wait_for(lambda: segments_stored(bench, job) == 1 and begun(), "the second segment")


def test_a_worker_killed_in_a_segment_costs_at_most_that_segment(bench: Bench, clip: Path) -> None:
    first_worker = bench.start_worker(delay_s=0.15)
    undisturbed = bench.wait_until_final(bench.submit(clip))
    runs_undisturbed = bench.runs()
    assert undisturbed.state is JobState.SUCCEEDED

    disturbed = bench.submit(clip)
    wait_until_in_second_segment(bench, disturbed)
    first_worker.kill()
    bench.start_worker()
    done = bench.wait_until_final(disturbed)

    assert done.state is JobState.SUCCEEDED
    assert done.frames_done == done.frames_total == 48
    assert list(bench.queue.frames(done.id)) == list(bench.queue.frames(undisturbed.id))
    summary, expected = (bench.queue.result_summary(job.id) for job in (done, undisturbed))
    assert summary | {"id": expected["id"]} == expected
    assert bench.runs() <= 2 * runs_undisturbed + CLIPS_OF_SEGMENT
    folder = bench.path(bench.store.summary(done.id)).parent
    left = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert left == [*(f"frames/{n:06d}" for n in range(4)), "header.json", "scan.json", "upload"]


def test_result_is_what_was_asked_for(bench: Bench, clip: Path) -> None:
    bench.start_worker()
    whole = bench.wait_until_final(bench.submit(clip))
    sparse = bench.wait_until_final(bench.submit(clip, every=5, start_s=0.5, masks="none"))

    summary = bench.queue.result_summary(whole.id)
    assert summary["model"] == {"name": "fake", "version": "1"}
    assert summary["id"] == whole.id
    assert summary["video"] == {
        "width": 64,
        "height": 48,
        "frame_count": 48,
        "fps": "30000/1001",
        "duration_s": 1.6016,
        "rotation": 0,
        "mirrored": False,
        "pixel_aspect": "1/1",
        "timestamps": "stored",
    }
    assert summary["shots"] == [{"start": 0, "stop": 48}]
    (track,) = summary["tracks"]
    assert (track["id"], track["start"], track["stop"]) == (1, 0, 48)
    frames = [json.loads(line) for line in bench.queue.frames(whole.id)]
    assert [frame["index"] for frame in frames] == list(range(48))
    (found,) = frames[7]["objects"]
    x, y, width, height = found["box"]
    assert abs(x - 7) + abs(y - 10) + abs(width - 20) + abs(height - 20) <= 6
    assert found["segmentation"]["size"] == [48, 64]

    frames = [json.loads(line) for line in bench.queue.frames(sparse.id)]
    assert [frame["index"] for frame in frames] == list(range(15, 48, 5))
    assert "segmentation" not in frames[0]["objects"][0]
    assert sparse.created_at <= (sparse.started_at or 0) <= (sparse.finished_at or 0)  # type: ignore[operator] # None fails


def test_frames_that_were_chosen_have_the_masks_of_all(bench: Bench, clip: Path) -> None:
    bench.start_worker()
    whole = bench.wait_until_final(bench.submit(clip))
    masks = [_masks(line) for line in bench.queue.frames(whole.id)]
    for every, start_s, end_s in ((2, 0.3, None), (7, None, 1.2), (30, None, None)):
        job = bench.submit(clip, every=every, start_s=start_s, end_s=end_s)
        lines = list(bench.queue.frames(bench.wait_until_final(job).id))
        chosen = [json.loads(line)["index"] for line in lines]
        assert chosen == list(range(chosen[0], chosen[-1] + 1, every))
        assert segments_stored(bench, job) > 1
        assert [_masks(line) for line in lines] == [masks[index] for index in chosen]


def _masks(line: str) -> list[dict[str, object]]:
    return [each["segmentation"] for each in json.loads(line)["objects"]]


def test_frames_can_be_followed_while_the_job_runs(bench: Bench, clip: Path) -> None:
    job = bench.submit(clip)
    with pytest.raises(JobNotFinished, match="queued"):
        bench.queue.frames(job.id)
    following = bench.queue.frames(job.id, follow=True)
    assert next(following) == ""
    bench.start_worker(delay_s=0.1)
    first = next(line for line in following if line)
    assert not bench.queue.get(job.id).state.final
    rest = [line for line in following if line]
    assert [first, *rest] == list(bench.queue.frames(job.id))


def test_canceled_job_stops_and_the_next_one_runs(bench: Bench, clip: Path) -> None:
    bench.start_worker(delay_s=0.3)
    job = bench.submit(clip)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    following = bench.submit(clip, every=4)
    canceled = bench.queue.cancel(job.id)
    assert canceled.state is JobState.CANCELED
    assert canceled.finished_at is not None
    with pytest.raises(JobHasNoResult, match="canceled"):
        bench.queue.result_summary(job.id)
    with pytest.raises(JobHasNoResult, match="canceled"):
        list(bench.queue.frames(job.id, follow=True))
    assert bench.wait_until_final(following).state is JobState.SUCCEEDED
    assert bench.queue.get(job.id) == canceled
    assert segments_stored(bench, job) < 4
    assert bench.queue.cancel(following.id).state is JobState.SUCCEEDED


def test_deleted_job_leaves_nothing_though_a_worker_was_at_it(bench: Bench, clip: Path) -> None:
    bench.start_worker(delay_s=0.3)
    job = bench.submit(clip)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    bench.queue.delete(job.id)
    following = bench.wait_until_final(bench.submit(clip, every=4))
    assert following.state is JobState.SUCCEEDED
    with pytest.raises(JobNotFound):
        bench.queue.get(job.id)
    with pytest.raises(JobNotFound):
        bench.queue.delete(job.id)
    assert [path.name for path in (bench.data_dir / "jobs").iterdir()] == [following.id]
    assert not any((bench.data_dir / "uploads").iterdir())
    assert not any((bench.data_dir / "trash").iterdir())


def test_failures_are_kept_and_tell_no_paths(bench: Bench, clip: Path) -> None:
    broken = bench.submit(clip)
    bench.path(bench.store.upload(broken.id)).write_bytes(b"no video at all")
    unexpected = bench.submit(clip)
    bench.start_worker(fails=True)

    failure = bench.wait_until_final(broken).failure
    assert failure is not None
    assert failure.kind in {"NotAVideo", "BrokenVideo"}
    assert failure.message

    done = bench.wait_until_final(unexpected)
    assert done.state is JobState.FAILED
    assert done.failure is not None
    assert done.failure.kind == "InternalError"
    assert str(bench.data_dir) not in done.failure.message
    assert "RuntimeError: Something about" in (bench.data_dir / "worker.log").read_text()
    with pytest.raises(JobHasNoResult, match="failed"):
        bench.queue.result_summary(unexpected.id)


@pytest.mark.parametrize(("tail", "told"), [(CRASH, "SIGSEGV"), (HANG, "within 3 s")])
def test_a_decoder_that_crashes_or_hangs_fails_its_job_only(
    bench: Bench, clip: Path, tail: bytes, told: str
) -> None:
    worker = bench.start_worker()
    failed = bench.submit(clip, tail, request_id="request-7")
    following = bench.submit(clip)
    failure = bench.wait_until_final(failed).failure
    assert failure is not None
    assert failure.kind == "DecoderFailed"
    assert told in failure.message
    assert bench.wait_until_final(following).state is JobState.SUCCEEDED
    assert worker.poll() is None
    assert len(bench.queue.workers()) == 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    lines = bench.lines_about(failed)
    assert {line["request_id"] for line in lines} == {"request-7"}
    events = " ".join(str(line["event"]) for line in lines)
    assert re.search(r"took up a segment.*decoder (crashed|too slow).*job failed", events)


def test_a_worker_stops_while_its_decoder_hangs_and_the_job_is_not_failed(
    bench: Bench, clip: Path
) -> None:
    worker = bench.start_worker(stall_s=300)
    job = bench.submit(clip, HANG)
    wait_for(lambda: bench.queue.get(job.id).state is JobState.RUNNING, "the job's start")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert bench.queue.get(job.id).state is JobState.RUNNING


def test_job_over_which_workers_die_is_given_up(bench: Bench, clip: Path) -> None:
    job = bench.submit(clip)
    records = JobRecords(bench.queue._engine)
    for _ in range(MAX_ATTEMPTS):
        records.take_up(job.id, 0, {"name": "fake", "version": "1"})
    bench.start_worker()
    failure = bench.wait_until_final(job).failure
    assert failure is not None
    assert failure.kind == "WorkerLost"
    assert bench.runs() == 0


def test_stopped_worker_hands_its_job_on(bench: Bench, clip: Path) -> None:
    worker = bench.start_worker(delay_s=0.2)
    job = bench.submit(clip)
    wait_until_in_second_segment(bench, job)
    assert len(bench.queue.workers()) == 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert bench.queue.workers() == []
    assert bench.queue.get(job.id).state is JobState.RUNNING
    bench.start_worker()
    assert bench.wait_until_final(job).state is JobState.SUCCEEDED


def test_workers_share_a_job_and_its_result_is_that_of_one(bench: Bench, clip: Path) -> None:
    alone = bench.start_worker()
    undisturbed = bench.wait_until_final(bench.submit(clip))
    alone.kill()
    for _ in range(3):
        bench.start_worker(delay_s=0.1)
    wait_for(lambda: len(bench.queue.workers()) == 3, "three workers")
    shared = bench.wait_until_final(bench.submit(clip))
    assert (shared.state, shared.frames_done) == (JobState.SUCCEEDED, 48)
    assert list(bench.queue.frames(shared.id)) == list(bench.queue.frames(undisturbed.id))
    summary, expected = (bench.queue.result_summary(job.id) for job in (shared, undisturbed))
    assert summary | {"id": expected["id"]} == expected
    log = (bench.data_dir / "worker.log").read_text()
    assert log.count("took up a segment") == 8


def test_live_worker_takes_over_the_job_of_a_dead_one(bench: Bench, clip: Path) -> None:
    first = bench.start_worker(delay_s=1.0)
    job = bench.submit(clip)
    wait_for(lambda: bench.runs() > 0, "the first clip")
    bench.start_worker()
    wait_for(lambda: len(bench.queue.workers()) == 2, "the second worker")
    first.kill()
    first.wait()
    runs = bench.runs()
    wait_for(lambda: bench.runs() > runs, "the takeover")
    assert bench.wait_until_final(job).state is JobState.SUCCEEDED


def test_frozen_worker_that_wakes_after_the_takeover_does_no_harm(bench: Bench, clip: Path) -> None:
    frozen = bench.start_worker(delay_s=0.15)
    job = bench.submit(clip)
    wait_until_in_second_segment(bench, job)
    frozen.send_signal(signal.SIGSTOP)
    other = bench.start_worker()
    done = bench.wait_until_final(job)
    result = list(bench.queue.frames(job.id))
    frozen.send_signal(signal.SIGCONT)
    other.terminate()
    other.wait()
    following = bench.wait_until_final(bench.submit(clip))
    assert following.state is JobState.SUCCEEDED
    assert bench.queue.get(job.id) == done
    assert list(bench.queue.frames(job.id)) == list(bench.queue.frames(following.id)) == result
    assert frozen.poll() is None


def test_jobs_run_in_the_order_of_their_submission(bench: Bench, clip: Path) -> None:
    jobs = [bench.submit(clip, every=8) for _ in range(3)]
    assert bench.queue.queue_depth() == 3
    bench.start_worker()
    done = [bench.wait_until_final(job) for job in jobs]
    starts = [job.started_at for job in done]
    assert starts == sorted(starts, key=str)
    assert bench.queue.queue_depth() == 0


def open_queue(database_url: str, data_dir: Path) -> None:
    JobQueue(database_url, FolderStore(data_dir)).close()


def test_processes_may_start_at_once_on_nothing(tmp_path: Path, database_url: str) -> None:
    data_dir = tmp_path / "data"
    log = tmp_path / "log"
    apis = [Forked(open_queue, database_url, data_dir, log=log) for _ in range(2)]
    worker = Forked(work, data_dir, database_url, log=log)
    try:
        assert [api.wait() for api in apis] == [0, 0], log.read_text()
        bench = Bench(data_dir, database_url)
        wait_for(lambda: len(bench.queue.workers()) == 1, "the worker")
        bench.close()
    finally:
        worker.terminate()
        assert worker.wait() == 0
