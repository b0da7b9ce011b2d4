"""CVAT for video: XML of tracks, as CVAT imports and exports it.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/ (version 1.1), and for
masks CVAT's own cvat/apps/dataset_manager/formats/cvat.py.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from formats.by_track import ByTrack, Sighting
from formats.result import Result, ResultObject
from formats.runs import run_lengths
from pipeline import rle
from pipeline.values import Rle


def cvat(result: Result) -> Iterator[str]:
    """Write a result as CVAT for video, in pieces.

    CVAT has no tracks of masks: it takes the first mask of each track and leaves the others. So
    each mask is a track of its own, as in what CVAT exports, and the id of the object's track is
    its attribute `track`. Objects without masks are tracks of boxes.
    """
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    yield _meta(result)
    number = 0
    for frame in result.frames():
        for found in frame.objects:
            if found.mask is not None:
                yield _mask_track(result, number, frame.index, found, found.mask)
                number += 1
    if number == 0:
        yield from _box_tracks(result)
    yield "</annotations>\n"


def _meta(result: Result) -> str:
    labels = "".join(
        f"<label><name>{escape(name)}</name><type>any</type><attributes><attribute>"
        "<name>track</name><mutable>False</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute></attributes></label>"
        for name in result.categories
    )
    return (
        f"<meta><task><name>{escape(result.name)}</name><size>{result.frame_count}</size>"
        f"<mode>interpolation</mode><start_frame>0</start_frame>"
        f"<stop_frame>{result.frame_count - 1}</stop_frame><frame_filter></frame_filter>"
        f"<labels>{labels}</labels><original_size><width>{result.width}</width>"
        f"<height>{result.height}</height></original_size></task></meta>\n"
    )


def _mask_track(result: Result, number: int, index: int, found: ResultObject, mask: Rle) -> str:
    x, y, width, height = found.box
    runs = run_lengths(rle.decode(mask)[y : y + height, x : x + width].ravel())
    label = quoteattr(result.category_of(found.track))
    return (
        f'<track id="{number}" label={label} source="auto">\n'
        f'<mask frame="{index}" {_VISIBLE} rle="{", ".join(map(str, runs.tolist()))}" left="{x}"'
        f' top="{y}" width="{width}" height="{height}" z_order="0">'
        f"{_track_attribute(found)}</mask>\n{_end_of_mask(result, index + 1, x, y)}</track>\n"
    )


def _end_of_mask(result: Result, index: int, x: int, y: int) -> str:
    """Say that an object is out of sight from a frame on, if there is one."""
    if index == result.frame_count:
        return ""
    return (
        f'<mask frame="{index}" {_OUTSIDE} rle="1" left="{x}" top="{y}" width="1" height="1"'
        ' z_order="0"/>\n'
    )


def _box_tracks(result: Result) -> Iterator[str]:
    with ByTrack() as by_track:
        for _ in by_track.passing(result.frames()):
            pass
        for track in result.tracks:
            label = quoteattr(result.category_of(track.id))
            yield f'<track id="{track.id}" label={label} source="auto">\n'
            yield from _boxes(result, by_track.step, by_track.sightings(track.id))
            yield "</track>\n"


def _boxes(result: Result, step: int, sightings: Iterator[Sighting]) -> Iterator[str]:
    """Write the boxes of a track; between frames that weren't asked for CVAT interpolates."""
    last: Sighting | None = None
    for sighting in sightings:
        if last is not None and sighting.index > last.index + step:
            yield _box(last.index + step, _OUTSIDE, last.found)
        yield _box(sighting.index, _VISIBLE, sighting.found)
        last = sighting
    if last is not None and last.index + step < result.frame_count:
        yield _box(last.index + step, _OUTSIDE, last.found)


def _box(index: int, state: str, found: ResultObject) -> str:
    x, y, width, height = found.box
    return (
        f'<box frame="{index}" {state} xtl="{x}.00" ytl="{y}.00" xbr="{x + width}.00"'
        f' ybr="{y + height}.00" z_order="0">{_track_attribute(found)}</box>\n'
    )


def _track_attribute(found: ResultObject) -> str:
    return f'<attribute name="track">{found.track}</attribute>'


_VISIBLE = 'keyframe="1" outside="0" occluded="0"'
_OUTSIDE = 'keyframe="1" outside="1" occluded="0"'
