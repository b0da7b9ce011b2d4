"""Contact sheets of predictions, as in the paper's Figure 3: the truth above, ours below."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.values import LabelledSequence
from evaluation.predictions import PredictionError, read
from evaluation.region import Mask

COLUMNS = 6
MOST_SEQUENCES = 24
TRUTH = (60, 200, 60)
OURS = (230, 40, 40)

_WIDTH = 240
_TITLE_HEIGHT = 22
_OPACITY = 0.55


def write_sheet(
    path: Path, folder: Path, sequences: Sequence[LabelledSequence], scores: Mapping[str, float]
) -> None:
    """Draw sequences by their score, 0 to 1, the worst first; `MOST_SEQUENCES` at even steps."""
    ranked = sorted(sequences, key=lambda sequence: scores[sequence.name])
    steps = np.linspace(0, len(ranked) - 1, min(len(ranked), MOST_SEQUENCES)).round().astype(int)
    chosen = [ranked[step] for step in steps]
    drawn = [_strip(folder, sequence, scores[sequence.name]) for sequence in chosen]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(drawn), cv2.COLOR_RGB2BGR)):
        raise PredictionError(f"The sheet {path} can't be written.")


def paint(
    frame: NDArray[np.uint8], mask: Mask, colour: tuple[int, int, int], width: int = _WIDTH
) -> NDArray[np.uint8]:
    """Scale a frame (H, W, 3) to a width and colour what a mask (H, W) covers."""
    height = max(1, round(frame.shape[0] * width / frame.shape[1]))
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    cover = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    share = _OPACITY * cover[..., np.newaxis]
    return np.asarray(small * (1 - share) + np.array(colour) * share, dtype=np.uint8)


def _strip(folder: Path, sequence: LabelledSequence, score: float) -> NDArray[np.uint8]:
    last = len(sequence) - 1
    inner = (1, last - 1) if last > 1 else (0, last)  # DAVIS asks for no mask of the outer two
    indices = np.linspace(*inner, COLUMNS).round().astype(int)
    above, below = [], []
    for index in map(int, indices):
        frame, truth = sequence.frame(index), sequence.mask(index)
        found = read(folder, sequence, index)
        above.append(paint(frame, truth, TRUTH))
        below.append(paint(frame, np.zeros_like(truth) if found is None else found, OURS))
    title = np.zeros((_TITLE_HEIGHT, COLUMNS * _WIDTH, 3), np.uint8)
    caption = f"{sequence.name}  {100 * score:.1f}"
    white, font = (255, 255, 255), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(title, caption, (6, 16), font, 0.5, white, 1, cv2.LINE_AA)
    return np.concatenate([title, np.hstack(above), np.hstack(below)])
