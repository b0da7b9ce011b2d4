"""Whether a device finds what the CPU does, before it serves: faulty drivers raise no error."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProviderError
from pipeline.network.infer import ActionSession, Session, load
from pipeline.network.motion import MotionEstimator
from pipeline.network.spec import ModelSpec

MOST_DIFFERENCE = 0.02
"""Of probabilities, in the mean. With the shipped model bfloat16 is 0.001 apart, zeros are 0.2."""


def check(session: Session, model: Path, threads: int | None = None) -> None:
    """Raise ProviderError if what a session finds in a clip made here isn't what the CPU does."""
    compare(session, load(model, "cpu", threads))


def compare(session: Session, on_cpu: Session) -> None:
    clip, cues = small_clip(on_cpu.spec)
    pairs = {"masks": (session.run(clip, cues), on_cpu.run(clip, cues))}
    if isinstance(session, ActionSession) and isinstance(on_cpu, ActionSession):
        flow = small_flow(clip)
        pairs["actions"] = (_actions(session, clip, flow), _actions(on_cpu, clip, flow))
    for what, (found, wanted) in pairs.items():
        difference = float(np.abs(found - wanted).mean())
        if not difference <= MOST_DIFFERENCE:  # what isn't a number is no less wrong
            raise ProviderError(
                f"Device {session.device} finds other {what} than the CPU: probabilities differ by "
                f"{difference:.3f} in the mean, at most {MOST_DIFFERENCE} is allowed. Check its "
                "driver and the installed packages, or ask for cpu."
            )


def small_clip(spec: ModelSpec) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    clip = moving_square(spec.clip_length, 128, 192)
    return clip, MotionEstimator().maps(list(clip[0]))[np.newaxis] if spec.cues else None


def moving_square(length: int, height: int, width: int) -> NDArray[np.uint8]:
    """Draw a bright square that crosses a grainy ground: a clip (1, L, H, W, 3) uint8, RGB."""
    clip = np.random.default_rng(0).integers(40, 80, (1, length, height, width, 3), np.uint8)
    side = min(height, width) // 2
    for frame, pixels in enumerate(clip[0]):
        top, left = height // 4, (width - side) * frame // length
        pixels[top : top + side, left : left + side] = (220, 90, 40)
    return clip


def small_flow(clip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Draw a part that goes right and down: (L, H / 2, W / 2, 2), pixels a second."""
    flow = np.zeros((clip.shape[1], clip.shape[2] // 2, clip.shape[3] // 2, 2), np.float32)
    flow[:, 16:40, 24:56] = (60, 25)
    return flow


def _actions(
    session: ActionSession, clip: NDArray[np.uint8], flow: NDArray[np.float32]
) -> NDArray[np.float32]:
    features = session.describe(clip)[1][0]
    boxes = np.full((len(features), 1, 4), (0.2, 0.2, 0.7, 0.8), np.float32)
    return np.exp(session.classify(features, boxes, flow))
