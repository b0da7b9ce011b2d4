"""Pictures encoded so that each is shown at its own time, and until the next one."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from formats.footage import Footage

_THREADS = 4  # each holds a picture in flight


def set_up(
    stream: VideoStream, width: int, height: int, pixel_aspect: Fraction, time_base: Fraction
) -> None:
    """Set a stream's size in pixels and its colours, those of BT.709."""
    stream.width, stream.height = width, height
    context = stream.codec_context
    context.time_base, context.sample_aspect_ratio = time_base, pixel_aspect
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.thread_count = _THREADS


def encoded(
    stream: VideoStream,
    pictures: Iterable[tuple[int, VideoFrame]],
    footage: Footage,
    indices: range,
) -> "Iterator[Packet[Stream]]":
    """Encode pictures of a video's frames for a stream after `set_up`; the first is shown at 0."""
    time_base = stream.codec_context.time_base
    assert time_base is not None
    assert stream.pix_fmt is not None
    start_s = footage.video.time_s(indices[0])
    durations: dict[int | None, int] = {}  # by timestamp, of pictures in the encoder
    for index, rgb in pictures:
        picture = rgb.reformat(
            format=stream.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        picture.pts = round((footage.video.time_s(index) - start_s) / time_base)
        picture.time_base = time_base
        until = round((footage.until_s(index, indices.step) - start_s) / time_base)
        durations[picture.pts] = until - picture.pts
        yield from _lasting(stream.encode(picture), durations)
    yield from _lasting(stream.encode(None), durations)


def _lasting(
    packets: "list[Packet[Stream]]", durations: dict[int | None, int]
) -> "Iterator[Packet[Stream]]":
    """Give packets the durations that encoders drop; without them the last picture has none."""
    for packet in packets:
        packet.duration = durations.pop(packet.pts)
        yield packet
