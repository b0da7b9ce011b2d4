"""The service where nothing is but what it is served from: its packages and its requirements."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.schemas import Result
from tests.deployment.served import MODEL, ROOT, served_packages
from tests.service.conftest import write_clip
from tests.service.processes import start


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment that holds the serving requirements only."""
    environment = tmp_path_factory.mktemp("environment")
    requirements = ROOT / "requirements" / "serving-cpu.txt"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    interpreter = environment / "bin" / "python"
    subprocess.run([*uv, "venv", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [*uv, "pip", "install", "--python", interpreter, "--requirements", requirements],
        check=True,
    )
    return interpreter


@pytest.mark.parametrize(
    ("device", "provider"), [("cpu", "CPUExecutionProvider"), ("openvino", "OpenVINO CPU f32")]
)
def test_a_video_is_segmented_with_the_serving_requirements_only(
    python: Path, tmp_path: Path, device: str, provider: str
) -> None:
    root = tmp_path / "root"
    for package in served_packages():
        shutil.copytree(ROOT / package, root / package)
    clip = write_clip(tmp_path / "clip.mp4")
    service = start(tmp_path, ROOT / MODEL, python=python, root=root, ROTOGRAPH_DEVICE=device)
    ready = service.wait_until_ready()
    assert [worker.provider for worker in ready.workers] == [provider]
    answer = service.post(clip.read_bytes())
    assert answer.status_code == 200, answer.text
    assert len(Result.model_validate(answer.json()).frames) == 10
    overlay = f"{answer.headers['Location']}/files/overlay.mp4"
    drawn = service.client.get(overlay, headers={"Prefer": "wait=60"})
    assert drawn.status_code == 200, drawn.text
    service.stop()
