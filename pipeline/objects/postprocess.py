"""From one frame's probability map to its objects."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.objects import rle
from pipeline.values import SegmentedObject

# Smaller than this share of the frame is noise: 21x21 pixels in 854x480.
MIN_AREA_SHARE = 0.001
# A bystander or a patch of background beside the object is mostly smaller than this; a part of it
# that something in front cuts off may be as large.
PRIMARY_SHARE = 0.5
# Smoke and spray fall into hundreds of pieces; the largest ones are kept.
MAX_OBJECTS = 50


def find_objects(probability: NDArray[np.float32], threshold: float) -> tuple[SegmentedObject, ...]:
    """Cut a probability map (H, W), 0 to 1, of the source's size into 8-connected components.

    Those of `MIN_AREA_SHARE` of the frame or more are returned, at most `MAX_OBJECTS`, largest
    first.
    """
    mask = probability >= threshold
    min_area = max(1.0, MIN_AREA_SHARE * mask.size)
    # Labelling costs by the pixel, and most of the picture is background.
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    foreground = mask[top : top + height, left : left + width].view(np.uint8)
    if foreground.size == 0:
        return ()
    labels, areas = _components(foreground)
    order = 1 + np.argsort(-areas[1:], kind="stable")[:MAX_OBJECTS]  # label 0 is the background
    objects = []
    for label in (int(label) for label in order if areas[label] >= min_area):
        inside = labels == label
        x, y, width, height = cv2.boundingRect(inside.view(np.uint8))
        box = (left + x, top + y, width, height)
        component = np.zeros_like(mask)
        component[box[1] : box[1] + height, box[0] : box[0] + width] = inside[
            y : y + height, x : x + width
        ]
        objects.append(_object(component, probability, box, int(areas[label])))
    return tuple(objects)


def primary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what of a mask (H, W) bool stands out: its largest component, and those like it."""
    labels, areas = _components(mask.view(np.uint8))
    kept = areas >= PRIMARY_SHARE * areas[1:].max(initial=1)
    kept[0] = False
    return np.asarray(kept[labels])


def _components(mask: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    # OpenCV's connectedComponentsWithStats takes four times as long.
    labels = np.asarray(cv2.connectedComponents(mask, connectivity=8)[1], np.int32)
    return labels, np.bincount(labels.reshape(-1))


def _object(
    mask: NDArray[np.bool_],
    probability: NDArray[np.float32],
    box: Sequence[int],
    area: int,
) -> SegmentedObject:
    x, y, width, height = box
    inside = (slice(y, y + height), slice(x, x + width))
    score = cv2.mean(probability[inside], mask[inside].view(np.uint8))[0]
    return SegmentedObject(
        mask=rle.encode(mask, slice(x, x + width)),
        box=(x, y, width, height),
        area=area,
        score=min(1.0, score),
    )
