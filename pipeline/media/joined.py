"""Recordings that were joined end to end, which some containers allow anywhere."""

from collections.abc import Callable, Iterator

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from pipeline.errors import BrokenVideo
from pipeline.media.container import read_packets

JOINED_FORMATS = {"mpegts", "mpeg", "flv", "ogg"}  # clocks jump where they are joined
# Filters that FFmpeg makes for streams of one codec only, by its name of the decoder.
_FILTERS = {
    "h264": "h264_metadata",
    "hevc": "hevc_metadata",
    "mpeg1video": "mpeg2_metadata",
    "mpeg2video": "mpeg2_metadata",
    "mpeg4": "mpeg4_unpack_bframes",
}


def packets_of_one_codec(
    container: InputContainer, stream: VideoStream
) -> Iterator["Packet[Stream]"]:
    """Read a stream's packets from the start to the end of the file.

    Raises:
        BrokenVideo: the file goes on in another codec or stream, of which FFmpeg would show nothing
            or garbage.
    """
    keeps_codec = _codec_check(stream)
    codec = stream.codec_context.codec.name
    places: dict[int, list[int]] = {}  # in the file, of the packets of each video stream
    for place, packet in enumerate(read_packets(container)):
        if packet.stream.type != "video":
            continue
        places.setdefault(packet.stream_index, []).append(place)
        if packet.stream_index != stream.index:
            continue
        if packet.is_keyframe and not keeps_codec():
            raise _changes(codec)
        yield packet
    if not keeps_codec():
        raise _changes(codec)
    own = places.get(stream.index, [])
    others = [other for other in places.values() if own and other is not own]
    joined = container.format.name in JOINED_FORMATS
    if joined and any(_is_before(own, other) or _is_before(other, own) for other in others):
        raise BrokenVideo(
            f"The video must be one stream from start to end, got a file of {len(places)}, one "
            "after the other: join its parts with one codec and one stream."
        )


def _is_before(one: list[int], other: list[int]) -> bool:
    # FFmpeg keeps a stream's last packet back until the file ends.
    return one[-2:][0] < other[0]


def _codec_check(stream: VideoStream) -> Callable[[], bool]:
    """Return what tells whether FFmpeg still reads the stream as the codec that it had at first.

    MPEG-TS changes it in the middle of the file, and PyAV doesn't show that.
    """
    name = _FILTERS.get(stream.codec_context.codec.name)

    def takes() -> bool:
        try:
            BitStreamFilterContext(name or "null", stream)
        except av.FFmpegError:
            return False
        return True

    return takes if name is not None and takes() else lambda: True


def _changes(codec: str) -> BrokenVideo:
    return BrokenVideo(
        f"The video must have one codec from start to end, got {codec} and then another: convert "
        "its parts to one codec before they are joined."
    )
