"""Frames as lines of JSON: between the steps of a job, and in its result."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from jobs.values import Masks
from pipeline.values import Fault, Rle, SegmentedFrame, SegmentedObject


def to_line(frame: SegmentedFrame, masks: Masks) -> str:
    r"""Write a frame as in the result; times are rounded to microseconds, scores to four digits.

    >>> mask = Rle(2, 3, "06")
    >>> cat = SegmentedObject(mask=mask, box=(0, 0, 3, 2), area=6, score=0.98765, track=1)
    >>> to_line(SegmentedFrame(7, 0.2333333333, (cat,)), "none")
    '{"index":7,"time_s":0.233333,"objects":[{"track":1,"score":0.9877,"box":[0,0,3,2],"area":6}]}\n'
    """
    return _dump(
        {
            "index": frame.index,
            "time_s": round(frame.time_s, 6),
            **_fault(frame),
            **({"cut": True} if frame.cuts else {}),
            "objects": [
                _object(item, round(item.score, 4), with_mask=masks == "rle") | _action(item)
                for item in frame.objects
            ],
        }
    )


def to_part(frame: SegmentedFrame) -> str:
    """Write a frame so that `from_part` gives the very same back."""
    return _dump(
        {
            "index": frame.index,
            "time_s": frame.time_s,
            **_fault(frame),
            **({"cuts": list(frame.cuts)} if frame.cuts else {}),
            "objects": [
                _object(item, item.score, with_mask=True) | {"actions": dict(item.actions)}
                for item in frame.objects
            ],
        }
    )


def from_part(line: str) -> SegmentedFrame:
    frame = json.loads(line)
    objects = tuple(_read_object(item) for item in frame["objects"])
    fault = next((fault for fault in get_args(Fault) if frame.get(fault)), None)
    cuts = tuple(frame.get("cuts", ()))
    return SegmentedFrame(frame["index"], frame["time_s"], objects, fault, cuts)


def _fault(frame: SegmentedFrame) -> dict[str, Any]:
    return {} if frame.fault is None else {frame.fault: True}


def _read_object(item: Mapping[str, Any]) -> SegmentedObject:
    height, width = item["segmentation"]["size"]
    x, y, box_width, box_height = item["box"]
    return SegmentedObject(
        mask=Rle(height, width, item["segmentation"]["counts"]),
        box=(x, y, box_width, box_height),
        area=item["area"],
        score=item["score"],
        track=item["track"],
        actions=item.get("actions", {}),  # not in parts of a version before actions
    )


def _action(item: SegmentedObject) -> dict[str, Any]:
    if item.action is None:
        return {}
    return {"action": {"label": item.action.label, "score": round(item.action.score, 4)}}


def _object(item: SegmentedObject, score: float, *, with_mask: bool) -> dict[str, Any]:
    written: dict[str, Any] = {
        "track": item.track,
        "score": score,
        "box": list(item.box),
        "area": item.area,
    }
    if with_mask:
        written["segmentation"] = {
            "size": [item.mask.height, item.mask.width],
            "counts": item.mask.counts,
        }
    return written


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"
