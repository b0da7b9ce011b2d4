"""The objects of a frame as supervision's `Detections`, for its annotators, zones and counters."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rotograph.results import Frame

if TYPE_CHECKING:
    from supervision import Detections

# The model finds what stands out, and tells no kinds apart.
KIND = "object"


def as_detections(frame: Frame) -> "Detections":
    """Turn a frame of N objects into `supervision.Detections`; raises ImportError without it.

    They have `xyxy` (N, 4) float32 in pixels, `mask` (N, H, W) bool or None without masks,
    `confidence` (N,) float32, the tracks as `tracker_id` (N,), `class_id` 0, and in `data`
    `class_name` and, where actions are predicted, `action`.
    """
    try:
        from supervision import Detections  # noqa: PLC0415 - the client does without it
    except ImportError as error:
        raise ImportError(
            "Detections need the package supervision: pip install supervision"
        ) from error
    objects = frame.objects
    masks = [mask for _, mask in frame.masks()]
    texts: dict[str, NDArray[np.generic] | list[str]] = {
        "class_name": np.array([KIND] * len(objects), str)
    }
    actions = [found.action.label for found in objects if found.action]
    if objects and len(actions) == len(objects):
        texts["action"] = np.array(actions)
    boxes = np.array([found.box for found in objects], np.float32).reshape(-1, 4)
    return Detections(
        xyxy=np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]),
        mask=np.stack(masks) if masks else None,
        confidence=np.array([found.score for found in objects], np.float32),
        class_id=np.zeros(len(objects), int),
        tracker_id=np.array([found.track for found in objects], int),
        data=texts,
    )
