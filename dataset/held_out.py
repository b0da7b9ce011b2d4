"""What no model here trains on, of the data sets' parts for training: models are chosen by it."""

import zlib
from collections.abc import Sequence

from dataset.jhmdb import ActionClip
from dataset.values import LabelledVideo

DAVIS = (
    "bmx-bumps",
    "breakdance-flare",
    "dance-jump",
    "drift-turn",
    "hockey",
    "kite-walk",
    "motocross-bumps",
    "paragliding",
    "surf",
    "swing",
)
"""The ten hard sequences of DAVIS train.

Crowds, smoke, spray, occlusion and small objects are among them: six easier ones that were held out
before could not tell one network from another.
"""


def split_davis(videos: Sequence[LabelledVideo]) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
    """Part sequences of DAVIS train into those to train on and those held out."""
    held_out = [video for video in videos if video.name in DAVIS]
    return [video for video in videos if video.name not in DAVIS], held_out


def split_jhmdb(clips: Sequence[ActionClip]) -> tuple[list[ActionClip], list[ActionClip]]:
    """Part clips of split 1 of J-HMDB, film by film: 134 of 660 are held out, of all 21 actions."""
    held_out = [clip for clip in clips if _is_held_out(clip.film)]
    return [clip for clip in clips if not _is_held_out(clip.film)], held_out


def _is_held_out(film: str) -> bool:
    return zlib.crc32(film.encode()) % 5 == 4
