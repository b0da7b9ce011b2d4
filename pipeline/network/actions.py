"""What the objects of a frame do: their actions, named in the boxes of their masks."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.network.infer import ActionSession
from pipeline.network.motion import SCALE, Motion
from pipeline.network.preprocess import Fit
from pipeline.values import SegmentedObject


class ActionNamer:
    """Names actions in some frames, by the mean of the features that their clips give of them."""

    def __init__(
        self, session: ActionSession, of: Fit, wanted: Container[int], fps: float | Fraction
    ) -> None:
        self.session = session
        self._of = of
        self._fps = np.float32(float(fps))
        self._wanted = wanted
        self._sums: dict[int, NDArray[np.float32]] = {}
        self._counts: dict[int, int] = {}
        self._motion: dict[int, Motion] = {}

    def note(
        self, first: int, features: NDArray[np.float32], motion: Sequence[Motion] | None = None
    ) -> None:
        """Take features (L, C, h, w) and motion of a clip that begins at the frame `first`."""
        for frame, of_frame in enumerate(features, first):
            if frame in self._wanted:
                if motion is not None:
                    self._motion[frame] = motion[frame - first]
                known = self._sums.get(frame)
                self._sums[frame] = of_frame if known is None else known + of_frame
                self._counts[frame] = self._counts.get(frame, 0) + 1

    def name(self, frame: int, objects: Sequence[SegmentedObject]) -> tuple[SegmentedObject, ...]:
        """Add the actions to a frame's objects, once, after all clips that hold it are noted."""
        features = self._sums.pop(frame) / np.float32(self._counts.pop(frame))
        motion = self._motion.pop(frame, None)
        if not objects:
            return ()
        boxes = np.array([_placed(object_, self._of) for object_ in objects], np.float32)
        # One frame at a time: in a larger batch sums might round otherwise.
        scores = self.session.classify(
            features[np.newaxis], boxes[np.newaxis], self._flow(motion)[np.newaxis]
        )[0]
        return tuple(
            replace(object_, actions=_by_label(self.session.spec.labels, of_labels))
            for object_, of_labels in zip(objects, scores, strict=True)
        )

    def _flow(self, motion: Motion | None) -> NDArray[np.float32]:
        """Return what moves by itself, pixels a second; zeros where that isn't known."""
        if motion is None or motion.own is None:
            size = (self._of.padded_height // SCALE, self._of.padded_width // SCALE, 2)
            return np.zeros(size, np.float32)
        return motion.own * self._fps


def _placed(object_: SegmentedObject, of: Fit) -> tuple[float, float, float, float]:
    """Return an object's left, top, right and bottom edge, from 0 to 1 over the padded picture."""
    left, top, width, height = object_.box
    across = of.scaled_width / of.padded_width / object_.mask.width
    down = of.scaled_height / of.padded_height / object_.mask.height
    return left * across, top * down, (left + width) * across, (top + height) * down


def _by_label(labels: Sequence[str], scores: NDArray[np.float32]) -> Mapping[str, float]:
    return {label: float(score) for label, score in zip(labels, scores, strict=True)}
