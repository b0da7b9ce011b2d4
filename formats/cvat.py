"""CVAT for video: XML of tracks, as CVAT imports and exports it.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/ (version 1.1), and for
masks CVAT's own cvat/apps/dataset_manager/formats/cvat.py.
"""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from formats.by_track import ByTrack, Sighting
from formats.result import Result, ResultObject
from formats.runs import run_lengths
from pipeline.objects import rle
from pipeline.values import Rle


def cvat(result: Result) -> Iterator[str]:
    """Write a result as CVAT for video, in pieces.

    CVAT imports only the first mask of a track. So each mask is a track of its own, as in CVAT's
    own exports, with the object's track and action in its attributes `track` and `action`. Objects
    without masks are tracks of boxes.
    """
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    yield _meta(result)
    attributes = _attributes(result)
    number = 0
    for frame in result.frames():
        for found in frame.objects:
            if found.mask is not None:
                yield f'<track id="{number}" {_label(result, found.track)}>\n'
                yield _mask(frame.index, found, found.mask, attributes[found.track])
                yield f"{_end_of_mask(result, frame.index + 1, found)}</track>\n"
                number += 1
    if number == 0:
        yield from _box_tracks(result, attributes)
    yield "</annotations>\n"


def _meta(result: Result) -> str:
    attributes = "".join(
        f"<attribute><name>{name}</name><mutable>False</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute>"
        for name in ("track", "action")
    )
    labels = "".join(
        f"<label><name>{escape(name)}</name><type>any</type>"
        f"<attributes>{attributes}</attributes></label>"
        for name in result.categories
    )
    return (
        f"<meta><task><name>{escape(result.name)}</name><size>{result.frame_count}</size>"
        f"<mode>interpolation</mode><start_frame>0</start_frame>"
        f"<stop_frame>{result.frame_count - 1}</stop_frame><frame_filter></frame_filter>"
        f"<labels>{labels}</labels><original_size><width>{result.width}</width>"
        f"<height>{result.height}</height></original_size></task></meta>\n"
    )


def _attributes(result: Result) -> dict[int, str]:
    acting = result.acting()
    attributes = {}
    for track in result.tracks:
        attributes[track.id] = f'<attribute name="track">{track.id}</attribute>'
        if action := acting.get(track.id):
            attributes[track.id] += f'<attribute name="action">{escape(action.label)}</attribute>'
    return attributes


def _label(result: Result, track: int) -> str:
    return f'label={quoteattr(result.category_of(track))} source="auto"'


def _mask(index: int, found: ResultObject, mask: Rle, attributes: str) -> str:
    x, y, width, height = found.box
    runs = run_lengths(rle.decode(mask)[y : y + height, x : x + width].ravel())
    return (
        f'<mask frame="{index}" {_VISIBLE} rle="{", ".join(map(str, runs.tolist()))}" left="{x}"'
        f' top="{y}" width="{width}" height="{height}" z_order="0">{attributes}</mask>\n'
    )


def _end_of_mask(result: Result, index: int, found: ResultObject) -> str:
    if index == result.frame_count:
        return ""
    x, y, _, _ = found.box
    return (
        f'<mask frame="{index}" {_OUTSIDE} rle="1" left="{x}" top="{y}" width="1" height="1"'
        ' z_order="0"/>\n'
    )


def _box_tracks(result: Result, attributes: Mapping[int, str]) -> Iterator[str]:
    with ByTrack() as by_track:
        for _ in by_track.passing(result.frames()):
            pass
        for track in result.tracks:
            yield f'<track id="{track.id}" {_label(result, track.id)}>\n'
            for index, state, found in _states(result, by_track.step, by_track.sightings(track.id)):
                yield _box(index, state, found, attributes[track.id])
            yield "</track>\n"


def _states(
    result: Result, step: int, sightings: Iterator[Sighting]
) -> Iterator[tuple[int, str, ResultObject]]:
    """Yield where a track's box is, and where it is out of sight; CVAT interpolates between."""
    last: Sighting | None = None
    for sighting in sightings:
        if last is not None and sighting.index > last.index + step:
            yield last.index + step, _OUTSIDE, last.found
        yield sighting.index, _VISIBLE, sighting.found
        last = sighting
    if last is not None and last.index + step < result.frame_count:
        yield last.index + step, _OUTSIDE, last.found


def _box(index: int, state: str, found: ResultObject, attributes: str) -> str:
    x, y, width, height = found.box
    return (
        f'<box frame="{index}" {state} xtl="{x}.00" ytl="{y}.00" xbr="{x + width}.00"'
        f' ybr="{y + height}.00" z_order="0">{attributes}</box>\n'
    )


_VISIBLE = 'keyframe="1" outside="0" occluded="0"'
_OUTSIDE = 'keyframe="1" outside="1" occluded="0"'
