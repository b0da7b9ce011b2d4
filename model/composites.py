"""Clips in which only motion tells the object: cut-outs of stills, of which one moves by itself.

A network that is trained on them has to look at what moves, not only at what stands out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.values import LabelledStill
from model.augmentation import (
    Clip,
    Crop,
    camera_speed,
    cover,
    finish,
    is_cut_off,
    opacity_of,
    similarity,
    steady_motion,
)

STILLS = 5
"""Stills that a composite takes: the object, the background, two bystanders, what is in front."""

Movement = Literal["whole", "slow", "parts", "halts"]
_SHARES = (0.45, 0.2, 0.2, 0.15)


@dataclass(frozen=True)
class _Layer:
    """A cut-out's pictures (H, W, 3) and opacities (H, W) in each frame; its path is (T, 3, 3)."""

    pictures: Sequence[NDArray[np.uint8]]
    opacities: Sequence[NDArray[np.uint8]]
    path: NDArray[np.float64]
    wanted: bool


def composite_clip(
    stills: Sequence[LabelledStill], length: int, crop: Crop, generator: np.random.Generator
) -> Clip:
    """Paste cut-outs over a still, all moving as the camera makes them but for one.

    The object moves as a whole, slowly, in parts only (it bends) or for a part of the clip; a
    second cut-out may be joined to it. The background may have a nearer part that moves faster, and
    something may pass in front. Raises ValueError unless there are `STILLS` stills.
    """
    if len(stills) != STILLS:
        raise ValueError(f"a composite takes {STILLS} stills, got {len(stills)}")
    wanted, behind, *bystanders, front = stills
    camera = steady_motion(length, camera_speed(generator), generator)
    background = behind.picture()
    ground = camera @ cover(background.shape, crop, generator)
    layers = []
    if generator.random() < 0.25:
        layers.append(_near_ground(behind, camera, crop, generator))
    for still in bystanders[: int(generator.integers(0, 3))]:
        path = _nearer(camera, generator.uniform(0.97, 1.08)) @ _placed(still, crop, generator)
        layers.append(_cut_out(still, path, wanted=False))
    moving = _moving(wanted, bystanders[-1], camera, crop, generator)
    at = len(layers) if generator.random() < 0.7 else int(generator.integers(len(layers) + 1))
    layers[at:at] = moving
    if generator.random() < 0.25:
        layers.append(_in_front(front, camera, crop, generator))
    frames, masks = _render(background, ground, layers, crop)
    return finish(_noisy(frames, generator), masks, generator)


def _moving(
    still: LabelledStill,
    companion: LabelledStill,
    camera: NDArray[np.float64],
    crop: Crop,
    generator: np.random.Generator,
) -> list[_Layer]:
    length = len(camera)
    movement = get_args(Movement)[int(generator.choice(4, p=_SHARES))]
    own = _own_motion(movement, length, generator)
    # Either it moves before what the camera sees, or the camera follows it.
    follows = movement == "whole" and generator.random() < 0.35
    path = own if follows else own @ camera
    place = _placed(still, crop, generator)
    layers = []
    if generator.random() < 0.15:
        beside = _placed(companion, crop, generator, largest=0.5)
        beside[:2, 2] += _middle(still, place) - _middle(companion, beside)
        layers.append(_cut_out(companion, path @ beside, wanted=True))
    bends = movement == "parts" or generator.random() < 0.4
    layer = _cut_out(still, path @ place, wanted=True)
    layers.append(_bent(layer, place, generator) if bends else layer)
    return layers


def _own_motion(
    movement: Movement, length: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the object's motion in the clip's pixels, beside the camera's: (T, 3, 3)."""
    if movement == "parts":
        return np.stack([np.eye(3)] * length)
    fastest = 1.2 + generator.exponential(2.5)
    speed = generator.uniform(0.3, 1.2) if movement == "slow" else fastest
    motion = steady_motion(length, speed, generator)
    if movement == "halts":
        turn = int(generator.integers(length // 4, length - length // 4))
        held = np.maximum(np.arange(length), turn)
        if generator.random() < 0.5:
            held = np.minimum(np.arange(length), turn)
        motion = motion[held]
    return motion


def _placed(
    still: LabelledStill, crop: Crop, generator: np.random.Generator, largest: float = 0.9
) -> NDArray[np.float64]:
    """Draw where a cut-out lies in the clip's middle frame and how large it is: (3, 3)."""
    mask = still.mask()
    if is_cut_off(mask):  # its cut edge would show
        return cover(mask.shape, crop, generator)
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    share = float(np.exp(generator.uniform(np.log(0.15), np.log(largest))))
    scale = share * min(crop.height / height, crop.width / width)
    middle = np.array([crop.width, crop.height]) * generator.uniform(0.1, 0.9, 2)
    centred = similarity(1, 0, -np.array([left + width / 2, top + height / 2]))
    return similarity(scale, float(generator.normal(0, 6)), middle) @ centred


def _middle(still: LabelledStill, place: NDArray[np.float64]) -> NDArray[np.float64]:
    left, top, width, height = cv2.boundingRect(still.mask().view(np.uint8))
    return np.asarray((place @ [left + width / 2, top + height / 2, 1.0])[:2], np.float64)


def _cut_out(still: LabelledStill, path: NDArray[np.float64], *, wanted: bool) -> _Layer:
    count = len(path)
    return _Layer([still.picture()] * count, [opacity_of(still.mask())] * count, path, wanted)


def _bent(layer: _Layer, place: NDArray[np.float64], generator: np.random.Generator) -> _Layer:
    """Let one end of a cut-out swing to and fro, as legs, tails and heads do."""
    opacity = layer.opacities[0]
    rows, columns = np.indices(opacity.shape, np.float32)
    left, top, width, height = cv2.boundingRect((opacity > 127).view(np.uint8))
    along = (rows - top) / max(1, height)
    if generator.random() < 0.3:
        along = (columns - left) / max(1, width)
    if generator.random() < 0.4:  # the upper end swings, not the lower one
        along = 1 - along
    pivot = generator.uniform(0.2, 0.6)
    weight = np.clip((along - pivot) / (1 - pivot), 0, 1.2).astype(np.float32)
    # In the still's pixels: 2 to 10 of the clip's.
    scale = float(np.sqrt(abs(np.linalg.det(place[:2, :2]))))
    reach = generator.uniform(2, 10) / max(scale, 1e-3)
    angle, phase = generator.uniform(0, 2 * np.pi, 2)
    period = generator.uniform(6, 16)
    pictures, opacities = [], []
    for t in range(len(layer.path)):
        swing = np.float32(reach * np.sin(2 * np.pi * t / period + phase)) * weight
        x = (columns - np.cos(angle) * swing).astype(np.float32)
        y = (rows - np.sin(angle) * swing).astype(np.float32)
        pictures.append(_warped(layer.pictures[0], x, y))
        opacities.append(_warped(opacity, x, y))
    return _Layer(pictures, opacities, layer.path, layer.wanted)


def _warped(
    picture: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.uint8]:
    # What swings beyond the still's edge must not be smeared, hence no repeated border.
    border = cv2.BORDER_REFLECT_101 if picture.ndim == 3 else cv2.BORDER_CONSTANT
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def _nearer(camera: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Return the camera's motion as seen by what is nearer by a factor: parallax."""
    nearer = camera.copy()
    nearer[:, :2, 2] *= factor
    return nearer


def _near_ground(
    still: LabelledStill, camera: NDArray[np.float64], crop: Crop, generator: np.random.Generator
) -> _Layer:
    picture = still.picture()
    height, width = picture.shape[:2]
    edge = generator.uniform(0.4, 0.8) * height
    slope = generator.normal(0, 0.15)
    rows, columns = np.indices((height, width), np.float32)
    below = rows > edge + slope * (columns - width / 2)
    path = _nearer(camera, generator.uniform(1.05, 1.35)) @ cover(picture.shape, crop, generator)
    return _Layer([picture] * len(path), [opacity_of(below)] * len(path), path, wanted=False)


def _in_front(
    still: LabelledStill, camera: NDArray[np.float64], crop: Crop, generator: np.random.Generator
) -> _Layer:
    nearer = _nearer(camera, generator.uniform(1.0, 1.5))
    if generator.random() < 0.5:
        return _cut_out(still, nearer @ _placed(still, crop, generator, 0.5), wanted=False)
    picture = still.picture()
    columns = np.arange(picture.shape[1])
    half = generator.uniform(0.01, 0.06) * picture.shape[1]
    strip = np.abs(columns - generator.uniform(0.2, 0.8) * picture.shape[1]) < half
    opacity = opacity_of(np.broadcast_to(strip, picture.shape[:2]))
    path = nearer @ cover(picture.shape, crop, generator)
    return _Layer([picture] * len(path), [opacity] * len(path), path, wanted=False)


def _render(
    background: NDArray[np.uint8],
    ground: NDArray[np.float64],
    layers: Sequence[_Layer],
    crop: Crop,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Paste layers, the last one on top; return frames, and masks of where the object is seen."""
    size = (crop.width, crop.height)
    frames, masks = [], []
    for t, matrix in enumerate(ground):
        frame = cv2.warpAffine(background, matrix[:2], size, borderMode=cv2.BORDER_REFLECT_101)
        seen = np.zeros((crop.height, crop.width), bool)
        for layer in layers:
            path = layer.path[t][:2]
            alpha = cv2.warpAffine(layer.opacities[t], path, size)
            top = cv2.warpAffine(layer.pictures[t], path, size, borderMode=cv2.BORDER_REFLECT_101)
            share = alpha[..., None].astype(np.float32) / 255
            frame = (top * share + frame * (1 - share)).astype(np.uint8)
            opaque = alpha > 127
            seen = seen | opaque if layer.wanted else seen & ~opaque
        frames.append(frame)
        masks.append(seen)
    return np.stack(frames), np.stack(masks)


def _noisy(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Add a camera's noise, another in each frame, to half of the clips."""
    if generator.random() < 0.5:
        return frames
    noise = generator.normal(0, generator.uniform(1, 6), frames.shape[:3]).astype(np.float32)
    return np.asarray(np.clip(frames + noise[..., None], 0, 255), np.uint8)
