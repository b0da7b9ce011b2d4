"""The report on tracks: HOTA, IDF1 and fragmentations beside true ones, and what can be told alone.

TrackEval is among the requirements of the tests only. Source: Luiten et al., "HOTA: A Higher Order
Metric for Evaluating Multi-Object Tracking", IJCV 2021.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from trackeval.metrics import CLEAR, HOTA, Identity

from dataset.values import DatasetError
from evaluation import numbered
from evaluation.numbered import Objects
from evaluation.table import percent, table
from evaluation.touching import separated
from pipeline.media.decode import scan
from pipeline.objects import rle
from pipeline.objects.tracks import Tracker, link_all
from pipeline.segmenter import Segmenter
from pipeline.values import Instances, ScannedVideo, SegmentedFrame, Track, VideoLimits

_LIMITS = VideoLimits(max_pixels=2**26, max_frames=100_000, max_duration_s=3600)


@dataclass(frozen=True)
class Tracked:
    """What was found in a video of so many minutes; `median_s` is of the tracks' lengths."""

    frames: Sequence[SegmentedFrame]
    tracks: Sequence[Track]
    minutes: float
    median_s: float


def track(segmenter: Segmenter, path: Path, instances: Instances) -> Tracked:
    """Segment a video and link its objects, as the service does."""
    video = scan(path, _LIMITS)
    tracker = Tracker(instances)
    found = segmenter.segment(path, video, range(video.info.frame_count))
    frames = list(link_all(found, tracker))
    tracks = tracker.tracks()
    lengths = [_length_s(video, one) for one in tracks]
    median_s = float(np.median(lengths)) if lengths else 0.0
    return Tracked(frames, tracks, video.info.duration_s / 60, median_s)


def read_truth(folder: Path) -> list[Objects]:
    """Read `NNNNN.png` of each frame, whose values are the objects' numbers, 0 the background."""
    truth = numbered.read(sorted(folder.glob("*.png")))
    if not truth:
        raise DatasetError(f"{folder} must hold the masks of frames, NNNNN.png, got none.")
    return truth


def score(
    truth: Sequence[Objects], found: Sequence[Objects], minutes: float
) -> dict[str, float | None]:
    """Compare tracks with true ones: HOTA, IDF1 and `apart` as fractions, fragmentations a minute.

    `apart` is the share of the `touching` pairs of objects that are told apart; None without any.
    """
    data = _to_data(truth, found)
    metrics = {"THRESHOLD": 0.5, "PRINT_CONFIG": False}
    hota, identity = HOTA().eval_sequence(data), Identity(metrics).eval_sequence(data)
    clear = CLEAR(metrics).eval_sequence(data)
    apart, touching = separated(truth, found)
    return {
        "HOTA": float(np.mean(hota["HOTA"])),
        "IDF1": float(identity["IDF1"]),
        "fragmentations": float(clear["Frag"]) / minutes,
        "apart": apart / touching if touching else None,
        "touching": touching,
    }


def text(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            name,
            *(percent(item.get(key)) for key in ("HOTA", "IDF1")),
            f"{item['fragmentations']:.1f}" if "fragmentations" in item else "-",
            f"{percent(item['apart'])} of {item['touching']}" if item.get("touching") else "-",
            str(item["tracks"]),
            f"{item['tracks_a_minute']:.1f}",
            f"{item['median_s']:.2f}",
        ]
        for name, item in found.items()
    ]
    header = ["video", "HOTA", "IDF1", "fragmentations/min", "touching apart"]
    return table([*header, "tracks", "tracks/min", "median s"], rows)


def told(found: Tracked) -> dict[str, float | None]:
    count = len(found.tracks)
    return {
        "tracks": count,
        "tracks_a_minute": count / found.minutes,
        "median_s": found.median_s,
    }


def _to_data(truth: Sequence[Objects], found: Sequence[Objects]) -> dict[str, Any]:
    if len(truth) != len(found):
        raise DatasetError(f"There must be masks of {len(found)} frames, got {len(truth)}.")
    sides: dict[str, Any] = {}
    for name, frames in (("gt", truth), ("tracker", found)):
        numbers = sorted({number for frame in frames for number in frame})
        ids = [np.array([numbers.index(number) for number in frame], int) for frame in frames]
        sides |= {
            f"{name}_ids": ids,
            f"num_{name}_ids": len(numbers),
            f"num_{name}_dets": sum(map(len, ids)),
        }
    pairs = zip(truth, found, strict=True)
    overlaps = [rle.iou(list(a.values()), list(b.values())) for a, b in pairs]
    return sides | {"similarity_scores": overlaps, "num_timesteps": len(truth)}


def _length_s(video: ScannedVideo, one: Track) -> float:
    count = video.info.frame_count
    end_s = video.time_s(one.stop) if one.stop < count else video.info.duration_s
    return end_s - video.time_s(one.start)
