"""Each profile of docker-compose.yml: brought up, given a video, killed in the middle of a job."""

import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.deployment.debian import BASE, POSTGRES, make_postgres_image
from tests.deployment.podman import ROOT, Podman
from tests.s3_server import S3Server, environment

API, WORKERS = "rotograph_api_1", ("rotograph_worker_1", "rotograph_worker_2")
CPU, GPU = "localhost/rotograph:cpu", "localhost/rotograph:gpu"
PATIENCE_S = 600.0
INTO_THE_JOB_S = 2.0


def segment(podman: Podman, video: Path) -> None:
    """Try the default service."""
    podman.build(CPU, ROOT, BASE, "--target", "cpu")
    with podman.compose({"IMAGE": CPU}) as url, httpx.Client(base_url=url) as client:
        wait_until_ready(client, workers=1)
        print("health check:", check_health(podman, "rotograph_segment_1"))
        print("under another name:", client.get("/jobs", headers={"Host": "a.example"}).status_code)
        kill_in_turn(podman, client, video, [("rotograph_segment_1",)])


def scale(podman: Podman, video: Path) -> None:
    """Try the API, two workers and PostgreSQL, with the files of jobs in their volume."""
    _scale(podman, video, {}, [WORKERS[:1], WORKERS, (API,), ("rotograph_postgres_1",)])


def store(podman: Podman, video: Path) -> None:
    """Try the same with the files of jobs in an object store, which runs beside the containers."""
    with S3Server("0.0.0.0") as server:
        url = server.new_url()
        found = environment(server.port, "host.containers.internal")
        _scale(podman, video, {"ROTOGRAPH_STORE_URL": url, **found}, [WORKERS[:1], WORKERS, (API,)])
        server.remove_bucket(url)  # it must be empty: all that was kept is deleted
    print("the bucket is empty")


def _scale(
    podman: Podman, video: Path, more: Mapping[str, str], victims: Sequence[Sequence[str]]
) -> None:
    podman.build(CPU, ROOT, BASE, "--target", "cpu")
    make_postgres_image(podman)
    settings = {
        "IMAGE": CPU,
        "POSTGRES_IMAGE": POSTGRES,
        "POSTGRES_PASSWORD": secrets.token_hex(32),
        **more,
    }
    running = podman.compose(
        settings, "api", "worker", profile="scale", options=("--scale", "worker=2")
    )
    with running as url, httpx.Client(base_url=url) as client:
        wait_until_ready(client, workers=2)
        print("health check:", check_health(podman, API))
        kill_in_turn(podman, client, video, victims)


def gpu(podman: Podman, video: Path) -> None:  # noqa: ARG001 - without a GPU no video is taken
    """Build the image for GPUs, import what it brings, and see it refuse to run without one."""
    podman.build(GPU, ROOT, BASE, "--target", "gpu")
    program = "import onnxruntime as o; o.preload_dlls(); print(o.__version__, o.get_device())"
    python = ("podman", "run", "--rm", "--entrypoint", "python", GPU, "-c", program)
    print("ONNX Runtime:", podman.run(*python).stdout.strip())
    command = ("podman", "run", "--rm", "--env", "ROTOGRAPH_ALLOW_ANONYMOUS=local", GPU)
    done = podman.run("sh", "-c", f"{' '.join(command)} 2>&1", check=False)
    print("without a GPU: status", done.returncode)
    print("\n".join(line for line in done.stdout.splitlines() if "refuse" in line))


def kill_in_turn(
    podman: Podman, client: httpx.Client, video: Path, victims: Sequence[Sequence[str]]
) -> None:
    """Kill containers during a job, in turn; hold the results against an undisturbed one."""
    expected = finish(client, post(client, video))
    print(f"undisturbed: {len(expected)} frames", flush=True)
    for containers in victims:
        same = kill_during_a_job(podman, client, video, containers) == expected
        print(f"result as undisturbed: {same}", flush=True)


def kill_during_a_job(
    podman: Podman, client: httpx.Client, video: Path, containers: Sequence[str]
) -> list[dict[str, Any]]:
    """Kill containers' first processes, wait until they are back, and return the job's frames."""
    job = post(client, video)
    wait_for(lambda: look(client, job)["state"] == "running", "a worker")
    time.sleep(INTO_THE_JOB_S)
    before = look(client, job)
    killed = {container: podman.process_of(container) for container in containers}
    for process in killed.values():
        os.kill(process, signal.SIGKILL)
    started = time.monotonic()
    names = " and ".join(containers)
    wait_for(
        lambda: all(podman.process_of(c) not in {0, was} for c, was in killed.items()),
        f"{names} to come back",
    )
    print(f"killed {names}, the job {before['state']}: back in", end=" ")
    print(f"{time.monotonic() - started:.1f} s,", end=" ", flush=True)
    return finish(client, job)


def check_health(podman: Podman, container: str) -> str:
    """Run the health check, which without systemd nobody else does."""
    done = podman.run("podman", "healthcheck", "run", container, check=False)
    return "healthy" if done.returncode == 0 else "unhealthy"


def wait_until_ready(client: httpx.Client, workers: int) -> None:
    """Wait until so many workers take up work; print what they are and lack."""
    wait_for(lambda: len(ready(client).get("workers", ())) == workers, f"{workers} workers")
    state = ready(client)
    providers = [worker["provider"] for worker in state["workers"]]
    lacks = [
        *state["sandbox_lacks"],
        *(lack for w in state["workers"] for lack in w["sandbox_lacks"]),
    ]
    print(f"ready: {providers}, sandbox lacks {lacks}", flush=True)


def ready(client: httpx.Client) -> dict[str, Any]:
    """Return what the service says of its readiness; nothing where it doesn't answer."""
    try:
        answer: dict[str, Any] = client.get("/readyz").json()
    except httpx.TransportError:
        return {}
    return answer


def post(client: httpx.Client, video: Path) -> str:
    """Make a job of a video, and return its address."""
    with video.open("rb") as file:
        answer = client.post(
            "/segment",
            files={"file": (video.name, file)},
            headers={"Prefer": "respond-async"},
            timeout=60,
        )
    return answer.raise_for_status().headers["Location"]


def look(client: httpx.Client, job: str) -> dict[str, Any]:
    """Return how a job stands; where the service doesn't answer, ask again."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer: dict[str, Any] = client.get(job).raise_for_status().json()
        except (httpx.TransportError, httpx.HTTPStatusError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return answer


def finish(client: httpx.Client, job: str) -> list[dict[str, Any]]:
    """Wait for a job's success, delete it, and return the frames of its result."""
    wait_for(lambda: look(client, job)["state"] not in {"queued", "running"}, f"the end of {job}")
    ended = look(client, job)
    if ended["state"] != "succeeded":
        raise RuntimeError(f"The job {ended['state']}: {ended['problem']}")
    frames: list[dict[str, Any]] = client.get(f"{job}/result").raise_for_status().json()["frames"]
    client.delete(job).raise_for_status()  # else the same request would get a copy of its result
    return frames


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {PATIENCE_S:g} s for {what}.")
        time.sleep(0.2)
