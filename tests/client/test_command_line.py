"""The command line before the real app: what it writes, where, and its exit status."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from jobs.values import JobFailure, JobState
from rotograph import Client, RetryPolicy, __version__
from rotograph.commands import main
from rotograph.commands.arguments import parser
from rotograph.commands.files import Files
from rotograph.commands.segment import Segment
from rotograph.options import Format, Options
from tests.client.flaky import Answer, Flaky
from tests.service.staging import StagedQueue

CLIENT = Path(__file__).parent.parent.parent / "client"


@pytest.fixture
def video(clip: Path, monkeypatch: pytest.MonkeyPatch, service: str) -> Path:
    """Give a clip, and the service by the environment."""
    monkeypatch.setenv("ROTOGRAPH_URL", service)
    return clip


def test_results_become_files(
    video: Path, queue: StagedQueue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    options = ["--instances", "components", "--no-actions", "--priority", "low", "--masks", "none"]
    options += ["--start", "0.1", "--end", "0.3", "--every", "2", "--threshold", "0.4"]
    formats = ["--format", "json", "--format", "ndjson", "--overlay"]
    assert main(["segment", str(video), "-o", str(out), *options, *formats]) == 0
    names = ["square.json", "square.ndjson", "square.overlay.mp4"]
    assert sorted(path.name for path in out.iterdir()) == names
    ((job_id, job),) = queue.jobs.items()
    asked = job.request
    assert (asked.instances, asked.actions, asked.priority) == ("components", False, "low")
    assert (asked.start_s, asked.end_s, asked.every) == (0.1, 0.3, 2)
    assert (asked.threshold, asked.masks) == (0.4, "none")
    told = capsys.readouterr()
    assert f"{job.frames_total} frames, job {job_id}" in told.out
    assert f"Wrote {out / 'square.ndjson'}" in told.out
    assert "uploading" in told.err
    assert "segmenting" in told.err


def test_a_long_name_is_shortened(video: Path, tmp_path: Path) -> None:
    clip = tmp_path / ("\u5b57" * 83 + ".mp4")  # 253 bytes, of 255 that there may be
    clip.write_bytes(video.read_bytes())
    out = tmp_path / "out"
    assert main(["segment", str(clip), "-o", str(out), "--format", "json", "--overlay"]) == 0
    short = "\u5b57" * 66
    assert sorted(path.name for path in out.iterdir()) == [f"{short}.json", f"{short}.overlay.mp4"]


def test_json_is_one_object_a_video(
    video: Path, tmp_path: Path, queue: StagedQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    wrong = tmp_path / "wrong.mp4"
    wrong.write_text("no video")
    out = tmp_path / "out"
    assert main(["segment", str(video), str(wrong), str(other), "-o", str(out), "--json"]) == 3
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert [first["id"], third["id"]] == list(queue.jobs)
    assert first == {
        "source": str(video),
        "id": first["id"],
        "frames": 10,
        "copied_from": None,
        "files": [str(out / "square.json")],
        "error": None,
    }
    assert (second["id"], second["files"]) == (None, [])
    assert second["error"]["type"] == "/problems/not-a-video"
    assert third["files"] == [str(out / "other.json")]


def test_results_are_called_as_the_service_calls_them(
    service: str, clip: Path, tmp_path: Path
) -> None:
    with Client(service) as client:
        job = client.submit(clip)
        for form in get_args(Format):
            if form in {"json", "ndjson"}:  # which the service doesn't name
                continue
            named = client.download(job, form, tmp_path)
            assert Files(tmp_path, ()).target(str(clip), form) == named


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required"),
        (["missing.mp4"], "must be the path or the URL of a video, got 'missing.mp4'."),
        (["https://a.org/1.mp4", "https://b.org/1.mp4"], "would both be 1.json"),
        (["https://a.org/1.mp4", "--format", "gif"], "invalid choice: 'gif'"),
        (["https://a.org/1.mp4", "--url", "ftp://b"], "got 'ftp://b'"),
        (["https://a.org/1.mp4", "--start", "soon"], "invalid float value: 'soon'"),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["segment", *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_files_are_replaced_only_where_that_is_said(
    video: Path, queue: StagedQueue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "square.json"
    file.write_text("mine")
    with pytest.raises(SystemExit) as ended:
        main(["segment", str(video), "-o", str(tmp_path)])
    assert ended.value.code == 2
    assert f"{file} is there already; --overwrite replaces it." in capsys.readouterr().err
    assert (file.read_text(), queue.jobs) == ("mine", {})
    assert main(["segment", str(video), "-o", str(tmp_path), "--overwrite"]) == 0
    assert json.loads(file.read_text())["tracks"]


def test_a_job_that_fails_is_1(
    video: Path, queue: StagedQueue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.outcome = JobState.FAILED
    queue.failure = JobFailure("BrokenVideo", "Frame 7 can't be decoded.")
    assert main(["segment", str(video), "-o", str(tmp_path)]) == 1
    assert "Frame 7" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_1(video: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main(["segment", str(video), "-o", str(tmp_path / "file")]) == 1


def test_a_service_that_is_not_there_is_3_at_once(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = str(clip), "https://example.org/b.mp4"
    segment = Segment(sources, Files(tmp_path, ("json",)), as_json=True)
    with Client("http://127.0.0.1:1", retry_policy=RetryPolicy(attempts=2, first_s=0.01)) as client:
        assert segment(client) == 3
    (line,) = capsys.readouterr().out.splitlines()
    assert "Tried http://127.0.0.1:1/segment 2 times" in json.loads(line)["error"]["detail"]


def test_the_key_is_taken_from_the_environment(
    between: Flaky, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"type": "/problems/key-unknown", "title": "T", "status": 401, "detail": "D"}'
    between.fates = [Answer(401, {"Content-Type": "application/problem+json"}, body)]
    monkeypatch.setenv("ROTOGRAPH_KEY", "rotograph_secret")
    assert main(["segment", str(video), "-o", str(tmp_path), "--url", between.url]) == 3
    assert between.requests[0][2]["authorization"] == "Bearer rotograph_secret"


def test_every_option_of_the_api_can_be_given() -> None:
    given = vars(parser().parse_args(["segment", "a.mp4"]))
    assert [name for name in Options.__annotations__ if name not in given] == []


def test_a_job_is_left_and_its_result_had_later(
    video: Path, queue: StagedQueue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(video), "--no-wait", "--fresh"]) == 0
    ((job_id, _),) = queue.jobs.items()
    assert capsys.readouterr().out == f"{video}: job {job_id}\n"
    assert [fresh for _, fresh in queue.hashes] == [True]
    assert main(["result", job_id, "-o", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["files"]) == (job_id, [str(tmp_path / "square.json")])
    assert main(["result", job_id, "-o", str(tmp_path)]) == 2
    assert "square.json is there already; --overwrite" in capsys.readouterr().err
    assert main(["result", job_id, "-o", str(tmp_path), "--overwrite", "--format", "json"]) == 0


def test_jobs_are_shown_listed_and_canceled(
    video: Path, queue: StagedQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.outcome = JobState.RUNNING
    for _ in range(3):
        assert main(["segment", str(video), "--no-wait", "--fresh"]) == 0
    first, *others = queue.jobs
    queue.change(first, frames_done=4)
    capsys.readouterr()
    assert main(["status", first, "missing", "--json"]) == 3
    told = capsys.readouterr()
    shown = json.loads(told.out)
    assert (shown["id"], shown["state"]) == (first, "running")
    assert (shown["frames_done"], shown["frames_total"]) == (4, 10)
    assert "missing: " in told.err
    assert main(["cancel", first]) == 0
    assert re.match(rf"{first}  canceled +4/10  .*  square\.mp4\n", capsys.readouterr().out)
    assert main(["list", "--state", "running"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in listed) == sorted(others)
    assert main(["list", "--limit", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_jobs_are_found_by_labels_and_time_and_deleted(
    video: Path, queue: StagedQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("cat", "dog"):
        labels = ["--label", f"kind={kind}", "--label", "by=ada = bob"]
        assert main(["segment", str(video), "--no-wait", "--fresh", *labels]) == 0
    cat, dog = queue.jobs
    assert queue.jobs[cat].request.labels == {"kind": "cat", "by": "ada = bob"}
    capsys.readouterr()

    def listed(*arguments: str) -> list[str]:
        assert main(["list", "--json", *arguments]) == 0
        return [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]

    assert listed("--label", "kind=cat") == [cat]
    assert listed("--state", "failed", "--state", "succeeded") == [dog, cat]
    assert listed("--after", "2020-01-01", "--label", "by=ada = bob") == [dog, cat]
    assert listed("--before", "2020-01-01") == []
    assert main(["delete", cat, "missing"]) == 3
    assert re.match(rf"{cat}  succeeded ", capsys.readouterr().out)
    assert list(queue.jobs) == [dog]
    with pytest.raises(SystemExit):
        main(["list", "--label", "cat"])
    assert "must be NAME=VALUE, got 'cat'" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"rotograph {__version__}\n")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let child processes take SIGINT, which those of shells in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_cancels_the_job(video: Path, queue: StagedQueue, tmp_path: Path) -> None:
    queue.outcome = JobState.RUNNING
    command = [sys.executable, "-m", "rotograph", "segment", str(video), "-o", str(tmp_path)]
    with subprocess.Popen(command, cwd=CLIENT, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        seen = b""
        while b"segmenting" not in seen and (block := process.stderr.read(1)):
            seen += block
        process.send_signal(signal.SIGINT)
        told = process.stderr.read().decode()
        assert process.wait(timeout=60) == 130
    ((job_id, job),) = queue.jobs.items()
    assert job.state is JobState.CANCELED
    assert f"Interrupted: canceled job {job_id} after 0 of 10 frames." in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
