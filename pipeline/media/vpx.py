"""What the headers of VP8 and VP9 say of a packet: what it shows, and whether it stands alone.

Sources: RFC 6386, section 9.1; VP9 Bitstream & Decoding Process Specification, sections 6.2 and
annex B (superframes).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_VP8_START = b"\x9d\x01\x2a"
_VP9_SYNC = b"\x49\x83\x42"
_RGB = 7


@dataclass(frozen=True)
class VpxPacket:
    """What one packet holds: `shown` pictures, or 0 where it only has references for others.

    Decoding can start at a `key`, whose width and height are 0 where the header doesn't say them.
    """

    shown: int
    key: bool
    width: int = 0
    height: int = 0


def read_vp8(data: memoryview) -> VpxPacket:
    shown, key = data[0] >> 4 & 1, not data[0] & 1
    if not key or len(data) < 10 or data[3:6] != _VP8_START:
        return VpxPacket(shown, key)
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return VpxPacket(shown, key, width, height)


def read_vp9(data: memoryview) -> VpxPacket:
    frames = [_read_vp9_frame(frame) for frame in _split(data)]
    first = frames[0]
    return VpxPacket(sum(each.shown for each in frames), first.key, first.width, first.height)


READERS: Mapping[str, Callable[[memoryview], VpxPacket]] = {"vp8": read_vp8, "vp9": read_vp9}
"""By FFmpeg's name of the decoder."""


def _split(data: memoryview) -> Iterator[memoryview]:
    """Yield the frames of a packet, which an index at its end tells where there are several."""
    marker = data[-1]
    count, size_bytes = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index = len(data) - 2 - count * size_bytes
    if marker & 0xE0 != 0xC0 or index < 1 or data[index] != marker:
        yield data
        return
    at = 0
    for number in range(count):
        place = index + 1 + number * size_bytes
        size = int.from_bytes(data[place : place + size_bytes], "little")
        if frame := data[at : min(at + size, index)]:
            yield frame
        at += size


def _read_vp9_frame(data: memoryview) -> VpxPacket:
    profile = (data[0] >> 5 & 1) | (data[0] >> 3 & 2)
    flags = data[0] >> (0 if profile == 3 else 1)  # profile 3 has a reserved bit before them
    if flags & 4:  # shows a picture that was decoded before
        return VpxPacket(1, key=False)
    shown, key = flags & 1, not flags & 2
    start = 2 if profile == 3 else 1
    if not key or data[start : start + 3] != _VP9_SYNC:
        # In profile 3 the sync code isn't aligned: its sizes are left to the decoder.
        return VpxPacket(shown, key)
    return VpxPacket(shown, key, *_vp9_size(data[start + 3 : start + 10], profile))


def _vp9_size(data: memoryview, profile: int) -> tuple[int, int]:
    bits = int.from_bytes(data, "big")
    left = 8 * len(data)

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> max(left, 0) & ((1 << count) - 1)

    if profile == 2:
        take(1)  # bit depth
    if take(3) == _RGB:
        take(1)
    else:
        take(4 if profile == 1 else 1)  # colour range and subsampling
    width, height = take(16) + 1, take(16) + 1
    return (width, height) if left >= 0 else (0, 0)
