"""The whole service as its users run it: `python -m service`, a real model file, real requests."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.media.decode import scan
from pipeline.values import VideoLimits
from service import schemas
from service.schemas import Result
from tests.service.conftest import write_clip
from tests.service.posting import wait_until
from tests.service.processes import Service, start
from tests.service.test_metrics import scrape, value
from tests.tiny_model import write_model

WEIGHTS = Path(__file__).parents[2] / "weights" / "default.onnx"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    service = start(folder, write_model(folder / "tiny.onnx"), ROTOGRAPH_LOG_FORMAT="json")
    service.wait_until_ready()
    yield service
    service.stop()


def test_a_posted_video_comes_back_with_its_objects(service: Service, clip: Path) -> None:
    ready = service.wait_until_ready()
    assert [worker.provider for worker in ready.workers] == ["CPUExecutionProvider"]
    assert [worker.sandbox_lacks for worker in ready.workers] == [ready.sandbox_lacks]
    answer = service.post(clip.read_bytes(), instances="components")
    assert answer.status_code == 200, answer.text
    result = Result.model_validate(answer.json())
    assert [frame.index for frame in result.frames] == list(range(10))
    assert [(track.id, track.start, track.stop) for track in result.tracks] == [(1, 0, 10)]
    for frame in result.frames:  # the square is at 3 pixels a frame, 16 pixels wide
        (found,) = frame.objects
        assert found.track == 1
        for got, wanted in zip(found.box, (3 * frame.index, 16, 16, 16), strict=True):
            assert abs(got - wanted) <= 3
    job = schemas.Job.model_validate(service.client.get(answer.headers["Location"]).json())
    assert (job.state, job.progress.frames_done, job.problem) == ("succeeded", 10, None)


def test_lines_and_json_agree_and_delete_removes_all(service: Service, clip: Path) -> None:
    answer = service.post(clip.read_bytes(), masks="none", every="3")
    job = answer.headers["Location"]
    accept = {"Accept": "application/x-ndjson"}
    lines = service.client.get(f"{job}/result", headers=accept).text.splitlines()
    assert [json.loads(line) for line in lines] == answer.json()["frames"]
    assert [schemas.Frame.model_validate_json(line).index for line in lines] == [0, 3, 6, 9]
    assert "segmentation" not in answer.text
    assert service.client.delete(job).status_code == 204
    assert service.client.get(job).status_code == 404
    folder = service.log.parent / "data"
    assert not list(folder.rglob(f"*{job.rpartition('/')[2]}*"))


def test_a_job_is_followed_by_its_events(service: Service, clip: Path) -> None:
    answer = service.client.post(
        "/segment", files={"file": clip.read_bytes()}, headers={"Prefer": "respond-async"}
    )
    events = service.client.get(f"{answer.headers['Location']}/events").text.split("\n\n")
    assert events[0].startswith("event: progress\n")
    assert 'event: frames\ndata: {"start":0,"stop":10}\n' in events[-3]
    assert events[-2].startswith("event: succeeded\n")
    assert events[-1] == ""


def test_a_job_shows_in_the_metrics_of_its_worker(service: Service, clip: Path) -> None:
    before = scrape(service.worker_metrics)
    assert service.post(clip.read_bytes()).status_code == 200
    assert service.post(b"not a video").status_code == 422  # never becomes a job
    after = scrape(service.worker_metrics)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("rotograph_frames_total") == 10
    assert more("rotograph_jobs_ended_total", state="succeeded") == 1
    assert more("rotograph_jobs_ended_total", state="failed") == 0
    for stage, times in {"decode": 2, "infer": 2, "postprocess": 10, "link": 1}.items():
        assert more("rotograph_stage_duration_seconds_count", stage=stage) == times
        assert more("rotograph_stage_duration_seconds_sum", stage=stage) > 0
    ready = service.wait_until_ready().workers[0]
    runs = {name: getattr(ready, name) for name in ("device", "provider", "model", "model_version")}
    assert value(after, "rotograph_worker_info", **runs) == 1
    assert value(scrape(str(service.client.base_url)), "rotograph_workers_by_model", **runs) == 1


def test_a_request_is_found_in_the_log_of_api_and_worker(service: Service, clip: Path) -> None:
    files = {"file": clip.read_bytes()}
    headers = {"X-Request-ID": "find-me", "Prefer": "wait=60", "Cache-Control": "no-cache"}
    answer = service.client.post("/segment", files=files, headers=headers)
    assert answer.status_code == 200, answer.text

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in service.log.read_text().split("\n")[:-1]]

    def found() -> list[dict[str, Any]]:
        return [line for line in lines() if line.get("request_id") == "find-me"]

    wanted = {("api", "request"), ("worker", "took up a segment"), ("worker", "job finished")}
    # They are written when the client may have its answer already.
    wait_until(lambda: {(line["process_name"], line["event"]) for line in found()} >= wanted)
    job = answer.headers["Location"].rpartition("/")[2]
    about = [line for line in lines() if (line.get("job"), line["process_name"]) == (job, "worker")]
    assert [line for line in about if line["request_id"] != "find-me"] == []
    (request,) = (line for line in found() if line["event"] == "request")
    assert (request["level"], request["status"]) == ("info", 200)


def test_the_video_comes_back_with_its_objects_drawn(
    service: Service, clip: Path, tmp_path: Path
) -> None:
    job = service.post(clip.read_bytes()).headers["Location"]
    headers = {"Prefer": "wait=60"}
    drawn = service.client.get(f"{job}/files/overlay.mp4", headers=headers)
    assert drawn.status_code == 200, drawn.text
    file = tmp_path / "overlay.mp4"
    file.write_bytes(drawn.content)
    limits = VideoLimits(max_pixels=10**6, max_frames=100, max_duration_s=10)
    assert scan(file, limits).info.frame_count == 10


def test_bad_input_is_refused_and_the_next_request_is_served(
    service: Service, clip: Path, sound: Path, tmp_path: Path
) -> None:
    whole = clip.read_bytes()
    long = write_clip(tmp_path / "long.mp4", frame_count=501, width=32, height=32).read_bytes()
    cases: list[tuple[bytes, dict[str, str], int]] = [
        (b"", {}, 422),
        (b"not a video", {}, 422),
        (b"#EXTM3U\n#EXTINF:9,\nfile:///etc/hostname\n", {}, 422),
        (b"ffconcat version 1.0\nfile 'upload'\n", {}, 422),
        (sound.read_bytes(), {}, 422),
        (whole[: len(whole) // 2], {}, 422),
        (bytes(2**20 + 2**17), {}, 413),
        (long, {}, 413),
        (whole, {"threshold": "2"}, 422),
        (whole, {"color": "red"}, 422),
        (whole, {"start_s": "9"}, 422),
    ]
    for content, options, status in cases:
        answer = service.post(content, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"].endswith(".")
    assert list((service.log.parent / "data" / "uploads").iterdir()) == []
    assert service.post(whole).status_code == 200


def test_the_same_video_is_answered_from_the_first_result(service: Service, clip: Path) -> None:
    first = service.post(clip.read_bytes(), every="2").json()
    files = {"file": ("other.mp4", clip.read_bytes())}
    again = service.client.post("/segment", files=files, data={"every": "2"}).json()
    assert again == first | {"id": again["id"]}
    job = service.client.get(f"/jobs/{again['id']}").json()
    assert (job["copied_from"], job["request"]["filename"]) == (first["id"], "other.mp4")


def test_a_killed_worker_is_replaced_and_its_job_goes_on(service: Service, clip: Path) -> None:
    os.kill(service.children()["worker"], signal.SIGKILL)
    assert service.post(clip.read_bytes()).status_code == 200
    os.kill(service.children()["api"], signal.SIGKILL)
    service.wait_until_ready()
    assert len(service.client.get("/jobs").json()["jobs"]) > 0


def test_the_shipped_model_serves(tmp_path: Path, clip: Path) -> None:
    service = start(tmp_path, WEIGHTS)
    ready = service.wait_until_ready()
    answer = service.post(clip.read_bytes())
    assert answer.status_code == 200, answer.text
    result = Result.model_validate(answer.json())
    assert (result.model.name, result.model.version) == (
        ready.workers[0].model,
        ready.workers[0].model_version,
    )
    service.stop()
