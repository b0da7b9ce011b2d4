"""From one frame's probability map to its objects."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import rle
from pipeline.values import Instances, SegmentedObject

# Smaller than this share of the frame is noise: 21x21 pixels in 854x480.
MIN_AREA_SHARE = 0.001
# Smoke and spray fall into hundreds of pieces; the largest ones are kept.
MAX_OBJECTS = 50


def find_objects(
    probability: NDArray[np.float32], threshold: float, instances: Instances
) -> tuple[SegmentedObject, ...]:
    """Cut a probability map (H, W) float32 at the source's size into objects.

    Args:
        probability: of foreground, 0 to 1.
        threshold: from which a pixel is foreground.
        instances: `primary` for the whole foreground as one object, `components` for each
            8-connected component apart.

    Returns:
        Objects of at least `MIN_AREA_SHARE` of the frame, at most `MAX_OBJECTS`, largest first.
    """
    mask = (probability >= threshold).view(np.uint8)
    if instances == "primary":
        area = cv2.countNonZero(mask)
        x, y, width, height = cv2.boundingRect(mask)
        boxes = np.array([[x, y, width, height, area]], np.int32)
        labels = mask.astype(np.int32)
    else:
        _, found, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        labels = found.astype(np.int32, copy=False)
        boxes = stats[1:].astype(np.int32, copy=False)  # the first one is the background
    areas = boxes[:, cv2.CC_STAT_AREA]
    order = np.argsort(-areas, kind="stable")[:MAX_OBJECTS]
    return tuple(
        _object(labels == label + 1, probability, boxes[label])
        for label in order
        if areas[label] >= max(1, MIN_AREA_SHARE * mask.size)
    )


def _object(
    mask: NDArray[np.bool_], probability: NDArray[np.float32], box: NDArray[np.int32]
) -> SegmentedObject:
    x, y, width, height, area = (int(value) for value in box)
    inside = (slice(y, y + height), slice(x, x + width))
    score = cv2.mean(probability[inside], mask[inside].view(np.uint8))[0]
    return SegmentedObject(
        mask=rle.encode(mask), box=(x, y, width, height), area=area, score=min(1.0, score)
    )
