"""What the objects of a frame do: their actions, named in the boxes of their masks."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.network.infer import ActionSession
from pipeline.network.preprocess import Fit
from pipeline.values import SegmentedObject


class ActionNamer:
    """Names actions in some frames, by the mean of the features that their clips give of them."""

    def __init__(self, session: ActionSession, of: Fit, wanted: Container[int]) -> None:
        self.session = session
        self._of = of
        self._wanted = wanted
        self._sums: dict[int, NDArray[np.float32]] = {}
        self._counts: dict[int, int] = {}

    def note(self, first: int, features: NDArray[np.float32]) -> None:
        """Take the features (L, C, h, w) of a clip that begins at the frame `first`."""
        for frame, of_frame in enumerate(features, first):
            if frame in self._wanted:
                known = self._sums.get(frame)
                self._sums[frame] = of_frame if known is None else known + of_frame
                self._counts[frame] = self._counts.get(frame, 0) + 1

    def name(self, frame: int, objects: Sequence[SegmentedObject]) -> tuple[SegmentedObject, ...]:
        """Add the actions to a frame's objects, once, after all clips that hold it are noted."""
        features = self._sums.pop(frame) / np.float32(self._counts.pop(frame))
        if not objects:
            return ()
        boxes = np.array([_placed(object_, self._of) for object_ in objects], np.float32)
        # One frame at a time: in a larger batch sums might round otherwise.
        scores = self.session.classify(features[np.newaxis], boxes[np.newaxis])[0]
        return tuple(
            replace(object_, actions=_by_label(self.session.spec.labels, of_labels))
            for object_, of_labels in zip(objects, scores, strict=True)
        )


def _placed(object_: SegmentedObject, of: Fit) -> tuple[float, float, float, float]:
    """Return an object's left, top, right and bottom edge, from 0 to 1 over the padded picture."""
    left, top, width, height = object_.box
    across = of.scaled_width / of.padded_width / object_.mask.width
    down = of.scaled_height / of.padded_height / object_.mask.height
    return left * across, top * down, (left + width) * across, (top + height) * down


def _by_label(labels: Sequence[str], scores: NDArray[np.float32]) -> Mapping[str, float]:
    return {label: float(score) for label, score in zip(labels, scores, strict=True)}
