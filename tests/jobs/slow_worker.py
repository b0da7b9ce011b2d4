"""A worker whose model is a slow fake."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.worker import WorkerSettings, run_worker
from pipeline.media.sandbox import Sandbox
from pipeline.network.spec import ModelSpec
from service.telemetry import configure_log

DECODER = Path(__file__).parent / "scripted_decoder.py"


@dataclass
class SlowSession:
    """Takes bright pixels for foreground, or dark ones; notes each run in a file."""

    data_dir: Path
    delay_s: float
    fails: bool
    dark: bool
    spec: ModelSpec
    device: str = "cpu"
    provider: str = "FakeProvider"

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        time.sleep(self.delay_s * len(clips))
        with (self.data_dir / "runs.log").open("a") as log:
            log.write("clip\n" * len(clips))
        if self.fails:
            raise RuntimeError(f"Something about {self.data_dir}.")
        probabilities: NDArray[np.float32] = clips.max(axis=-1).astype(np.float32) / 255
        return 1 - probabilities if self.dark else probabilities


def spec(version: str) -> ModelSpec:
    return ModelSpec(
        name="fake",
        version=version,
        clip_length=8,
        short_side=48,
        long_side=64,
        multiple=16,
        licence="",
        data="",
        measured={},
        git_revision="",
    )


def work(
    data_dir: Path,
    database_url: str,
    store_url: str | None = None,
    *,
    delay_s: float = 0.0,
    stall_s: float = 3.0,
    fails: bool = False,
    dark: bool = False,
    decoded: Path = Path(os.devnull),
) -> None:
    """Run a worker until it is stopped; its model works `delay_s` on a clip.

    Version 2 of the model takes `dark` pixels for foreground; `decoded` is a pipe for
    `scripted_decoder.py`.
    """
    configure_log("worker", "json")
    data_dir.mkdir(exist_ok=True)
    model = data_dir / f"{'dark' if dark else 'bright'}.onnx"
    model.write_text(model.stem)
    session = SlowSession(data_dir, delay_s, fails, dark, spec("2" if dark else "1"))
    settings = WorkerSettings(
        data_dir=data_dir, database_url=database_url, store_url=store_url, model=model
    )
    sandbox = Sandbox(stall_s=stall_s, program=(sys.executable, str(DECODER), str(decoded)))
    run_worker(settings, lambda _: session, sandbox)
