"""The client as it is installed: the wheel alone, with httpx and NumPy, before the real app."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path

import pytest

from make_sync import CLIENT
from rotograph import __version__

UV = [sys.executable, "-m", "uv", "--quiet"]
LARGEST_BYTES = 100_000
IMPORT_ALL = """
import importlib, pkgutil, sys
import rotograph
for module in pkgutil.walk_packages(rotograph.__path__, "rotograph."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(rotograph.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*UV, "build", "--wheel", "--out-dir", folder, CLIENT], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment that holds the wheel and what it asks for; return its `bin`."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([*UV, "venv", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([*UV, "pip", "install", "--python", python, wheel], check=True)
    return python.parent


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a command of that environment in a folder where nothing of the repository is."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_it_holds_the_client_and_asks_for_httpx_and_numpy(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (described,) = [name for name in names if name.endswith("/METADATA")]
        metadata = Parser().parsestr(archive.read(described).decode())
    information = f"rotograph-{__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"rotograph", information}
    assert {"rotograph/py.typed", f"{information}/licenses/LICENSE"} <= set(names)
    assert (metadata["Name"], metadata["Version"]) == ("rotograph", __version__)
    asked = [each for each in metadata.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert [each.split(">")[0] for each in asked] == ["httpx", "numpy"]
    assert wheel.stat().st_size < LARGEST_BYTES


def test_all_of_it_is_imported_from_where_it_is_installed(
    environment: Path, tmp_path: Path
) -> None:
    found = run([environment / "python", "-I", "-c", IMPORT_ALL], tmp_path).strip()
    assert Path(found).is_relative_to(environment.parent)


def test_its_command_segments_a_video(
    environment: Path, service: str, clip: Path, tmp_path: Path
) -> None:
    rotograph = environment / "rotograph"
    assert run([rotograph, "--version"], tmp_path) == f"rotograph {__version__}\n"
    out = tmp_path / "out"
    asked = ["-o", str(out), "--overlay", "--format", "json", "--url", service]
    done = subprocess.run(
        [rotograph, "segment", clip, *asked],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads((out / "square.json").read_text())["tracks"]
    assert (out / "square.overlay.mp4").exists()
    assert "square.mp4: segmenting: 10 of 10 frames\n" in done.stderr  # tqdm isn't there
    assert "succeeded" in run([rotograph, "list", "--url", service], tmp_path)
