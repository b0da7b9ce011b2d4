"""Recordings that were joined end to end, which some containers allow anywhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import av.logging
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from pipeline.errors import BrokenVideo
from pipeline.media.container import read_packets

JOINED_FORMATS = {"mpegts", "mpeg", "flv", "ogg"}  # clocks jump where they are joined
# Filters that FFmpeg makes for streams of one codec only.
_FILTERS = {
    "h264": "h264_metadata",
    "hevc": "hevc_metadata",
    "mpeg2video": "mpeg2_metadata",
    "mpeg4": "mpeg4_unpack_bframes",
}
_VIDEO = re.compile(r"Stream #0:(\d+).*: Video: (?!none)")  # as FFmpeg describes a file
_FAR = 4  # times as far from the last packet to the file's end as from packet to packet


def packets_of_one_codec(
    path: Path, container: InputContainer, stream: VideoStream
) -> Iterator["Packet[Stream]"]:
    """Read a stream's packets from the start to the end of the file.

    Raises BrokenVideo: it goes on in another codec or stream, of which FFmpeg would show garbage.
    """
    places: dict[int, list[int]] = {}  # in the file, of the packets of each video stream
    positions = [0]
    for place, packet in enumerate(read_packets(container)):
        if packet.stream.type != "video":
            continue
        places.setdefault(packet.stream_index, []).append(place)
        if packet.stream_index != stream.index:
            continue
        if packet.is_keyframe:
            _check_codec(stream)
        if packet.pos is not None:
            positions.append(packet.pos)
        yield packet
    _check_codec(stream)
    positions.append(path.stat().st_size)
    steps = np.diff(positions)
    if _has_unread(container) and steps[-1] > _FAR * np.median(steps):
        raise BrokenVideo(
            "The video must be one stream from start to end, got a file that goes on in another "
            f"one at byte {positions[-2]}: join its parts with one codec and one stream."
        )
    own = places.get(stream.index, [])
    others = [other for other in places.values() if own and other is not own]
    joined = container.format.name in JOINED_FORMATS
    if joined and any(_is_before(own, other) or _is_before(other, own) for other in others):
        raise BrokenVideo(
            f"The video must be one stream from start to end, got a file of {len(places)}, one "
            "after the other: join its parts with one codec and one stream."
        )


def _has_unread(container: InputContainer) -> bool:
    """Tell whether a video stream began too late for PyAV, which then gives no packets of it."""
    av.logging.set_level(av.logging.INFO)
    try:
        told = container.dumps_format()  # type: ignore[attr-defined]  # missing in PyAV's stubs
    finally:
        av.logging.set_level(None)
    return any(int(index) >= len(container.streams) for index in _VIDEO.findall(told))


def _is_before(one: list[int], other: list[int]) -> bool:
    # FFmpeg's demuxer and its parser each keep a packet back until the file ends.
    return one[-3:][0] < other[0]


def _other_codec(stream: VideoStream) -> str | None:
    """Return the codec that MPEG-TS changed to in the middle of the file, unseen by PyAV."""
    own = stream.codec_context.codec.name
    # Where its headers are damaged, FFmpeg takes MPEG-2 for MPEG-1.
    own = "mpeg2video" if own == "mpeg1video" else own
    return next((codec for codec in _FILTERS if codec != own and _is(codec, stream)), None)


def _is(codec: str, stream: VideoStream) -> bool:
    try:
        BitStreamFilterContext(_FILTERS[codec], stream)
    except av.FFmpegError:
        return False
    return True


def _check_codec(stream: VideoStream) -> None:
    other = _other_codec(stream)
    if other is not None:
        raise BrokenVideo(
            "The video must have one codec from start to end, got "
            f"{stream.codec_context.codec.name} and then {other}: convert its parts to one codec "
            "before they are joined."
        )
