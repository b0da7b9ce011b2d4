"""Measures this service and what one would write instead, by turns: `python -m benchmarks`."""

import argparse
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import httpx

from benchmarks import report
from benchmarks.clients import crowd
from benchmarks.contestants import InProcess, StageTimes, measured
from benchmarks.devices import on_each_device
from benchmarks.inputs import FPS, repeat_video, write_video
from benchmarks.litserve_app import Masks
from benchmarks.results import BARE, LITSERVE, LongRun, Results, Run, about
from benchmarks.served import Post, Served, litserve, our_service, post_job, post_to_litserve
from pipeline.errors import ProviderError
from pipeline.network.graph import DEVICES, Device
from pipeline.network.infer import Session, load

CPU_DEVICES: tuple[Device, ...] = ("cpu", "openvino", "openvino-bf16")
JOBS = {"job, masks only": post_job(actions="false"), "job": post_job()}
# It is compared with nothing, so that once will do.
BEST = {"job, best": post_job(quality="best")}
SHORT_S = 2
CROWD_S = 1
CROWD_CLIPS = 8
PART_S = 10


class Bench:
    """One measurement: what is measured takes turns in each of the repeats.

    Servers are started anew for each, so that none runs beside another.
    """

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments = arguments
        self._model: Path = arguments.model
        self._folder = folder
        sizes = [tuple(map(int, size.split("x"))) for size in arguments.sizes]
        self._videos = {
            f"{width}x{height}": write_video(
                folder / f"{width}x{height}.mp4", height, width, arguments.seconds
            )
            for width, height in sizes
        }
        width, height = sizes[0]
        self._short = write_video(folder / "short.mp4", height, width, SHORT_S)
        self._crowded = write_video(folder / "crowd.mp4", height, width, CROWD_S)
        self._sessions = dict(_sessions(self._model, arguments.devices))
        spec = next(iter(self._sessions.values())).spec
        self._started = time.monotonic()
        self.results = Results(about(f"{spec.name} {spec.version}"))

    def measure(self) -> None:
        """Measure everything as often as is wanted; what is measured is stored at once."""
        self.results.devices = on_each_device(self._model, self._sessions)
        for repeat in range(self._arguments.repeats):
            self._measure_in_process()
            peer = {LITSERVE: post_to_litserve}
            self._measure_server(LITSERVE, litserve(self._model), peer, {}, first=repeat == 0)
            for device in self._sessions:
                jobs, best = (
                    {f"{name}, {device}": post for name, post in posts.items()}
                    for posts in (JOBS, BEST)
                )
                service = our_service(self._model, device)
                self._measure_server(f"ours, {device}", service, jobs, best, first=repeat == 0)
        for minutes in self._arguments.minutes:
            it = self.results.long[f"{minutes:g}"] = self._measure_long(minutes)
            self._tell(f"{minutes:g} minutes: {it.run.fps:.1f} frames/s, {it.peak_mib:.0f} MiB")

    def _measure_in_process(self) -> None:
        plain = Masks(str(self._model))
        plain.setup("cpu")
        for size, path in self._videos.items():
            video = InProcess(path, next(iter(self._sessions.values())))
            runs = {"plain ONNX Runtime": partial(video.plain, plain.predict)}
            stages = {f"pipeline, {device}": StageTimes() for device in self._sessions}
            for device, session in self._sessions.items():
                runs[f"{BARE}, {device}"] = partial(video.bare, session)
                name = f"pipeline, {device}"
                runs[name] = partial(video.pipeline, session, stages[name])
            for name, run in runs.items():
                cost = measured(run)
                stage_s = dict(stages[name].cpu_s) if name in stages else {}
                self._note(size, name, Run(video.frames, cost, stage_s))

    def _measure_server(
        self,
        name: str,
        server: AbstractContextManager[Served],
        posts: Mapping[str, Post],
        once: Mapping[str, Post],
        *,
        first: bool,
    ) -> None:
        """Measure a server with each kind of post, those `once` in the first repeat only."""
        with server as served, httpx.Client(base_url=served.url, timeout=None) as client:
            self.results.start_s.setdefault(name, []).append(served.start_s)
            self._tell(f"{name}: ready after {served.start_s:.1f} s")
            usual = next(iter(posts.values()))
            usual(client, self._crowded)  # the first run of a session is slow
            for number, (size, video) in enumerate(self._videos.items()):
                for what, post in {**posts, **(once if first and number == 0 else {})}.items():
                    cost = measured(partial(post, client, video), served.cpu_s)
                    self._note(size, what, Run(round(self._arguments.seconds * FPS), cost))
            for _ in range(self._arguments.shorts):
                for what, post in posts.items():
                    cost = measured(partial(post, client, self._short), served.cpu_s)
                    self.results.short_s.setdefault(what, []).append(cost.seconds)
                    self._tell(f"{what}: {SHORT_S} s clip in {cost.seconds:.2f} s")
            self.results.memory_mib.setdefault(name, []).append(served.peak_memory_mib())
            for clients in self._arguments.clients if first else ():
                clips = max(1, CROWD_CLIPS // clients)
                fared = crowd(served, usual, self._crowded, clients, clips)
                self.results.crowds.setdefault(name, []).append(fared)
                self._tell(f"{name}: {clients} clients, {fared.clips_per_s:.2f} clips/s")

    def _measure_long(self, minutes: float) -> LongRun:
        """Run a job of 640x360 on the fastest device, by a fresh worker."""
        device = min(self._sessions, key=lambda device: self.results.devices[device].clip_ms)
        part = write_video(self._folder / "part.mp4", 360, 640, PART_S)
        video = repeat_video(self._folder / "long.mp4", part, round(60 * minutes / PART_S))
        with (
            our_service(self._model, device) as served,
            httpx.Client(base_url=served.url, timeout=None) as client,
        ):
            cost = measured(partial(post_job(), client, video), served.cpu_s)
            return LongRun(Run(round(60 * minutes * FPS), cost), served.peak_memory_mib())

    def _note(self, size: str, name: str, run: Run) -> None:
        self.results.runs.setdefault(size, {}).setdefault(name, []).append(run)
        self._tell(f"{size} {name}: {run.fps:.1f} frames/s, {run.cost.cpu_s:.1f} s of processor")

    def _tell(self, found: str) -> None:
        report.store(self.results, self._arguments.to)
        print(f"{(time.monotonic() - self._started) / 60:6.1f} min  {found}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("weights/default.onnx"))
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=CPU_DEVICES)
    parser.add_argument("--sizes", nargs="+", default=("640x272", "640x360", "1280x720"))
    parser.add_argument("--seconds", type=float, default=10, help="of each video; default: 10")
    parser.add_argument("--repeats", type=int, default=3, help="default: 3")
    parser.add_argument("--shorts", type=int, default=5, help="2 s clips a repeat; default: 5")
    parser.add_argument(
        "--clients", type=int, nargs="*", default=(1, 4, 16, 64), help="default: 1 4 16 64"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="*",
        default=(),
        help="of long videos, for their memory: once each, at the end",
    )
    parser.add_argument("--to", type=Path, default=Path("out/bench"), help="default: out/bench")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `timeout` sends it
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, Path(folder))
        try:
            bench.measure()
        finally:  # an interrupted run has its tables, too
            if bench.results.runs:
                report.write(bench.results, arguments.to)


def _sessions(model: Path, devices: Sequence[Device]) -> Iterator[tuple[Device, Session]]:
    for device in devices:
        try:
            yield device, load(model, device)
        except ProviderError as refusal:
            print(f"{device}: {refusal}")


if __name__ == "__main__":
    main()
