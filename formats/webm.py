"""At what size a WebM file is shown: FFmpeg's muxer can tell, but PyAV can't tell the muxer."""

from pathlib import Path

from av.video.stream import VideoStream

# Elements of a track: https://www.matroska.org/technical/elements.html
_NAME, _VIDEO, _DISPLAY_WIDTH, _DISPLAY_HEIGHT = b"\x53\x6e", b"\xe0", b"\x54\xb0", b"\x54\xba"
_ROOM = _NAME + b"\x8bto be shown"  # as long as what takes its place, so that all else stays
MOST_PIXELS = 2**31 - 1
_HEAD_BYTES = 2**12


def reserve_display_size(stream: VideoStream) -> None:
    """Keep room for `write_display_size` in the header, as the name of the track."""
    stream.metadata["title"] = _ROOM[3:].decode()


def write_display_size(path: Path, width: int, height: int) -> None:
    """Write the displayed size, 1 to `MOST_PIXELS` a side, where room was reserved for it."""
    shown = _element(_DISPLAY_WIDTH, width.to_bytes(4, "big"))
    shown += _element(_DISPLAY_HEIGHT, height.to_bytes(4, "big"))
    with path.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        room = head.index(_ROOM)
        start = room + len(_ROOM)
        while not head.startswith(_VIDEO, start):
            start = _content(head, start).stop
        video = _content(head, start)
        moved = head[room + len(_ROOM) : start]
        file.seek(room)
        file.write(moved + _element(_VIDEO, head[video.start : video.stop] + shown))


def _element(name: bytes, content: bytes) -> bytes:
    return name + bytes([0x80 | len(content)]) + content


def _content(head: bytes, start: int) -> range:
    size_at = start + 9 - head[start].bit_length()
    length = 9 - head[size_at].bit_length()
    size = int.from_bytes(head[size_at : size_at + length], "big") - (1 << 7 * length)
    return range(size_at + length, size_at + length + size)
