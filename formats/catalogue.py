"""The files that a result may become: how each is called, what it needs, and what writes it."""

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
class _Format:
    summary: str
    media_type: str
    needs_masks: bool


@dataclass(frozen=True, kw_only=True)
class TextFormat(_Format):
    """A format that is written in pieces of text while it is sent."""

    write: Callable[[Result], Iterator[str]]


# Both by the name of the file, which stands behind the name of the video where it is kept.
TEXT_FORMATS: Mapping[str, TextFormat] = {
    "coco.json": TextFormat(
        summary="Get a result as COCO JSON",
        media_type="application/json",
        needs_masks=False,
        write=coco,
    ),
    "ytvis.json": TextFormat(
        summary="Get a result as YouTube-VIS JSON",
        media_type="application/json",
        needs_masks=True,
        write=ytvis,
    ),
    "cvat.xml": TextFormat(
        summary="Get a result for CVAT", media_type="application/xml", needs_masks=False, write=cvat
    ),
    "labelstudio.json": TextFormat(
        summary="Get a result as Label Studio's tasks",
        media_type="application/json",
        needs_masks=False,
        write=labelstudio,
    ),
}


@dataclass(frozen=True, kw_only=True)
class FileFormat(_Format):
    """A format that takes long and is made once, as a file; `most_tracks` None: any number."""

    most_tracks: int | None = None
    write: Callable[[Result, Footage, Path], None]


FILE_FORMATS: Mapping[str, FileFormat] = {
    "overlay.mp4": FileFormat(
        summary="Get the video with the objects drawn in",
        media_type="video/mp4",
        needs_masks=False,
        write=overlay,
    ),
    "alpha.webm": FileFormat(
        summary="Get the objects cut out, with transparency",
        media_type="video/webm",
        needs_masks=True,
        write=alpha,
    ),
    "davis.zip": FileFormat(
        summary="Get a palette PNG a frame",
        media_type="application/zip",
        needs_masks=True,
        most_tracks=MOST_TRACKS,
        write=davis,
    ),
    "mattes.zip": FileFormat(
        summary="Get a grey PNG a frame and track",
        media_type="application/zip",
        needs_masks=True,
        write=mattes,
    ),
}
