"""What tests of the sandbox share: the clip that they decode, and what must not be left open."""

from pathlib import Path

from pipeline.values import VideoLimits

LIMITS = VideoLimits(max_pixels=10**6, max_frames=1000, max_duration_s=100)
HOSTILE = Path(__file__).parent / "hostile_decoder.py"
COUNT = 30  # frames of the clip


def descriptors() -> int:
    """Count the files that this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
