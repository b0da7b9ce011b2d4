"""Training clips: parts of labelled videos, and stills set in motion.

A network that sees stills only learns what is salient, so in most clips of stills an object moves
against its background, in some over another picture whose own object stands still.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.values import LabelledSequence, LabelledStill

Clip = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""A clip (T, H, W, 3) uint8, RGB and its masks (T, H, W) bool."""

Layer = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""A picture (H, W, 3) uint8, RGB and its opacity (H, W) uint8."""


@dataclass(frozen=True)
class Crop:
    """The size of training clips, pixels; at scale 1 a video's shorter side is `short_side`."""

    height: int
    width: int
    short_side: int
    scales: tuple[float, float]

    def resized(self, short_side: int) -> "Crop":
        """Return the crop of the same part of a video of another short side, in multiples of 32."""
        factor = short_side / self.short_side / 32
        height, width = (max(1, round(side * factor)) * 32 for side in (self.height, self.width))
        return Crop(height, width, short_side, self.scales)


def video_clip(
    video: LabelledSequence,
    length: int,
    crop: Crop,
    generator: np.random.Generator,
    *,
    close: bool = False,
) -> Clip:
    """Cut a clip: random gap, direction, scale, place and flip; the object fills it if `close`."""
    gap = int(generator.integers(1, 4))
    gap = min(gap, max(1, (len(video) - 1) // max(1, length - 1)))
    start = int(generator.integers(0, max(1, len(video) - gap * (length - 1))))
    order = np.minimum(start + gap * np.arange(length), len(video) - 1)
    if generator.random() < 0.5:
        order = order[::-1]
    return _cut_out(video, order, crop, generator, close=close)


def action_clip(
    video: LabelledSequence, length: int, crop: Crop, generator: np.random.Generator
) -> Clip:
    """Cut out frames in a row, never reversed: to sit down backwards is to stand up."""
    start = int(generator.integers(0, max(1, len(video) - length + 1)))
    order = np.minimum(start + np.arange(length), len(video) - 1)
    return _cut_out(video, order, crop, generator)


def _cut_out(
    video: LabelledSequence,
    order: NDArray[np.int_],
    crop: Crop,
    generator: np.random.Generator,
    *,
    close: bool = False,
) -> Clip:
    pictures, truths = video.read([int(i) for i in order])
    length = len(order)
    height, width, _ = pictures[0].shape
    scale = _scale(crop, generator) * crop.short_side / min(height, width)
    if close:
        scale = max(scale, _filling_scale(truths, (height, width), crop, generator))
    size = (round(width * scale), round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    frames = _each(pictures, lambda frame: cv2.resize(frame, size, interpolation=how))
    masks = _each(
        (truth.view(np.uint8) for truth in truths),
        lambda mask: cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST),
    )
    window = _window(masks[length // 2], crop, generator, tries=12 if close else 3)
    return finish(_cut(frames, window, crop), _cut(masks, window, crop) > 0, generator)


def _filling_scale(
    truths: Sequence[NDArray[np.bool_]],
    size: tuple[int, int],
    crop: Crop,
    generator: np.random.Generator,
) -> float:
    """Return the scale at which an object and its surroundings fill the crop, at most 4."""
    shape = truths[0].shape
    _, _, width, height = cv2.boundingRect(np.any(truths, axis=0).view(np.uint8))
    if not width:
        return 0.0
    shown = (width * size[1] / shape[1], height * size[0] / shape[0])
    margin = generator.uniform(1.2, 2.2)
    return float(min(4.0, crop.width / (margin * shown[0]), crop.height / (margin * shown[1])))


def still_clip(
    still: LabelledStill,
    others: Sequence[LabelledStill],
    length: int,
    crop: Crop,
    generator: np.random.Generator,
) -> Clip:
    """Set a still in motion, with two others as another background and an unwanted object.

    A quarter of the clips move as a whole, as under a moving camera. In the rest the object moves
    by itself, over its own background with the hole filled, or over another still; objects that
    move as the background does are background.
    """
    picture, mask = still.picture(), still.mask()
    place = cover(picture.shape, crop, generator)
    camera = steady_motion(length, camera_speed(generator), generator)
    chance = generator.random() if length > 1 else 0.0  # nothing moves in a single frame
    if chance < 0.25:
        layers = [((picture, opacity_of(mask)), camera @ place)]
        frames, masks = _render(picture, camera @ place, layers, crop)
        return finish(frames, masks[0], generator)
    if chance < 0.6:
        background, ground = _filled(picture, mask, generator), camera @ place
    else:
        background = others[0].picture()
        ground = camera @ cover(background.shape, crop, generator)
        # An object that its picture cuts off would show the cut if it were small.
        smallest = 0.86 if is_cut_off(mask) else 0.4
        place = cover(picture.shape, crop, generator, smallest)
    # Either the object moves by itself, or the camera follows it.
    follows = np.ptp(camera[:, :2, 2], axis=0).max() > length and generator.random() < 0.4
    own = steady_motion(length, 0.5 if follows else 1 + generator.exponential(3.0), generator)
    layers = [((picture, opacity_of(mask)), own @ place @ _stretch(length, generator))]
    if generator.random() < 0.3:
        other = others[1]
        beside = cover(other.picture().shape, crop, generator)
        layers.insert(0, ((other.picture(), opacity_of(other.mask())), camera @ beside))
    frames, masks = _render(background, ground, layers, crop)
    return finish(frames, masks[-1], generator)


def _scale(crop: Crop, generator: np.random.Generator) -> float:
    low, high = np.log(crop.scales)
    return float(np.exp(generator.uniform(low, high)))


def _window(
    mask: NDArray[np.uint8], crop: Crop, generator: np.random.Generator, tries: int
) -> tuple[int, int]:
    """Choose the crop's first row and column, preferring places that hold much foreground."""
    spare = (mask.shape[0] - crop.height, mask.shape[1] - crop.width)
    best, most = (0, 0), -1
    for _ in range(tries):
        place = [int(generator.integers(min(0, s), max(0, s) + 1)) for s in spare]
        inside = mask[
            max(0, place[0]) : place[0] + crop.height, max(0, place[1]) : place[1] + crop.width
        ]
        held = int(np.count_nonzero(inside))
        if held > most:
            best, most = (place[0], place[1]), held
    return best


def _cut(stack: NDArray[np.uint8], window: tuple[int, int], crop: Crop) -> NDArray[np.uint8]:
    """Cut the crop out of pictures (T, H, W, ...); beyond them their edge repeats."""
    rows = np.clip(np.arange(window[0], window[0] + crop.height), 0, stack.shape[1] - 1)
    columns = np.clip(np.arange(window[1], window[1] + crop.width), 0, stack.shape[2] - 1)
    return stack[:, rows[:, None], columns]


def similarity(scale: float, degrees: float, shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) matrix that scales and turns about the origin, then shifts (x, y)."""
    angle = np.radians(degrees)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]], [0.0, 0.0, 1.0]])


def cover(
    shape: tuple[int, ...], crop: Crop, generator: np.random.Generator, smallest: float = 0.86
) -> NDArray[np.float64]:
    """Draw how a still lies in the middle frame: (3, 3); at scale 1 it just covers the clip."""
    cover = max(crop.height / shape[0], crop.width / shape[1])
    scale = cover * float(np.exp(generator.uniform(np.log(smallest), np.log(1.5))))
    slack = np.abs([shape[1] * scale - crop.width, shape[0] * scale - crop.height]) / 2
    shift = np.array([crop.width / 2, crop.height / 2]) + generator.uniform(-1, 1, 2) * slack
    centred = similarity(1, 0, np.array([-shape[1] / 2, -shape[0] / 2]))
    return similarity(scale, float(generator.normal(0, 4)), shift) @ centred


def camera_speed(generator: np.random.Generator) -> float:
    """Draw a camera's speed, pixels of the clip a frame; a fifth of the cameras stand still."""
    return float(generator.exponential(2.5)) if generator.random() < 0.8 else 0.0


def steady_motion(length: int, speed: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw a steady motion with small shakes, in the clip's pixels: (T, 3, 3), identity halfway."""
    angle = generator.uniform(0, 2 * np.pi)
    velocity = speed * np.array([np.cos(angle), 0.6 * np.sin(angle)])
    turn = float(generator.normal(0, 0.4)) * min(1.0, speed)
    zoom = float(generator.normal(0, 0.008)) * min(1.0, speed)
    shake = generator.normal(0, 0.25 * min(2.0, speed), (length, 2))
    times = np.arange(length) - (length - 1) / 2
    return np.stack(
        [
            similarity(float(np.exp(zoom * t)), turn * t, velocity * t + s)
            for t, s in zip(times, shake, strict=True)
        ]
    )


def _stretch(length: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw a slow change of an object's height and width, in its own pixels: (T, 3, 3)."""
    rates = generator.normal(0, 0.006, 2)
    return np.stack([np.diag([*(1 + rates * t), 1.0]) for t in range(length)])


def is_cut_off(mask: NDArray[np.bool_]) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def opacity_of(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Soften a mask's edge to the (H, W) uint8 that it is pasted with."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.uint8) * 255, (3, 3), 0), np.uint8)


def _filled(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Fill the object's place with the colours around it, coarse to fine."""
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    known = (~wide).astype(np.float32)
    filled = picture.astype(np.float32) * known[..., None]
    empty = wide
    for size in (15, 41, 121, 321):
        weight = cv2.blur(known, (size, size), borderType=cv2.BORDER_REFLECT_101)
        colour = cv2.blur(
            filled * known[..., None], (size, size), borderType=cv2.BORDER_REFLECT_101
        )
        reached = empty & (weight > 0.02)
        filled[reached] = colour[reached] / weight[reached][:, None]
        empty = empty & ~reached
    filled[wide] += generator.normal(0, 4, (int(wide.sum()), 1))
    return np.asarray(np.clip(filled, 0, 255), np.uint8)


def _render(
    background: NDArray[np.uint8],
    camera: NDArray[np.float64],
    layers: list[tuple[Layer, NDArray[np.float64]]],
    crop: Crop,
) -> tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]:
    """Paste layers along their paths over the background; return frames and each layer's masks."""
    size = (crop.width, crop.height)
    frames = []
    masks: list[list[NDArray[np.bool_]]] = [[] for _ in layers]
    for t, matrix in enumerate(camera):
        frame = cv2.warpAffine(background, matrix[:2], size, borderMode=cv2.BORDER_REFLECT_101)
        for ((picture, opacity), path), seen in zip(layers, masks, strict=True):
            alpha = cv2.warpAffine(opacity, path[t][:2], size)
            top = cv2.warpAffine(picture, path[t][:2], size, borderMode=cv2.BORDER_REFLECT_101)
            share = alpha[..., None].astype(np.float32) / 255
            frame = (top * share + frame * (1 - share)).astype(np.uint8)
            seen.append(alpha > 127)
        frames.append(frame)
    return np.stack(frames), [np.stack(seen) for seen in masks]


def finish(
    frames: NDArray[np.uint8], masks: NDArray[np.bool_], generator: np.random.Generator
) -> Clip:
    """Flip at random and change light and colour, the same for all frames."""
    if generator.random() < 0.5:
        frames, masks = frames[:, :, ::-1], masks[:, :, ::-1]
    return np.ascontiguousarray(_relit(frames, generator)), np.ascontiguousarray(masks)


def _relit(frames: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    ramp = np.linspace(0, 1, 256)[:, None]
    gain = np.exp(generator.normal(0, 0.18)) * np.exp(generator.normal(0, 0.05, 3))
    lift = generator.normal(0, 0.05)
    curve = (ramp ** np.exp(generator.normal(0, 0.2))) * gain + lift
    table = (np.clip(curve, 0, 1) * 255).astype(np.uint8)[None]  # (1, 256, 3)
    relit = _each(frames, lambda frame: cv2.LUT(np.ascontiguousarray(frame), table))
    chance = generator.random()
    if chance < 0.3:
        colour = np.float32(0.0 if chance < 0.05 else generator.uniform(0.4, 1.5))
        grey = relit.mean(axis=-1, keepdims=True, dtype=np.float32)
        relit = np.clip(grey + colour * (relit - grey), 0, 255).astype(np.uint8)
    if generator.random() < 0.12:
        sigma = float(generator.uniform(0.5, 1.5))
        relit = _each(relit, lambda frame: cv2.GaussianBlur(frame, (0, 0), sigma))
    return relit


def _each(
    pictures: Iterable[NDArray[np.uint8]], change: Callable[[NDArray[np.uint8]], Any]
) -> NDArray[np.uint8]:
    return np.asarray(np.stack([change(picture) for picture in pictures]), np.uint8)
