"""The report on cuts: those found in montages, and in files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy import uint8
from numpy.typing import NDArray

from dataset.values import LabelledVideo
from evaluation import montage
from evaluation.table import percent
from pipeline.media.decode import decode, scan
from pipeline.network.cuts import REACH, CutFinder
from pipeline.values import VideoLimits

PIECES = 16
_LIMITS = VideoLimits(max_pixels=2**26, max_frames=100_000, max_duration_s=3600)


def find_cuts(pictures: Iterable[NDArray[uint8]]) -> list[int]:
    """Return the frames of a whole video that shots begin with, but for the first one."""
    finder, count = CutFinder(), 0
    for picture in pictures:
        finder.add(count, picture)
        count += 1
        if count > REACH:
            finder.look(count - REACH)
    for index in range(max(1, count - REACH + 1), count):
        finder.look(index)
    return [index for index in range(count) if index in finder]


def score(videos: Sequence[LabelledVideo], montages: int) -> dict[str, Any]:
    """Count the cuts and fades of montages that are found, missed, or found where none are."""
    found = missed = false = 0
    for seed in range(montages):
        pieces = montage.plan(videos, PIECES, seed)
        told = find_cuts(montage.frames(pieces))
        for place in montage.boundaries(pieces):
            hit = next((cut for cut in told if cut in place), None)
            if hit is None:
                missed += 1
            else:
                found += 1
                told.remove(hit)
        false += len(told)
    return {
        "montages": montages,
        "found": found,
        "missed": missed,
        "false": false,
        "precision": found / max(1, found + false),
        "recall": found / max(1, found + missed),
    }


def files(paths: Sequence[Path]) -> Iterator[tuple[Path, list[int], int]]:
    """Yield each file with its cuts and how many frames it has."""
    for path in paths:
        video = scan(path, _LIMITS)
        count = video.info.frame_count
        yield path, find_cuts(frame.pixels for frame in decode(path, video, range(count))), count


def text(found: Mapping[str, Any]) -> str:
    return (
        f"{found['montages']} montages of {PIECES} pieces: {found['found']} cuts and fades found, "
        f"{found['missed']} missed, {found['false']} where none are: "
        f"precision {percent(found['precision'])}, recall {percent(found['recall'])}"
    )
