"""The device of a worker that may take any: the fastest of its machine, tried once and noted."""

import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jobs.runtime import digests_of
from pipeline.network.graph import DEVICES, Device
from pipeline.network.trial import Trial, try_devices

_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "openvino")
_OF_PROCESSOR = ("model name", "flags", "Features")

_log = logging.getLogger(__name__)


class FastestDevice:
    """Chooses a device for an `.onnx` file.

    The choice is noted in the data folder, by processor, model, versions of the runtimes and number
    of threads. So restarts don't try again, and workers that share the folder agree, as they must
    to share the segments of a job.
    """

    def __init__(self, data_dir: Path, model: Path, threads: int | None) -> None:
        self._model = model
        self._threads = threads
        what = json.dumps(
            [
                digests_of(model),
                _processor(),
                os.cpu_count(),
                threads,
                [_version(n) for n in _RUNTIMES],
            ]
        )
        name = hashlib.sha256(what.encode()).hexdigest()[:16]
        self._note = data_dir / "devices" / name

    def choose(self) -> Device:
        """Return the noted device, or try them and note the fastest; raises ModelError."""
        noted = self._noted()
        if noted is not None:
            _log.info("device chosen before", extra={"device": noted})
            return noted
        trial = self._try()
        about = {"clip_ms": dict(trial.clip_ms), "refused": dict(trial.refused)}
        _log.info("device chosen", extra={"device": trial.device, **about})
        self._note.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._note.with_suffix(f".{os.getpid()}")
        unfinished.write_text(trial.device)
        with suppress(FileExistsError):  # another worker was first, with which this one agrees
            os.link(unfinished, self._note)
        unfinished.unlink()
        return self._noted() or trial.device

    def forget(self) -> None:
        """Let the next choice be tried anew."""
        self._note.unlink(missing_ok=True)

    def _noted(self) -> Device | None:
        text = self._note.read_text() if self._note.exists() else ""
        return next((device for device in DEVICES if device == text), None)

    def _try(self) -> Trial:
        """Try in a process of its own, which takes its memory and a crash of a runtime with it."""
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            try:
                return process.submit(try_devices, self._model, self._threads).result()
            except BrokenProcessPool:
                _log.error("a device crashed when it was tried, so that cpu is taken")
                return Trial("cpu")


def _processor() -> Sequence[str]:
    lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    return [line for line in lines if line.startswith(_OF_PROCESSOR)]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
