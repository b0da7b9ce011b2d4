"""The formats on offer: how each is called, what it needs, and what writes it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from formats.alpha import alpha
from formats.coco import coco
from formats.cvat import cvat
from formats.davis import MOST_TRACKS, davis
from formats.footage import Footage
from formats.labelstudio import labelstudio
from formats.mattes import mattes
from formats.overlay import overlay
from formats.result import Result
from formats.ytvis import ytvis


@dataclass(frozen=True, kw_only=True)
class TextFormat:
    """A format that is written in pieces of text while it is sent.

    Attributes:
        media_type: of the answer.
        ending: of the file's name, after that of the video.
        needs_masks: whether a result without masks can't be written so.
        write: from a result to the pieces of its text.
    """

    media_type: str
    ending: str
    needs_masks: bool
    write: Callable[[Result], Iterator[str]]


TEXT_FORMATS: Mapping[str, TextFormat] = {
    "coco": TextFormat(
        media_type="application/json", ending=".coco.json", needs_masks=False, write=coco
    ),
    "ytvis": TextFormat(
        media_type="application/json", ending=".ytvis.json", needs_masks=True, write=ytvis
    ),
    "cvat": TextFormat(
        media_type="application/xml", ending=".cvat.xml", needs_masks=False, write=cvat
    ),
    "labelstudio": TextFormat(
        media_type="application/json",
        ending=".labelstudio.json",
        needs_masks=False,
        write=labelstudio,
    ),
}


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """A format that takes long to make, so that it is made once, as a file.

    Attributes:
        media_type: as of `TextFormat`.
        ending: as of `TextFormat`.
        needs_masks: as of `TextFormat`.
        most_tracks: that it can hold; None for any number.
        write: from a result and its video to a file.
    """

    media_type: str
    ending: str
    needs_masks: bool
    most_tracks: int | None = None
    write: Callable[[Result, Footage, Path], None]


FILE_FORMATS: Mapping[str, FileFormat] = {
    "overlay.mp4": FileFormat(
        media_type="video/mp4", ending=".overlay.mp4", needs_masks=False, write=overlay
    ),
    "alpha.webm": FileFormat(
        media_type="video/webm", ending=".alpha.webm", needs_masks=True, write=alpha
    ),
    "davis": FileFormat(
        media_type="application/zip",
        ending=".davis.zip",
        needs_masks=True,
        most_tracks=MOST_TRACKS,
        write=davis,
    ),
    "mattes.zip": FileFormat(
        media_type="application/zip", ending=".mattes.zip", needs_masks=True, write=mattes
    ),
}
