"""Clients that others generate of the OpenAPI document: they compile strictly, post and read."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests import tiny_model
from tests.processes import untraced
from tests.service.processes import Service, start
from tests.service.test_openapi import DOCUMENT
from tests.videos import picture, write_video

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "tests" / "generated"
GUIDE = (ROOT / "docs" / "guide.md").read_text()
EXAMPLE = ROOT / "docs" / "segment.ts"
ADDRESS = "http://127.0.0.1:8000"
USE_PYTHON = """
import sys
from pathlib import Path

from rotograph_client import AuthenticatedClient
from rotograph_client.api.files import get_coco_json, get_cvat_xml, get_overlay_mp4
from rotograph_client.api.jobs import get_job, get_job_result, list_jobs
from rotograph_client.api.segment import segment_video
from rotograph_client.models import Coco, Job, JobList, JobState, Problem, Result, VideoForm
from rotograph_client.models import VideoFormLabels, VideoFormMasks
from rotograph_client.types import File

client = AuthenticatedClient(base_url=sys.argv[1], token="none is needed")
with Path("bikes.mp4").open("rb") as file:
    form = VideoForm(file=File(file, "bikes.mp4"), masks=VideoFormMasks.NONE, actions=False)
    form.labels = VideoFormLabels.from_dict({"project": "bikes"})
    job = segment_video.sync(client=client, body=form, prefer="respond-async")
while isinstance(job, Job) and job.state in {JobState.QUEUED, JobState.RUNNING}:
    looked = get_job.sync(job.id, client=client, prefer="wait=20")
    assert isinstance(looked, Job)
    job = looked
assert isinstance(job, Job)
assert job.request.filename == "bikes.mp4"
result = get_job_result.sync(job.id, client=client)
coco = get_coco_json.sync(job.id, client=client)
overlay = get_overlay_mp4.sync(job.id, client=client, prefer="wait=60")
cvat = get_cvat_xml.sync(job.id, client=client)
listed = list_jobs.sync(client=client, label=["project:bikes"], state=[JobState.SUCCEEDED])
assert isinstance(result, Result)
assert isinstance(coco, Coco)
assert isinstance(overlay, File)
assert isinstance(cvat, str)
assert isinstance(listed, JobList)
assert overlay.payload.read()[4:8] == b"ftyp"
missing = get_job.sync("none", client=client)
assert isinstance(missing, Problem)
assert listed.total == len(listed.jobs)
assert result.id == job.id
print(len(result.frames), len(coco.images), len(listed.jobs), missing.type_)
"""


def block(language: str) -> str:
    """Return the guide's block in a language that only one has."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return str(found)


def run(command: Sequence[str | Path], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=untraced() | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    model = tiny_model.write_model(tmp_path_factory.mktemp("model") / "tiny.onnx")
    service = start(tmp_path_factory.mktemp("service"), model)
    service.wait_until_ready()
    yield service
    service.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the document and a video."""
    (tmp_path / "openapi.json").write_text(json.dumps(DOCUMENT))
    write_video(tmp_path / "bikes.mp4", [picture(n) for n in range(6)], rate=5)
    return tmp_path


def test_a_client_for_python_posts_a_video_and_reads_its_result(
    service: Service, folder: Path
) -> None:
    (folder / "config.yml").write_text(block("yaml"))
    generate = ["openapi-python-client", "generate", "--path", "openapi.json"]
    made = folder / "made"
    run([*generate, "--config", "config.yml", "--output-path", made, "--fail-on-warning"], folder)
    (made / "use.py").write_text(USE_PYTHON)
    run([sys.executable, "-m", "mypy", "--strict", "rotograph_client", "use.py"], made)
    shutil.copy(folder / "bikes.mp4", made)
    told = run([sys.executable, "use.py", str(service.client.base_url)], made)
    assert told == "6 6 1 /problems/job-not-found\n"


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm isn't installed")
def test_a_client_for_typescript_posts_a_video_and_reads_its_result(
    service: Service, folder: Path
) -> None:
    for file in GENERATED.iterdir():
        shutil.copy(file, folder)
    address = str(service.client.base_url).rstrip("/")
    (folder / "use.ts").write_text(EXAMPLE.read_text().replace(ADDRESS, address))
    run(["npm", "ci", "--no-audit", "--no-fund"], folder)
    generate = re.search(r"^npx (openapi-typescript) \S+ (.*)$", GUIDE, re.MULTILINE)
    assert generate
    programs = folder / "node_modules" / ".bin"
    run([programs / generate[1], "openapi.json", *generate[2].split()], folder)
    run([programs / "tsc", "--project", "."], folder)
    assert run(["node", "use.js"], folder) == "6 frames, tracks: [ 1 ]\n"
