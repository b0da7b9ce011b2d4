"""The examples of README and the docs, run as they stand before a real service."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import tiny_model
from tests.processes import untraced
from tests.raw_server import RawServer
from tests.service.processes import start
from tests.videos import picture, write_video

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/guide.md", "docs/client.md")
COMMANDS = {
    "sh": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
}
# Commands that set up, start or test all of it: other tests do.
NOT_RUN = "make demo"

PARTS = re.compile(r"^```(\w*)\n(.*?)^```$|^#+ ([^\n]*)$", re.DOTALL | re.MULTILINE)

FRAMES = 25
ALL = rf"\b{FRAMES} frames"
EACH = r"(?s)\A.*\b0\b.*\n.*\b2\b.*\n.*\b24\b"
PROBLEM = r"/problems/invalid-request.*threshold must be less than 1, got 2"
FILES = r"(?s)bikes\.coco\.json\n.*bikes\.overlay\.mp4\n"
# What the output of the examples under a heading has, by language where they differ.
PROMISES: dict[str, str | dict[str, str]] = {
    "README.md Quick start": r'(?s)"id": ?"\w{32}"',
    "docs/guide.md Segment a short video": {
        "sh": r'"tracks": \[\{"id": 1,.*"index":24,"time_s":4\.8,"objects":\[\{"track":1,"score"',
        "python": rf"{ALL}, tracks: \[1\]",
    },
    "docs/guide.md Read masks": r"(?m)^2\.4 1 \(.*\) \d+$",
    "docs/guide.md Follow a long one": {
        "sh": r"(?s)event: succeeded\n.*\nbikes\.json\n",
        "python": rf"(?s){FRAMES} of {FRAMES}\n.*{ALL}",
    },
    "docs/guide.md Read frames while they are found": EACH,
    "docs/guide.md Download a result": FILES,
    "docs/guide.md Have a video fetched": r'"index":20,"time_s":4\.0',
    "docs/guide.md Meet an error": PROBLEM,
    "docs/guide.md Cancel and delete": r"(?s)(canceled|succeeded).*\n204\n",
    "docs/guide.md Send again safely": r"\A(http://127.0.0.1:\d+/jobs/\w{32})\n\1\n\Z",
    "docs/client.md The client for Python": r"(?m)^24 \[\(.*\)\]$",
    "docs/client.md supervision": rf"\b{FRAMES} frames",
    "docs/client.md asyncio": rf"\[{FRAMES}, {FRAMES}\]",
    "docs/client.md Command line": r"(?s)Wrote out/bikes\.ytvis\.json\nWrote out/bikes\.overlay\."
    r'mp4.*Wrote out/holiday\.overlay\.mp4.*"frames": 13,.*"files": \["dog\.json"\]',
}


@dataclass(frozen=True)
class Example:
    """A block of code, with its page and the heading that it stands under."""

    heading: str
    language: str
    code: str

    def promise(self) -> str:
        """Return what its output must have."""
        promised = PROMISES[self.heading]
        return promised if isinstance(promised, str) else promised[self.language]


def examples() -> list[Example]:
    """Return the examples of all pages, in order."""
    found = []
    for page in PAGES:
        heading = ""
        for match in PARTS.finditer((ROOT / page).read_text()):
            heading = match[3] or heading
            if match[1] in COMMANDS and NOT_RUN not in match[2]:
                found.append(Example(f"{page} {heading}", match[1], match[2]))
    return found


@dataclass(frozen=True)
class Stage:
    """Where examples run: a folder with the videos that they name, and what replaces texts."""

    folder: Path
    substitutes: dict[str, str]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run one service for all examples, and a server that has the video of their URL."""
    folder = tmp_path_factory.mktemp("examples")
    model = tiny_model.write_model(tmp_path_factory.mktemp("model") / "tiny.onnx")
    bikes = write_video(folder / "bikes.mp4", [picture(n) for n in range(FRAMES)], rate=5)
    shutil.copy(bikes, folder / "film.mp4")
    write_video(folder / "holiday.mov", [picture(n) for n in range(8)], rate=5)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % bikes.stat().st_size
    server = RawServer(head + bikes.read_bytes())
    data = tmp_path_factory.mktemp("service")
    service = start(data, model, ROTOGRAPH_OUTBOUND_ALLOW="127.0.0.1")
    service.wait_until_ready()
    job = service.client.post(
        "/segment", files={"file": ("film.mp4", bikes.read_bytes())}, headers={"Prefer": "wait=60"}
    ).json()["id"]
    yield Stage(
        folder,
        {
            "http://127.0.0.1:8000": str(service.client.base_url).rstrip("/"),
            "https://example.org": f"http://127.0.0.1:{server.port}",
            "/jobs/ID": f"/jobs/{job}",
        },
    )
    service.stop()
    server.close()


@pytest.mark.parametrize("example", examples(), ids=lambda each: f"{each.heading}-{each.language}")
def test_an_example_does_what_it_says(stage: Stage, example: Example) -> None:
    command = COMMANDS[example.language]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} isn't installed")
    code = example.code
    for stands, runs in stage.substitutes.items():
        code = code.replace(stands, runs)
    service = stage.substitutes["http://127.0.0.1:8000"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, code],
        cwd=stage.folder,
        env=untraced()
        | {"PATH": path, "PYTHONPATH": str(ROOT / "client"), "ROTOGRAPH_URL": service},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(example.promise(), done.stdout), done.stdout + done.stderr


def test_every_promise_is_of_an_example() -> None:
    assert set(PROMISES) == {example.heading for example in examples()}
