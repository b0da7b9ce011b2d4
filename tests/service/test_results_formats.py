"""The result of a job in each format, over HTTP."""

import json
from functools import partial

import httpx
import pytest
from pycocotools import mask as coco_mask

from formats.catalogue import TEXT_FORMATS, TextFormat
from formats.result import Result
from jobs.values import JobRequest, JobState
from service.formats import Coco, Ytvis
from tests.service.posting import assert_problem
from tests.service.staging import StagedQueue
from tests.service.test_jobs import NDJSON, add


def test_format_goes_before_accept(url: str, queue: StagedQueue) -> None:
    result = f"{url}/jobs/{add(queue, JobState.SUCCEEDED).id}/result"
    whole, lines = httpx.get(result), httpx.get(result, headers=NDJSON)
    assert httpx.get(f"{result}?format=json", headers=NDJSON).content == whole.content
    assert httpx.get(f"{result}?format=ndjson").content == lines.content


def test_lines_by_name_come_while_the_job_runs(url: str, queue: StagedQueue) -> None:
    job = add(queue, JobState.RUNNING)
    result = f"{url}/jobs/{job.id}/result?format=ndjson"
    with httpx.stream("GET", result, timeout=20) as answer:
        lines = answer.iter_lines()
        queue.change(job.id, frames_done=1)
        assert json.loads(next(lines))["index"] == 0
        queue.change(job.id, state=JobState.SUCCEEDED)


def test_coco_and_ytvis_hold_what_json_does(url: str, queue: StagedQueue) -> None:
    job = f"{url}/jobs/{add(queue, JobState.SUCCEEDED).id}"
    frames = httpx.get(f"{job}/result").json()["frames"]
    masks = [coco_mask.decode(each["objects"][0]["segmentation"]) for each in frames]
    answer = httpx.get(f"{job}/files/coco.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.coco.json"'
    coco = Coco.model_validate(answer.json())
    assert [image.frame_index for image in coco.images] == list(range(10))
    tracks = Ytvis.model_validate(httpx.get(f"{job}/files/ytvis.json").json()).annotations
    for index, mask in enumerate(masks):
        assert mask.sum() == 12
        packed, plain = coco.annotations[index].segmentation, tracks[0].segmentations[index]
        assert packed is not None
        assert plain is not None
        assert (coco_mask.decode(packed.model_dump()) == mask).all()
        repacked = coco_mask.frPyObjects(plain.model_dump(), *plain.size)
        assert (coco_mask.decode(repacked) == mask).all()


@pytest.mark.parametrize(("name", "form"), TEXT_FORMATS.items())
def test_each_format_has_its_type_and_name(
    url: str, queue: StagedQueue, name: str, form: TextFormat
) -> None:
    job = add(queue, JobState.SUCCEEDED, request=JobRequest(filename="dög 1.mp4"))
    answer = httpx.get(f"{url}/jobs/{job.id}/files/{name}")
    assert answer.headers["Content-Type"].split(";")[0] == form.media_type
    disposition = f"attachment; filename*=UTF-8''d%C3%B6g%201.{name}"
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.text == "".join(
        form.write(
            Result.of(queue.result_summary(job.id), "dög 1.mp4", partial(queue.frames, job.id))
        )
    )


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_a_format_waits_for_the_end_of_the_job(url: str, queue: StagedQueue, name: str) -> None:
    running, canceled = add(queue, JobState.RUNNING), add(queue, JobState.CANCELED)
    answer = httpx.get(f"{url}/jobs/{running.id}/files/{name}")
    assert_problem(answer, 425, "job-not-finished", "running")
    assert answer.headers["Retry-After"] == "1"
    answer = httpx.get(f"{url}/jobs/{canceled.id}/files/{name}")
    assert_problem(answer, 410, "job-canceled", "after 0 of 10 frames")
    answer = httpx.get(f"{url}/jobs/{'0' * 32}/files/{name}")
    assert_problem(answer, 404, "job-not-found", "0" * 32)


@pytest.mark.parametrize("name", [n for n, each in TEXT_FORMATS.items() if each.needs_masks])
def test_a_format_that_needs_masks_says_so(url: str, queue: StagedQueue, name: str) -> None:
    job = add(queue, JobState.SUCCEEDED, request=JobRequest(filename="a.mp4", masks="none"))
    answer = httpx.get(f"{url}/jobs/{job.id}/files/{name}")
    assert_problem(answer, 409, "job-has-no-masks", f"{name} needs a job with masks=rle")


def test_another_format_is_refused(url: str, queue: StagedQueue) -> None:
    result = f"{url}/jobs/{add(queue, JobState.SUCCEEDED).id}/result"
    for name in ("yolo", "coco"):
        answer = httpx.get(f"{result}?format={name}")
        wanted = "format must be json or ndjson; other formats are files"
        assert_problem(answer, 422, "invalid-request", wanted)
