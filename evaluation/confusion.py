"""A picture of the confusion matrix: which actions were predicted for which."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.predictions import PredictionError

_CELL, _MARGIN, _HEAD = 34, 150, 130


def write_confusion(path: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Draw a row for each true action, shaded by the shares of its labels, the right one framed."""
    predicted = {label for row in counts.values() for label in row}
    columns = [*counts, *sorted(predicted - counts.keys())]
    size = (_HEAD + _CELL * len(counts), _MARGIN + _CELL * len(columns), 3)
    picture = np.full(size, 255, np.uint8)
    for row, (action, of_action) in enumerate(counts.items()):
        top, clips = _HEAD + _CELL * row, sum(of_action.values())
        _write(picture, action, (6, top + 22), 0)
        for column, label in enumerate(columns):
            count = of_action.get(label, 0)
            corner = (_MARGIN + _CELL * column, top)
            opposite = (corner[0] + _CELL - 1, corner[1] + _CELL - 1)
            shade = 255 - round(225 * count / clips)
            cv2.rectangle(picture, corner, opposite, (shade, shade, shade), cv2.FILLED)
            cv2.rectangle(picture, corner, opposite, (0, 0, 0) if action == label else (220,) * 3)
            if count:
                place = (corner[0] + 8, corner[1] + 22)
                _write(picture, str(count), place, 255 if shade < 128 else 0)
    # Names of columns are written along rows, then turned.
    names = np.full((_CELL * len(columns), _HEAD, 3), 255, np.uint8)
    for column, label in enumerate(columns):
        _write(names, label, (4, _CELL * column + 22), 0)
    picture[:_HEAD, _MARGIN:] = cv2.rotate(names, cv2.ROTATE_90_COUNTERCLOCKWISE)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), picture):
        raise PredictionError(f"The picture {path} can't be written.")


def _write(picture: NDArray[np.uint8], text: str, place: tuple[int, int], level: int) -> None:
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, text, place, font, 0.42, (level, level, level), 1, cv2.LINE_AA)
