"""Compares a network in PyTorch with its ONNX file as it is served, on real frames."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dataset.values import read_picture
from model.network import SegmentationNetwork
from model.presets import PRESETS, restore
from pipeline.media.decode import decode, scan
from pipeline.network import infer
from pipeline.network.graph import DEVICES
from pipeline.network.motion import SCALE, MotionEstimator
from pipeline.network.preprocess import fit, to_network
from pipeline.values import VideoLimits

MOST_DIFFERENCE = 1e-3
MOST_CHANGED = 1e-3
LIMITS = VideoLimits(max_pixels=4096 * 2304, max_frames=10**6, max_duration_s=1e5)
# The whole picture, a part in the middle, and a corner smaller than a point of the features.
BOXES = ((0.0, 0.0, 1.0, 1.0), (0.3, 0.2, 0.7, 0.9), (0.95, 0.9, 1.0, 0.95))
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Parity:
    """How far two runtimes are apart on one clip; `size` is its frames' height and width.

    `difference` and `actions` are the largest of two probabilities, `changed` is the share of
    pixels that are foreground in one only, 0 to 1.
    """

    size: tuple[int, int]
    difference: float
    changed: float
    actions: float = 0.0

    @property
    def holds(self) -> bool:
        # One by one: what isn't a number holds in no comparison, but max() may pass over it.
        return (
            self.difference <= MOST_DIFFERENCE
            and self.actions <= MOST_DIFFERENCE
            and self.changed < MOST_CHANGED
        )


def compare(
    network: SegmentationNetwork, session: infer.Session, frames: Sequence[NDArray[np.uint8]]
) -> Parity:
    """Run one clip of frames (H, W, 3) uint8 in both; fewer than a clip repeat the last one."""
    height, width, _ = frames[0].shape
    to = fit(height, width, session.spec)
    chosen = [frames[min(i, len(frames) - 1)] for i in range(session.spec.clip_length)]
    clips = np.stack([to_network(np.ascontiguousarray(frame), to) for frame in chosen])[None]
    cues = None
    if session.spec.cues:  # with what moves, and noise in the last channel
        cues = MotionEstimator().maps(list(clips[0]))[np.newaxis]
        cues[..., -1] = np.random.default_rng(0).integers(0, 256, cues.shape[:-1])
    with torch.inference_mode():
        given = None if cues is None else torch.from_numpy(cues)
        wanted = network.foreground(torch.from_numpy(clips), given).numpy()
    found = session.run(clips, cues)
    return Parity(
        (height, width),
        float(np.abs(wanted - found).max()),
        float(np.mean((wanted > 0.5) != (found > 0.5))),
        _compare_actions(network, session, clips),
    )


def _compare_actions(
    network: SegmentationNetwork, session: infer.Session, clips: NDArray[np.uint8]
) -> float:
    """Return how far the probabilities of actions are apart, each with its own features."""
    if network.actions is None and not isinstance(session, infer.ActionSession):
        return 0.0
    if network.actions is None or not isinstance(session, infer.ActionSession):
        raise ValueError("Network and file must both have an action head, or neither.")
    boxes = np.tile(np.array(BOXES, np.float32), (session.spec.clip_length, 1, 1))
    size = (session.spec.clip_length, clips.shape[2] // SCALE, clips.shape[3] // SCALE, 2)
    flow = np.random.default_rng(0).normal(0, 30, size).astype(np.float32)
    with torch.inference_mode():
        _, shared = network.share(torch.from_numpy(clips))
        features = network.actions.describe(shared, session.spec.clip_length)[0]
        given = (features, torch.from_numpy(boxes), torch.from_numpy(flow))
        wanted = network.actions.classify(*given).softmax(-1).numpy()
    found = np.exp(session.classify(session.describe(clips)[1][0], boxes, flow))
    return float(np.abs(wanted - found).max())


def orientations(frames: Sequence[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield frames (H, W, 3) as they are, turned to the other orientation, and of odd sizes."""
    for turned in (list(frames), [frame.transpose(1, 0, 2) for frame in frames]):
        yield turned
        height, width, _ = turned[0].shape
        yield [frame[: height - 1 - height % 2, : width - 1 - width % 2] for frame in turned]


def first_frames(source: Path, count: int) -> list[NDArray[np.uint8]]:
    """Read the first frames of a video, or of a folder of pictures in order of their names."""
    if source.is_dir():
        paths = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES)
        if not paths:
            raise FileNotFoundError(f"{source} must be a folder of pictures or a video.")
        return [read_picture(path) for path in paths[:count]]
    video = scan(source, LIMITS)
    indices = range(min(count, video.info.frame_count))
    return [frame.pixels for frame in decode(source, video, indices)]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.parity", description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="default: cpu")
    parser.add_argument("sources", type=Path, nargs="+", help="videos or folders of pictures")
    parsed = parser.parse_args(arguments)
    network, _ = restore(parsed.preset, parsed.weights)
    network.eval()
    session = infer.load(parsed.onnx, device=parsed.device)
    failed = False
    for source in parsed.sources:
        for frames in orientations(first_frames(source, session.spec.clip_length)):
            parity = compare(network, session, frames)
            failed = failed or not parity.holds
            print(
                f"{source.name} {parity.size[0]}x{parity.size[1]}: "
                f"largest difference {parity.difference:.2e}, masks differ at {parity.changed:.4%}"
                + (f", actions {parity.actions:.2e}" if network.actions is not None else "")
            )
    if failed:
        sys.exit(f"At most {MOST_DIFFERENCE} and less than {MOST_CHANGED:.1%} are allowed.")


if __name__ == "__main__":
    main(sys.argv[1:])
