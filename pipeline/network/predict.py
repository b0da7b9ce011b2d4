"""How a model sees a clip: with its motion and, for `best`, once more close to what it found."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.network.close_up import DETAIL, close_up
from pipeline.network.edges import follow_edges
from pipeline.network.infer import ActionSession, Session
from pipeline.network.motion import SCALE
from pipeline.network.preprocess import Pictures, fit, to_source
from pipeline.values import Quality

Motion = Sequence[NDArray[np.uint8]]
"""What moves in each frame of a clip: (h, w, 3) uint8, as `motion_map` makes it."""


class Predictor:
    """Runs a model over clips of frames of one size, which have to come in the pictures `fits`."""

    def __init__(
        self,
        session: Session,
        height: int,
        width: int,
        pixel_aspect: Fraction = Fraction(1),
        quality: Quality = "fast",
    ) -> None:
        self._session = session
        scales = (1.0,) if quality == "fast" else (1.0, DETAIL)
        self.fits = tuple(fit(height, width, session.spec, pixel_aspect, s) for s in scales)

    def run(self, clip: Sequence[Pictures], motion: Motion | None) -> NDArray[np.float32]:
        """Return the foreground's probability (L, h, w), 0 to 1, in the last picture of `fits`."""
        cues = None if motion is None else np.stack(motion)[np.newaxis]
        return self._refined(clip, motion, self._session.run(_pictures(clip), cues)[0])

    def describe(
        self,
        clip: Sequence[Pictures],
        motion: Motion | None,
        session: ActionSession,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what `run` does, and features (L, C, h, w) of the network's pictures."""
        cues = None if motion is None else np.stack(motion)[np.newaxis]
        probabilities, features = session.describe(_pictures(clip), cues)
        return self._refined(clip, motion, probabilities[0]), features[0]

    def restore(
        self, probability: NDArray[np.float32], height: int, width: int
    ) -> NDArray[np.float32]:
        """Bring one frame's probabilities, as `run` gave them, to (height, width)."""
        return to_source(probability, replace(self.fits[-1], height=height, width=width))

    def _refined(
        self,
        clip: Sequence[Pictures],
        motion: Motion | None,
        found: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        closer = self._closer(clip, motion, found)
        pairs = zip(closer, clip, strict=True)
        return np.stack([follow_edges(one, pictures[-1]) for one, pictures in pairs])

    def _closer(
        self,
        clip: Sequence[Pictures],
        motion: Motion | None,
        found: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        if len(self.fits) == 1:
            return found
        whole, detail = self.fits
        inside = found[:, : whole.scaled_height, : whole.scaled_width]
        size = (detail.scaled_width, detail.scaled_height)
        enlarged = [cv2.resize(one, size) for one in inside]
        part = close_up(inside, detail, self._session.spec)
        if part is not None:
            pictures = np.stack([part.cut(frame[1]) for frame in clip])
            cues = None
            if motion is not None:
                rows, columns = whole.scaled_height // SCALE, whole.scaled_width // SCALE
                moving = [part.cut_map(one[:rows, :columns]) for one in motion]
                cues = np.stack(moving)[np.newaxis]
            closer = self._session.run(pictures[np.newaxis], cues)[0]
            enlarged = [part.paste(*pair) for pair in zip(closer, enlarged, strict=True)]
        result = np.zeros((len(found), detail.padded_height, detail.padded_width), np.float32)
        result[:, : size[1], : size[0]] = enlarged
        return result


def _pictures(clip: Sequence[Pictures]) -> NDArray[np.uint8]:
    return np.stack([pictures[0] for pictures in clip])[np.newaxis]
