"""Which process a job's processor time goes to: `python -m benchmarks.processes VIDEO`."""

import argparse
from collections import Counter
from pathlib import Path

import httpx
import psutil

from benchmarks.served import our_service, post_job
from pipeline.network.graph import DEVICES

# What a command line has in it, and what that process is.
_KINDS = {"service api": "API", "service worker": "worker", "decoder_process": "decoders"}


def main() -> None:
    """Post a video once to warm up and then again, and print the time of each kind of process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    parser.add_argument("--device", choices=("auto", *DEVICES), default="auto")
    parser.add_argument("--jobs", type=int, default=3, help="in a row; default: 3")
    arguments = parser.parse_args()
    with (
        our_service(arguments.model, arguments.device) as served,
        httpx.Client(base_url=served.url, timeout=None) as client,
    ):
        post = post_job()
        post(client, arguments.video)
        before = cpu_s(served.process)
        for _ in range(arguments.jobs):
            post(client, arguments.video)
        spent = cpu_s(served.process)
        spent.subtract(before)
    for kind, seconds in spent.most_common():
        print(f"{kind:10} {seconds / arguments.jobs:6.2f} s of processor time a job")


def cpu_s(service: psutil.Process) -> Counter[str]:
    """Return the processor time of a service's processes so far, those that ended too."""
    spent: Counter[str] = Counter()
    for process in (service, *service.children(recursive=True)):
        line, times = " ".join(process.cmdline()), process.cpu_times()
        kind = next((kind for part, kind in _KINDS.items() if part in line), "supervisor")
        spent[kind] += times.user + times.system
        # The API and the worker start nothing but decoders.
        spent["decoders"] += times.children_user + times.children_system
    return spent


if __name__ == "__main__":
    main()
