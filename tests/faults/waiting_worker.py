"""A worker that waits in place of inference: DATA_DIR DATABASE_URL SECONDS_A_CLIP [STORE_URL]."""

import os
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.worker import WorkerSettings, run_worker
from pipeline.media.sandbox import Sandbox
from pipeline.network.preprocess import Fit, Scaled
from pipeline.network.spec import ModelSpec
from pipeline.segmenter import decode_scaled
from pipeline.values import ScannedVideo
from service.supervisor import FLAG, end_with_the_supervisor
from service.telemetry import configure_log

_STRIDE = 8  # as `Segmenter` has it

SPEC = ModelSpec(
    name="waiting",
    version="1",
    clip_length=8,
    short_side=32,
    long_side=32,
    multiple=16,
    licence="",
    data="",
    measured={},
    git_revision="",
)


@dataclass
class WaitingSession:
    """Takes bright pixels for foreground, after a while in which it needs no core."""

    wait_s: float
    spec: ModelSpec
    device: str = "cpu"
    provider: str = "Waiting"

    def run(
        self, clips: NDArray[np.uint8], _cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        """Wait for each clip."""
        time.sleep(self.wait_s * len(clips))
        probabilities: NDArray[np.float32] = clips.max(axis=-1).astype(np.float32) / 255
        return probabilities


class NoSandbox(Sandbox):
    """Decodes in the worker itself: the scripts make their own clips, and cores are scarce."""

    def lacks(self) -> Sequence[str]:
        """Return nothing: it protects from nothing."""
        return ()

    def decode_scaled(
        self, path: Path, video: ScannedVideo, indices: Sequence[int], fits: Sequence[Fit]
    ) -> Generator[Scaled, None, None]:
        """Decode as `pipeline.segmenter.decode_scaled` does."""
        return decode_scaled(path, video, indices, fits)


def clips_of_segment(frames: int) -> int:
    """Return how many clips hold a frame of a segment, at most."""
    return frames // _STRIDE + 2


def main() -> None:
    """Run until a signal."""
    configure_log(f"worker-{os.getpid()}", "json")
    data_dir, database_url, wait_s, *more = sys.argv[1:]
    if FLAG in more:
        end_with_the_supervisor()
    settings = WorkerSettings(
        data_dir=Path(data_dir),
        database_url=database_url,
        store_url=next((each for each in more if each != FLAG), None),
        model=Path("none.onnx"),
    )
    run_worker(settings, lambda _: WaitingSession(float(wait_s), SPEC), NoSandbox())


if __name__ == "__main__":
    main()
