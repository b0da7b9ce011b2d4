"""Montages: pieces of several videos put together, with the effects that are mistaken for cuts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.values import LabelledVideo

Effect = Literal["none", "flash", "flicker", "light", "shake", "whip pan"]
Picture = NDArray[np.uint8]

HEIGHT, WIDTH = 256, 456
_SHORTEST, _LONGEST = 12, 40
# Of the places where two pieces meet, those that fade through black.
_FADES = 0.25


@dataclass(frozen=True)
class Piece:
    """A part of a video in a montage; before it come `fade` black frames, none at a cut."""

    video: LabelledVideo
    start: int
    length: int
    effect: Effect
    fade: int
    seed: int


def plan(videos: Sequence[LabelledVideo], pieces: int, seed: int) -> list[Piece]:
    """Draw the pieces of a montage; no two in a row are of one video."""
    random = np.random.default_rng(seed)
    planned: list[Piece] = []
    while len(planned) < pieces:
        video = videos[int(random.integers(len(videos)))]
        if planned and planned[-1].video is video:
            continue
        length = int(random.integers(_SHORTEST, min(_LONGEST, len(video)) + 1))
        start = int(random.integers(len(video) - length + 1))
        effect = get_args(Effect)[int(random.integers(len(get_args(Effect))))]
        fade = int(random.integers(5, 11)) if planned and random.random() < _FADES else 0
        planned.append(Piece(video, start, length, effect, fade, int(random.integers(2**31))))
    return planned


def boundaries(pieces: Sequence[Piece]) -> list[range]:
    """Return the frames at which a piece may be said to begin: at a fade, all that are dark."""
    places, at = [], pieces[0].length
    for piece in pieces[1:]:
        places.append(range(at - piece.fade, at + 2 * piece.fade + 1))
        at += piece.fade + piece.length
    return places


def frames(pieces: Sequence[Piece]) -> Iterator[Picture]:
    """Yield the frames of a montage, (256, 456, 3) uint8, RGB."""
    for piece, after in zip(pieces, [*pieces[1:], None], strict=True):
        yield from (np.zeros((HEIGHT, WIDTH, 3), np.uint8) for _ in range(piece.fade))
        shown = [piece.video.frame(piece.start + at) for at in range(piece.length)]
        small = [_scaled(frame) for frame in shown]
        pictures = _EFFECTS[piece.effect](small, np.random.default_rng(piece.seed))
        until_dark = after.fade if after is not None else 0
        for at, picture in enumerate(pictures):
            light = 1.0
            if piece.fade:
                light = min(light, (at + 1) / (piece.fade + 1))
            if until_dark:
                light = min(light, (piece.length - at) / (until_dark + 1))
            yield _lit(picture, light)


def _none(pictures: list[Picture], _random: np.random.Generator) -> list[Picture]:
    return pictures


def _flash(pictures: list[Picture], random: np.random.Generator) -> list[Picture]:
    """Flash as a photographer's does: at once, and gone after a few frames."""
    at, fading = _amid(pictures, random), random.uniform(0.1, 0.8)
    strength, lit = random.uniform(60, 220), list(pictures)
    for later in range(at, len(lit)):
        added = strength * fading ** (later - at)
        lit[later] = np.clip(lit[later] + added, 0, 255).astype(np.uint8)
    return lit


def _flicker(pictures: list[Picture], random: np.random.Generator) -> list[Picture]:
    return [_lit(picture, random.uniform(0.4, 1.3)) for picture in pictures]


def _light(pictures: list[Picture], random: np.random.Generator) -> list[Picture]:
    at, change = _amid(pictures, random), random.choice([0.35, 0.6, 1.6])
    return [_lit(picture, change if index >= at else 1) for index, picture in enumerate(pictures)]


def _shake(pictures: list[Picture], random: np.random.Generator) -> list[Picture]:
    by = random.uniform(0.02, 0.08) * WIDTH
    return [_shifted(picture, *random.uniform(-by, by, 2)) for picture in pictures]


def _whip_pan(pictures: list[Picture], random: np.random.Generator) -> list[Picture]:
    """Throw the camera aside within a few frames, blurred by its speed."""
    at, lasting = _amid(pictures, random), int(random.integers(4, 9))
    fastest, place = random.uniform(0.15, 0.4) * WIDTH, 0.0
    thrown: list[Picture] = []
    for index, picture in enumerate(pictures):
        phase = (index - at + 0.5) / lasting
        speed = fastest * np.sin(np.pi * phase) if 0 < phase < 1 else 0.0
        place += speed
        moved = _shifted(picture, place, 0)
        blur = max(1, int(speed / 2))
        thrown.append(np.asarray(cv2.blur(moved, (blur, 1)), np.uint8))
    return thrown


_EFFECTS = {
    "none": _none,
    "flash": _flash,
    "flicker": _flicker,
    "light": _light,
    "shake": _shake,
    "whip pan": _whip_pan,
}


def _amid(pictures: Sequence[Picture], random: np.random.Generator) -> int:
    return int(random.integers(3, len(pictures) - 3))


def _scaled(picture: Picture) -> Picture:
    small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _lit(picture: Picture, light: float) -> Picture:
    return picture if light == 1 else np.clip(picture * light, 0, 255).astype(np.uint8)


def _shifted(picture: Picture, across: float, down: float) -> Picture:
    matrix = np.array([[1, 0, across], [0, 1, down]])
    border = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=border), np.uint8)
