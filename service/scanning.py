"""A look at an upload in a sandbox, a few at a time, without holding up other requests."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from pipeline.sandbox import Sandbox
from pipeline.values import ScannedVideo, VideoLimits
from service.settings import Settings

# A look takes a process and a core; more at once would starve the worker.
AT_ONCE = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scanner:
    """Looks at uploads.

    Attributes:
        sandbox: where.
        lacks: protections that this system can't give the sandbox.
        limits: of the videos.
        timeout_s: for one look, without the wait for its turn.
    """

    sandbox: Sandbox
    lacks: Sequence[str]
    limits: VideoLimits
    timeout_s: float
    _turns: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))

    async def scan(self, path: Path) -> ScannedVideo:
        """List a video's frames.

        Raises:
            VideoError: the file is not a video, holds none, is broken or too large.
        """
        return await anyio.to_thread.run_sync(
            self.sandbox.scan, path, self.limits, self.timeout_s, limiter=self._turns
        )


@asynccontextmanager
async def open_scanner(settings: Settings) -> AsyncIterator[Scanner]:
    """Start a sandbox, which also makes the first upload quick, and end it afterwards."""
    sandbox = Sandbox()
    try:
        lacks = await anyio.to_thread.run_sync(sandbox.lacks)
        for lack in lacks:
            _log.warning("uploads are scanned without a protection", extra={"lack": lack})
        yield Scanner(sandbox, lacks, settings.limits, settings.scan_timeout_s)
    finally:
        sandbox.close()
