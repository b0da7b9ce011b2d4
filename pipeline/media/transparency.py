"""Transparency of VP8 and VP9, which WebM holds where FFmpeg's own decoders don't look."""

from typing import cast

from av import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def is_transparent(stream: VideoStream) -> bool:
    """Tell whether a stream says that it has transparency that FFmpeg's own decoder drops."""
    return stream.codec_context.codec.name in _DECODERS and stream.metadata.get("alpha_mode") == "1"


def decoder_of(stream: VideoStream) -> VideoCodecContext:
    """Return what decodes a stream: libvpx if it is transparent, else what FFmpeg has chosen."""
    own = stream.codec_context
    if not is_transparent(stream):
        return own
    decoder = cast(VideoCodecContext, CodecContext.create(_DECODERS[own.codec.name], "r"))
    decoder.thread_count = own.thread_count
    decoder.options = own.options
    return decoder
