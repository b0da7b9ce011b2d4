"""Untrusted media files opened safely, and their pictures as RGB."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import BrokenVideo, NotAVideo, NoVideoStream, VideoTooLarge
from pipeline.media.orientation import Orientation
from pipeline.media.transparency import decoder_of
from pipeline.media.vpx import READERS

# Containers that hold their pictures themselves. Left out on purpose: lists that make FFmpeg open
# other files or hosts (HLS, DASH, concat, SDP), image sequences, devices, and raw streams, whose
# weak signatures claim files that are no video.
_FORMATS = "mov,mp4,3gp,3g2,matroska,webm,avi,mpegts,mpeg,flv,gif,ogg,asf,mxf"
_WANTED = "MP4, MOV, WebM, Matroska, AVI, MPEG-TS, MPEG-PS, FLV, GIF, Ogg, ASF or MXF"
_SIGNATURES = (b"\x1aE\xdf\xa3", b"OggS", b"FLV", b"GIF8", b"\x30\x26\xb2\x75")
# The form of a RIFF file, and what is no video whatever it holds.
_RIFF_FORMS = {b"WEBP": "a WebP picture", b"WAVE": "a WAV sound"}
_PICTURES = {b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture"}
# HEIF names its kind first: pictures that aren't a sequence.
_PICTURE_BRANDS = {"avif", "heic", "heix", "heim", "heis", "mif1", "mif2", "j2ki", "jpeg", "avci"}
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")

THREADS = 4  # each holds a picture in flight
_PADDING_PIXELS = 2**16
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_MAX_SD_HEIGHT = 576

Fed = Callable[["Packet[Stream]"], None]
"""Is told of each packet before it is decoded."""
Failed = Callable[["Packet[Stream] | None"], None]
"""Is told when decoding fails, before the pictures of packets after the one to blame.

That is the packet given, or with threads one of the last; None where it was left in the decoder.
"""


@contextmanager
def open_media(
    path: Path, max_pixels: int, *, threads: int = THREADS
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its main video stream; no other file or host is ever reached.

    With several `threads`, an error loses the pictures that are still in them at the end. Raises
    NotAVideo, NoVideoStream, or BrokenVideo: cut off, encrypted or of an unknown codec.
    """
    # FFmpeg counts what it pads a picture by, so that an exact limit would refuse good files.
    limit = {"max_pixels": str(2 * max_pixels + _PADDING_PIXELS)}
    try:
        container = av.open(
            str(path.resolve()),  # absolute, so that no name is read as a URL
            mode="r",
            options=limit,
            container_options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except Exception as error:  # damaged files raise UnicodeDecodeError, IndexError, anything
        raise _unreadable(path) from error
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            kinds = ", ".join(sorted({each.type for each in container.streams})) or "no"
            raise NoVideoStream(f"The file must have a video stream, got {kinds} streams.")
        if stream.codec_context is None or stream.codec_tag == "encv":
            raise BrokenVideo("The video stream is encrypted or of an unknown codec.")
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        stream.codec_context.options = limit
        yield container, stream


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise VideoTooLarge where a frame is past the limit."""
    if width * height > max_pixels:
        raise VideoTooLarge(f"Frames must have at most {max_pixels} pixels, got {width}x{height}.")


def read_packets(container: InputContainer) -> Iterator["Packet[Stream]"]:
    """Read the packets of all streams until the file ends or can't be read further."""
    packets = container.demux()
    while True:
        try:
            packet = next(packets)
        except Exception:  # StopIteration at the end; anything at all where the file is damaged
            return
        if packet.size:
            yield packet


def read_frames(
    container: InputContainer,
    stream: VideoStream,
    max_pixels: int,
    seek_to: int | None = None,
    *,
    decoder: VideoCodecContext | None = None,
    fed: Fed = lambda _: None,
    failed: Failed = lambda _: None,
) -> Iterator[VideoFrame]:
    """Decode from the start, or a keyframe before `seek_to` (time base), what can be decoded.

    Raises VideoTooLarge at a frame past the limit.
    """
    if seek_to is not None:
        try:
            container.seek(seek_to, stream=stream)
        except av.FFmpegError:
            return
    decode = _Decoder(decoder or decoder_of(stream), max_pixels, failed)
    started = seek_to is None
    for packet in read_packets(container):
        if packet.stream_index != stream.index:
            continue
        # Fed from between keyframes, some decoders give garbage instead of nothing.
        started = started or is_key(stream, packet)
        if started:
            fed(packet)
            yield from decode(packet)
    yield from decode(None)


def read_numbered(
    container: InputContainer,
    stream: VideoStream,
    max_pixels: int,
    start: int = 0,
    *,
    fed: Fed = lambda _: None,
    failed: Failed = lambda _: None,
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from a packet, and tell of each picture in which packet of the stream it was, from 0.

    `fed` and `failed` get packets whose `pts` is their number. Raises VideoTooLarge.
    """
    decode = _Decoder(decoder_of(stream), max_pixels, failed)
    own = (packet for packet in read_packets(container) if packet.stream_index == stream.index)
    last = start
    for number, packet in enumerate(chain(own, [None])):
        if packet is not None:
            if number < start:
                continue
            packet.pts = number  # decoders hand it on with the picture
            fed(packet)
            packet.dts = number
        for frame in decode(packet):
            last = last if frame.pts is None else frame.pts
            yield last, frame


def is_key(stream: VideoStream, packet: "Packet[Stream]") -> bool:
    """Tell whether decoding can start at a packet; VP8 and VP9 say so themselves."""
    read_header = READERS.get(stream.codec_context.codec.name)
    return packet.is_keyframe if read_header is None else read_header(memoryview(packet)).key


class _Decoder:
    """Decodes packets to all the pictures that players show, wherever it starts.

    A picture whose references are lost is shown, as FFmpeg's own tools do, but not before one
    that is whole: there, it differs from what decoding from further ahead would give.
    """

    def __init__(self, context: VideoCodecContext, max_pixels: int, failed: Failed) -> None:
        context.flags |= Flags.output_corrupt
        self._context = context
        self._max_pixels = max_pixels
        self._failed = failed
        self._seen_whole = False

    def __call__(self, packet: "Packet[Stream] | None") -> Iterator[VideoFrame]:
        """Decode a packet, or with None what is left in the decoder."""
        if packet is not None:
            packet.is_corrupt = False  # containers say so of whole pictures too
        for frame in self._decode(packet):
            check_pixels(frame.width, frame.height, self._max_pixels)
            # FFmpeg's H.264 decoder marks no picture that was left in it.
            marked = packet is not None or frame.key_frame
            self._seen_whole = self._seen_whole or (marked and not frame.is_corrupt)
            if self._seen_whole:
                yield frame

    def _decode(self, packet: "Packet[Stream] | None") -> list[VideoFrame]:
        width_before = self._context.width
        try:
            return self._context.decode(packet)
        except Exception as error:  # as above: damage raises anything
            # A picture that FFmpeg refuses to allocate isn't damaged; some leave their size.
            width, height = self._context.width, self._context.height
            check_pixels(width, height, self._max_pixels)
            if width == 0 < width_before:
                raise VideoTooLarge(
                    f"Frames must have at most {self._max_pixels} pixels, got some that grow past "
                    "it."
                ) from error
            self._failed(packet)
            return []


class RgbConverter:
    """Turns decoded pictures to RGB as they are shown, scaled to one height and width."""

    def __init__(self, height: int, width: int) -> None:
        self._shown = (height, width)
        self._reformatter = VideoReformatter()  # kept: making one costs more than a frame

    def __call__(self, frame: VideoFrame, orientation: Orientation) -> NDArray[np.uint8]:
        """Return a stored picture as (H, W, 3) uint8; transparent pixels are seen over black."""
        transparent = any(component.is_alpha for component in frame.format.components)
        height, width = self._shown[::-1] if orientation.swaps_sides else self._shown
        rgb = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgba" if transparent else "rgb24",
            src_colorspace=_colorspace(frame),
            threads=1,
        )
        pixels = np.ascontiguousarray(rgb.to_ndarray(), np.uint8)  # odd widths come padded
        if transparent:
            opacity = pixels[..., 3:].astype(np.uint16)
            pixels = ((pixels[..., :3] * opacity + 127) // 255).astype(np.uint8)
        return orientation.show(pixels)


def _colorspace(frame: VideoFrame) -> Colorspace | None:
    """Choose BT.709 for HD that names no matrix, as players do; FFmpeg itself takes BT.601."""
    if frame.colorspace == _UNSPECIFIED and frame.height > _MAX_SD_HEIGHT:
        return Colorspace.ITU709
    return None


def pixel_aspect_of(stream: VideoStream, orientation: Orientation) -> Fraction:
    """Return the width of a pixel over its height as the picture is shown; 1 if unknown."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return 1 / aspect if orientation.swaps_sides else aspect


def is_picture_file(container: InputContainer) -> bool:
    """Tell whether a container is one of pictures, such as GIF, AVIF or HEIC, moving or not."""
    brand = container.metadata.get("major_brand", "").strip()
    return container.format.name == "gif" or brand in _PICTURE_BRANDS


def _unreadable(path: Path) -> NotAVideo | BrokenVideo:
    with path.open("rb") as file:
        head = file.read(12)
    size = path.stat().st_size
    form = head[8:] if head.startswith(b"RIFF") else b""
    if head.startswith(_SIGNATURES) or head[4:8] in _FIRST_BOXES or form == b"AVI ":
        return BrokenVideo(
            f"The file of {size} bytes starts as a video but can't be opened: it is truncated or "
            "damaged."
        )
    picture = next((kind for start, kind in _PICTURES.items() if head.startswith(start)), None)
    if kind := picture or _RIFF_FORMS.get(form):
        return NotAVideo(f"The file must be {_WANTED}, got {kind} of {size} bytes.")
    return NotAVideo(f"The file must be {_WANTED}, got {size} bytes in no video format.")
