"""A look at an upload in a process of its own, so that a hostile file can't harm the service."""

import logging
import resource
from pathlib import Path

import anyio
import anyio.to_process

from pipeline.decode import scan
from pipeline.errors import BrokenVideo
from pipeline.values import ScannedVideo, VideoLimits

# A demuxer that is lied to about sizes asks for more than any real file needs.
MEMORY_BYTES = 4 * 2**30

_log = logging.getLogger(__name__)


async def scan_apart(
    path: Path, limits: VideoLimits, timeout_s: float, scanners: anyio.CapacityLimiter
) -> ScannedVideo:
    """List a video's frames in a child process, which is killed if it takes too long.

    Args:
        path: of the upload.
        limits: of the video.
        timeout_s: for the child, without the wait for its turn.
        scanners: how many children there may be at once.

    Raises:
        VideoError: the file is not a video, holds none, is broken or too large.
    """
    async with scanners:
        try:
            with anyio.fail_after(timeout_s):
                # Its turn has come, so it needs no limiter of anyio's own.
                alone = anyio.CapacityLimiter(1)
                return await anyio.to_process.run_sync(
                    _scan, path, limits, cancellable=True, limiter=alone
                )
        except TimeoutError as error:
            raise BrokenVideo(
                f"Got a video whose frames took longer than {timeout_s:g} s to list, wanted one "
                "whose container lists them."
            ) from error
        except anyio.BrokenWorkerProcess as error:
            _log.warning("scan crashed", extra={"upload": path.name})
            raise BrokenVideo(
                "Got a video that crashes the decoder, wanted one that can be decoded."
            ) from error
        except MemoryError as error:
            raise BrokenVideo(
                f"Got a video that needs more than {MEMORY_BYTES // 2**20} MiB of memory to open, "
                "wanted less."
            ) from error


async def warm_up() -> None:
    """Start a child and let it load the decoder, so that the first upload needn't wait for that."""
    await anyio.to_process.run_sync(_limit_memory)


def _scan(path: Path, limits: VideoLimits) -> ScannedVideo:
    _limit_memory()
    return scan(path, limits)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
