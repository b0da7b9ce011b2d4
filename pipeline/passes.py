"""How the model looks at a clip: once, or at several sizes and mirrored, and the mean of that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.infer import ActionSession, Session
from pipeline.preprocess import Fit, Pictures, fit, to_source
from pipeline.values import Quality


@dataclass(frozen=True)
class Looks:
    """The passes of one quality.

    Attributes:
        scales: sizes of the picture, as factors of the one that the model was trained for, rising.
        mirrored: whether each size is seen mirrored, too.
    """

    scales: tuple[float, ...]
    mirrored: bool


# What a size or a mirrored picture adds in J, and what it costs: docs/experiments.md.
LOOKS: Mapping[Quality, Looks] = {
    "fast": Looks(scales=(1.0,), mirrored=False),
    "best": Looks(scales=(0.75, 1.0, 1.25), mirrored=True),
}


class Passes:
    """The passes of a model over clips of frames of one size.

    Args:
        session: the model.
        height: of the frames, pixels.
        width: of the frames, pixels.
        pixel_aspect: width of a frame's pixel over its height.
        quality: `fast` for one pass, `best` for the mean of several.

    Attributes:
        fits: how a frame lies in the picture of each size, smallest first.
    """

    def __init__(
        self,
        session: Session,
        height: int,
        width: int,
        pixel_aspect: Fraction = Fraction(1),
        quality: Quality = "fast",
    ) -> None:
        looks = LOOKS[quality]
        self._session = session
        self._mirrored = looks.mirrored
        self._plain = looks.scales.index(1.0)
        self.fits = tuple(
            fit(height, width, session.spec, pixel_aspect, scale) for scale in looks.scales
        )

    def run(self, clip: Sequence[Pictures]) -> NDArray[np.float32]:
        """Find the foreground of a clip's frames, each in the sizes of `fits`.

        Returns:
            (L, h, w) float32, the mean of the passes' probabilities of foreground, at the largest
            size; `restore` brings it to the frame's.
        """
        return self._mean(clip, self._session.run)

    def describe(
        self, clip: Sequence[Pictures], session: ActionSession
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the foreground as `run` does, and what the actions are named from.

        Args:
            clip: as `run` takes it.
            session: the model, as one that names actions.

        Returns:
            The probabilities of `run`, and features (L, C, h, w) of the one pass that `fast` has,
            whose picture `plain` tells of.
        """
        features: list[NDArray[np.float32]] = []

        def run(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
            probabilities, found = session.describe(pictures)
            features.append(found[0])
            return probabilities

        return self._mean(clip, run), features[0]

    @property
    def plain(self) -> Fit:
        """How a frame lies in the picture of the pass that `fast` has."""
        return self.fits[self._plain]

    def restore(
        self, probability: NDArray[np.float32], height: int, width: int
    ) -> NDArray[np.float32]:
        """Bring one frame's probabilities (h, w), as `run` gave them, to a frame's size.

        Returns:
            (height, width) float32.
        """
        return to_source(probability, replace(self.fits[-1], height=height, width=width))

    def _mean(
        self,
        clip: Sequence[Pictures],
        plain: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Return what `run` does, with another function for the pass that `fast` has."""
        sizes = [np.stack(pictures) for pictures in zip(*clip, strict=True)]
        found = [
            self._look(pictures, plain if index == self._plain else self._session.run)
            for index, pictures in enumerate(sizes)
        ]
        if len(found) == 1:
            return found[0]
        at_largest = [
            self._restore_all(probabilities, of)
            for probabilities, of in zip(found, self.fits, strict=True)
        ]
        return np.asarray(np.mean(at_largest, axis=0), np.float32)

    def _restore_all(self, probabilities: NDArray[np.float32], of: Fit) -> NDArray[np.float32]:
        """Bring probabilities (L, h, w) of one size to the largest, without its padding."""
        largest = self.fits[-1]
        alike = replace(of, height=largest.scaled_height, width=largest.scaled_width)
        restored = [to_source(probability, alike) for probability in probabilities]
        return np.asarray(np.stack(restored), np.float32)

    def _look(
        self,
        pictures: NDArray[np.uint8],
        run: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Find the foreground of pictures (L, h, w, 3) of one size."""
        probabilities: NDArray[np.float32] = run(pictures[np.newaxis])[0]
        if not self._mirrored:
            return probabilities
        mirrored = self._session.run(np.ascontiguousarray(pictures[np.newaxis, :, :, ::-1]))[0]
        return np.asarray((probabilities + mirrored[:, :, ::-1]) / 2, np.float32)
