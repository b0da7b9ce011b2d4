"""What the headers of H.264 and HEVC say of a packet: whether others need it, and what was lost.

Sources: ITU-T H.264, sections 7.3.2.1.1 (sequence parameter set), 7.3.3 (slice header), 7.4.3
(frame_num) and annex B; ITU-T H.265, section 7.4.2.2 (types of NAL units); ISO/IEC 14496-15,
sections 5.3.3 and 8.3.3 (lengths in place of start codes).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

_START_CODE = b"\0\0\1"
_ESCAPED, _ESCAPE = b"\0\0\3", b"\0\0"  # emulation prevention
_HEADER_BYTES = 32  # of a slice, at most, up to its number
_SPS_BYTES = 1024
_HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
_INTRA = {2, 4, 7, 9}  # types of slices: I and SI


@dataclass(frozen=True)
class CodedPicture:
    """What is known of a picture before it is decoded."""

    reference: bool = True  # others may be built on it
    intra: bool = True  # it is built on no other
    follows_loss: bool = False  # one that others are built on is missing before it
    elapsed_s: Fraction | None = None  # since the one before it, by the codec's own clock
    alternates: bool = False  # no odd number of pictures is missing before it


class H264Headers:
    """Reads the packets of one H.264 stream, with its extradata, in their order.

    Each picture has the number of the last one that others are built on, or the next number: where
    it has another one, such a picture was lost.
    """

    def __init__(self, extradata: bytes) -> None:
        self._length_bytes = _length_bytes(extradata, at=4)
        self._number_bits: int | None = None  # unknown, or told nothing by
        self._plane_bits = 0
        self._last: int | None = None
        for unit in _parameter_sets(extradata) if self._length_bytes else _annex_b(extradata):
            self._read_sps(unit)

    def __call__(self, packet: memoryview) -> CodedPicture:
        for unit in _units(bytes(packet), self._length_bytes):
            kind = unit[0] & 31
            if kind == 7:
                self._read_sps(unit)
            elif kind in {1, 2, 5}:
                try:
                    return self._read_slice(unit)
                except ValueError:
                    break
        return CodedPicture()

    def _read_slice(self, unit: bytes) -> CodedPicture:
        reference = unit[0] & 0x60 != 0
        bits = Bits(unit[1:_HEADER_BYTES].replace(_ESCAPED, _ESCAPE))
        bits.golomb()  # first macroblock
        intra = bits.golomb() in _INTRA
        bits.golomb()  # picture parameter set
        if self._number_bits is None:
            return CodedPicture(reference, intra)
        bits.take(self._plane_bits)
        number = bits.take(self._number_bits)
        is_idr = unit[0] & 31 == 5
        following = None if self._last is None else (self._last + 1) % (1 << self._number_bits)
        lost = not is_idr and following is not None and number not in {self._last, following}
        if reference or lost:
            self._last = number if reference else number - 1
        return CodedPicture(reference, intra, lost)

    def _read_sps(self, unit: bytes) -> None:
        if unit[:1] and unit[0] & 31 == 7:
            try:
                self._number_bits, self._plane_bits = _read_h264_sps(unit)
            except ValueError:
                self._number_bits = None


class HevcHeaders:
    """Reads the packets of one HEVC stream; of loss the decoder itself tells."""

    def __init__(self, extradata: bytes) -> None:
        self._length_bytes = _length_bytes(extradata, at=21)

    def __call__(self, packet: memoryview) -> CodedPicture:
        for unit in _units(bytes(packet), self._length_bytes):
            kind = unit[0] >> 1 & 63
            if kind < 32:
                return CodedPicture(reference=kind > 14 or kind % 2 == 1)
        return CodedPicture()


HEADERS: Mapping[str, Callable[[bytes], H264Headers | HevcHeaders]] = {
    "h264": H264Headers,
    "hevc": HevcHeaders,
}
"""By FFmpeg's name of the decoder."""


class Bits:
    """Reads bits from the start of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Read a number of so many bits; ValueError where there are no more."""
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)  # a negative shift raises it

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_golomb(self) -> int:
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -code // 2


def _read_h264_sps(unit: bytes) -> tuple[int | None, int]:
    """Return how many bits a picture's number has, None with gaps allowed; those of the plane."""
    bits = Bits(unit[1:_SPS_BYTES].replace(_ESCAPED, _ESCAPE))
    profile = bits.take(8)
    bits.take(16)  # constraints and level
    bits.golomb()  # id
    plane_bits = 0
    if profile in _HIGH_PROFILES:
        chroma = bits.golomb()
        if chroma == 3:
            plane_bits = 2 * bits.take(1)
        bits.golomb()  # depths
        bits.golomb()
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    number_bits = bits.golomb() + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.signed_golomb()
        bits.signed_golomb()
        for _ in range(bits.golomb()):
            bits.signed_golomb()
    bits.golomb()  # references
    return (None if bits.take(1) else number_bits), plane_bits


def _skip_scaling_list(bits: Bits, length: int) -> None:
    if not bits.take(1):
        return
    last, following = 8, 8
    for _ in range(length):
        if following:
            following = (last + bits.signed_golomb()) % 256
        last = following or last


def _length_bytes(extradata: bytes, at: int) -> int:
    """Return how many bytes say a unit's length; 0 where start codes part units."""
    configured = len(extradata) > at and extradata[0] == 1
    return (extradata[at] & 3) + 1 if configured else 0


def _parameter_sets(extradata: bytes) -> Iterator[bytes]:
    """Yield H.264's sequence parameter sets as MP4 and Matroska hold them."""
    place = 6
    for _ in range(extradata[5] & 31 if len(extradata) > 5 else 0):
        end = place + 2 + int.from_bytes(extradata[place : place + 2], "big")
        yield extradata[place + 2 : end]
        place = end


def _units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the NAL units of a packet, none of them empty."""
    if not length_bytes:
        yield from _annex_b(data)
        return
    place = 0
    while place + length_bytes < len(data):
        start = place + length_bytes
        place = start + int.from_bytes(data[place:start], "big")
        if place > start:
            yield data[start:place]


def _annex_b(data: bytes) -> Iterator[bytes]:
    start = data.find(_START_CODE)
    while 0 <= start < len(data) - 3:
        end = data.find(_START_CODE, start + 3)
        if end != start + 3:
            yield data[start + 3 : end if end >= 0 else len(data)]
        start = end
