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
    """Runs a model over clips of frames of one size.

    Args:
        height: of the frames, pixels.
        width: of the frames, pixels.
        pixel_aspect: width of a frame's pixel over its height.
        quality: `fast` for one pass over the whole picture, `best` for a close-up after it.

    Attributes:
        fits: how a frame lies in each picture that is wanted of it: the network's first and, for
            `best`, a larger one that close-ups are cut out of.
    """

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
        """Find the foreground of a clip's frames.

        Args:
            motion: (h, w, 3) uint8 of each frame, as `motion_map` makes it of the network's
                picture; None for a model that takes none.

        Returns:
            (L, h, w) float32, the probability of foreground, in the last picture of `fits`;
            `restore` brings it to the frame's size.
        """
        cues = None if motion is None else np.stack(motion)[np.newaxis]
        return self._refined(clip, motion, self._session.run(_pictures(clip), cues)[0])

    def describe(
        self,
        clip: Sequence[Pictures],
        motion: Motion | None,
        session: ActionSession,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the foreground as `run` does, and what the actions are named from.

        Returns:
            The probabilities of `run`, and features (L, C, h, w) of the network's pictures.
        """
        cues = None if motion is None else np.stack(motion)[np.newaxis]
        probabilities, features = session.describe(_pictures(clip), cues)
        return self._refined(clip, motion, probabilities[0]), features[0]

    def restore(
        self, probability: NDArray[np.float32], height: int, width: int
    ) -> NDArray[np.float32]:
        """Bring one frame's probabilities (h, w), as `run` gave them, to a frame's size.

        Returns:
            (height, width) float32.
        """
        return to_source(probability, replace(self.fits[-1], height=height, width=width))

    def _refined(
        self,
        clip: Sequence[Pictures],
        motion: Motion | None,
        found: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Draw probabilities to the edges of the picture, after a close-up if one is wanted."""
        closer = self._closer(clip, motion, found)
        pairs = zip(closer, clip, strict=True)
        return np.stack([follow_edges(one, pictures[-1]) for one, pictures in pairs])

    def _closer(
        self,
        clip: Sequence[Pictures],
        motion: Motion | None,
        found: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Look again close to what was found in the whole picture, if the quality wants it."""
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
    """Return the network's pictures of a clip, as a batch of one."""
    return np.stack([pictures[0] for pictures in clip])[np.newaxis]
