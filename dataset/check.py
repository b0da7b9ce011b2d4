"""Explains what is wrong with a folder of labelled videos or stills, sequence by sequence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from dataset import davis, jhmdb, segtrack
from dataset.values import DatasetError, pictures_in

# Official numbers of sequences, and of frames where the release states them.
DAVIS_FRAMES = {"train": (30, 2079), "val": (20, 1376)}
SEGTRACK_SEQUENCES = 14
JHMDB_CLIPS = 928

# Masks this much wider or higher than their frames, at the same height, show something else.
_ASPECT_TOLERANCE = 0.01


Kind = Literal["wrong", "note"]

_WRONG: Kind = "wrong"
_NOTE: Kind = "note"


@dataclass(frozen=True)
class Finding:
    """One thing to know: `wrong` if metrics would be or reading fails, `note` if all works."""

    kind: Kind
    where: str
    message: str


Checked = tuple[str, list[Finding]]
"""The name of a sequence, and what was found in it."""


def check_davis(root: Path, split: str) -> Iterator[Checked]:
    """Yield each sequence of DAVIS-2016 with its findings, and the data set as a whole last."""
    try:
        videos = davis.read_list(root, split)
    except DatasetError as error:
        yield root.name, [Finding("wrong", root.name, str(error))]
        return
    for video in videos:
        frames = {path.stem: path for path in video.frame_paths}
        masks = {path.stem: path for path in video.mask_paths}
        yield (
            video.name,
            [
                *_unlisted(video.name, video.frame_paths),
                *_check_pairs(video.name, frames, masks, colours=False),
            ],
        )
    counts = (len(videos), sum(len(video) for video in videos))
    official = DAVIS_FRAMES.get(split, counts)
    yield root.name, _count_notes(root.name, "sequences and frames", counts, official)


def check_segtrack(root: Path) -> Iterator[Checked]:
    folders = sorted(path for path in root.glob("JPEGImages/*") if path.is_dir())
    if not folders or not (root / "GroundTruth").is_dir():
        message = f"SegTrack-v2 must have folders in JPEGImages/ and GroundTruth/, got {root}."
        yield root.name, [Finding("wrong", root.name, message)]
        return
    for folder in folders:
        frames = pictures_in(folder)
        findings = []
        objects = segtrack.object_folders(root / "GroundTruth" / folder.name)
        if not objects:
            findings.append(Finding("wrong", folder.name, "no folder in GroundTruth/"))
        for path in objects:
            where = folder.name if len(objects) == 1 else f"{folder.name}, object {path.name}"
            findings += _check_pairs(where, frames, pictures_in(path), colours=True)
        yield folder.name, findings
    yield root.name, _count_notes(root.name, "sequences", (len(folders),), (SEGTRACK_SEQUENCES,))


def check_jhmdb(root: Path, split: int) -> Iterator[Checked]:
    try:
        listed = jhmdb.read_split(root, split)
    except DatasetError as error:
        yield root.name, [Finding("wrong", root.name, str(error))]
        return
    for action, name, part in listed:
        findings = _check_clip(root, action, name)
        if part == "none":
            message = f"split {split} lists it for neither train (1) nor test (2)"
            findings.append(Finding("note", name, message))
        yield name, findings
    yield root.name, _count_notes(root.name, "clips", (len(listed),), (JHMDB_CLIPS,))


def check_stills(root: Path) -> Iterator[Checked]:
    missing = [part for part in ("images", "masks") if not (root / part).is_dir()]
    if missing:
        message = f"A folder of stills must hold {' and '.join(missing)}, got {root}."
        yield root.name, [Finding("wrong", root.name, message)]
        return
    frames, masks = pictures_in(root / "images"), pictures_in(root / "masks")
    yield root.name, _check_pairs(root.name, frames, masks, colours=False, one_size=False)


def _unlisted(name: str, listed: Sequence[Path]) -> list[Finding]:
    extra = sorted(set(pictures_in(listed[0].parent)) - {path.stem for path in listed})
    if not extra:
        return []
    return [
        Finding("note", name, f"{len(extra)} frames aren't in the split's list, first {extra[0]}")
    ]


def _count_notes(
    where: str, what: str, got: tuple[int, ...], official: tuple[int, ...]
) -> list[Finding]:
    if got == official:
        return []
    counts = [" and ".join(map(str, values)) for values in (got, official)]
    return [Finding("note", where, f"{counts[0]} {what}; the official release has {counts[1]}")]


def _check_clip(root: Path, action: str, name: str) -> list[Finding]:
    path = jhmdb.mask_file(root, action, name)
    try:
        clip = jhmdb.ActionClip(name, action, jhmdb.find_source(root, action, name), path)
        masks = jhmdb.read_part_mask(path)
        frames = clip.count_source_frames()
        height, width, _ = clip.frame(0).shape
    except DatasetError as error:
        return [Finding("wrong", name, str(error))]
    findings = []
    if len(masks) != frames:
        message = f"{frames} frames and {len(masks)} masks; frames past the last mask are left out"
        findings.append(Finding("note" if len(masks) < frames else "wrong", name, message))
    findings += _check_sizes(name, {(width, height)}, {(masks.shape[2], masks.shape[1])})
    findings += _check_empty(name, len(masks), int((~masks.any(axis=(1, 2))).sum()))
    return findings


def _check_pairs(
    where: str,
    frames: Mapping[str, Path],
    masks: Mapping[str, Path],
    *,
    colours: bool,
    one_size: bool = True,
) -> list[Finding]:
    """Check pictures and the masks of the same names; `colours` allows grey kept as RGB."""
    readable_frames = {name: path for name, path in frames.items() if path.is_file()}
    readable_masks = {name: path for name, path in masks.items() if path.is_file()}
    gone = sorted(set(frames) - set(readable_frames))
    lacking = sorted(set(frames) - set(readable_masks))
    alone = sorted(set(readable_masks) - set(frames))
    findings = [
        Finding(kind, where, f"{len(names)} {message}, first {names[0]}")
        for kind, names, message in (
            (_WRONG, gone, "frames are missing"),
            (_WRONG, lacking, "frames have no mask"),
            (_NOTE, alone, "masks belong to no frame"),
        )
        if names
    ]
    frame_sizes, unreadable = _frame_sizes(readable_frames)
    findings += [Finding("wrong", where, message) for message in unreadable]
    kinds, unreadable = _mask_kinds(readable_masks)
    findings += [Finding("wrong", where, message) for message in unreadable]
    findings += _check_kinds(where, kinds, colours=colours)
    if one_size:
        sizes = {kind.size for kind in kinds.values()}
        return findings + _check_sizes(where, set(frame_sizes.values()), sizes)
    for name in frame_sizes.keys() & kinds.keys():
        findings += _check_sizes(f"{where}/{name}", {frame_sizes[name]}, {kinds[name].size})
    return findings


@dataclass(frozen=True)
class _MaskKind:
    mode: str
    size: tuple[int, int]
    values: tuple[int, ...]


def _frame_sizes(frames: Mapping[str, Path]) -> tuple[dict[str, tuple[int, int]], list[str]]:
    sizes, unreadable = {}, []
    for name, path in frames.items():
        try:
            with Image.open(path) as picture:
                picture.load()  # finds pictures that were cut off
                sizes[name] = picture.size
        except OSError as error:
            unreadable.append(f"{path} can't be read: {error}")
    return sizes, unreadable


def _mask_kinds(masks: Mapping[str, Path]) -> tuple[dict[str, _MaskKind], list[str]]:
    kinds, unreadable = {}, []
    for name, path in masks.items():
        try:
            with Image.open(path) as picture:
                values = np.unique(np.asarray(picture.getchannel(0)))
                kinds[name] = _MaskKind(
                    picture.mode, picture.size, tuple(int(value) for value in values)
                )
        except OSError as error:
            unreadable.append(f"{path} can't be read: {error}")
    return kinds, unreadable


def _check_kinds(where: str, kinds: Mapping[str, _MaskKind], *, colours: bool) -> list[Finding]:
    findings = []

    def add(kind: Kind, names: Sequence[str], message: str) -> None:
        if names:
            findings.append(Finding(kind, where, f"{len(names)} masks {message}, e.g. {names[0]}"))

    grey = {"1", "L", "LA", "P", "I;16", "I"}
    allowed = grey | {"RGB", "RGBA"} if colours else grey
    odd = [name for name, kind in kinds.items() if kind.mode not in allowed]
    add("wrong", odd, "hold colours; they must be grey (L, LA), 1 bit or palette indices")
    alpha = [name for name, kind in kinds.items() if kind.mode == "LA"]
    add("note", alpha, "are grey with alpha (LA); the alpha is ignored")
    ones = [name for name, kind in kinds.items() if kind.mode == "L" and kind.values[1:] == (1,)]
    add("note", ones, "are 0 and 1, which viewers show as black; read as foreground all the same")
    indexed = [name for name, kind in kinds.items() if kind.mode == "P" and max(kind.values) > 1]
    add("note", indexed, "hold several objects as palette indices; read as one foreground")
    soft = [
        name
        for name, kind in kinds.items()
        if kind.mode in {"L", "LA"} and not set(kind.values) <= {0, 1, 255}
    ]
    add("wrong", soft, "hold values besides 0, 1 and 255: whatever isn't 0 would be foreground")
    mixed = [name for name, kind in kinds.items() if {1, 255} <= set(kind.values)]
    add("wrong", [] if colours else mixed, "hold both 1 and 255")
    empty = sum(kind.values == (0,) for kind in kinds.values())
    return findings + _check_empty(where, len(kinds), empty)


def _check_empty(where: str, count: int, empty: int) -> list[Finding]:
    if count and empty == count:
        return [Finding("wrong", where, "no mask holds any foreground")]
    return [Finding("note", where, f"{empty} of {count} masks are empty")] if empty else []


def _check_sizes(
    where: str, frames: set[tuple[int, int]], masks: set[tuple[int, int]]
) -> list[Finding]:
    findings = []
    for what, sizes in (("frames", frames), ("masks", masks)):
        if len(sizes) > 1:
            message = f"{what} must be of one size, got {len(sizes)}: {sorted(sizes)[:3]}"
            findings.append(Finding("wrong", where, message))
    if len(frames) != 1 or len(masks) != 1 or frames == masks:
        return findings
    ((frame_width, frame_height),) = frames
    ((mask_width, mask_height),) = masks
    ratio = frame_width * mask_height / (frame_height * mask_width)
    alike = abs(ratio - 1) <= _ASPECT_TOLERANCE
    message = f"frames are {frame_width}x{frame_height}, masks {mask_width}x{mask_height}"
    message += "; masks are predicted at their size" if alike else ": not the same picture"
    return [*findings, Finding("note" if alike else "wrong", where, message)]
