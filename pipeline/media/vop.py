"""What the headers of MPEG-4 Visual say of a picture's time, and of the ones before it.

Source: ISO/IEC 14496-2, sections 6.2.3 to 6.2.5 and 6.3.5 (video object layer, plane and group).
"""

from fractions import Fraction

from pipeline.media.nal import Bits, CodedPicture

_LAYER, _GROUP, _PLANE = b"\0\0\1\x20", b"\0\0\1\xb3", b"\0\0\1\xb6"
_HEADER_BYTES = 64
_PREDICTED, _BIDIRECTIONAL = 1, 2
_OTHER_ASPECT = 15


class VopHeaders:
    """Reads the packets of one MPEG-4 stream, with its extradata, in their order."""

    def __init__(self, extradata: bytes) -> None:
        self._ticks = 0  # in a second; 0 while unknown
        self._second = 0
        self._time: Fraction | None = (
            None  # of the last picture; None among those that are reordered
        )
        self._rounding: int | None = None  # of the last predicted one since the last other
        self._read_layer(extradata)

    def __call__(self, packet: memoryview) -> CodedPicture:
        data = bytes(packet)
        try:
            self._read_layer(data)
            self._read_group(data)
            return self._read_plane(data)
        except ValueError:
            self._time = self._rounding = None
            return CodedPicture()

    def _read_plane(self, data: bytes) -> CodedPicture:
        bits = _after(_PLANE, data)
        kind = bits.take(2)
        if kind == _BIDIRECTIONAL or not self._ticks:
            self._time = self._rounding = None
            return CodedPicture(reference=kind != _BIDIRECTIONAL)
        while bits.take(1):
            self._second += 1
        bits.take(1)
        within = bits.take(max(1, (self._ticks - 1).bit_length()))
        before, self._time = self._time, self._second + Fraction(within, self._ticks)
        bits.take(2)  # a marker, and whether anything is coded
        earlier, self._rounding = self._rounding, bits.take(1) if kind == _PREDICTED else None
        elapsed_s = None if before is None else self._time - before
        alternates = None not in {earlier, self._rounding} and earlier != self._rounding
        return CodedPicture(elapsed_s=elapsed_s, alternates=alternates)

    def _read_group(self, data: bytes) -> None:
        if _GROUP in data:
            bits = _after(_GROUP, data)
            minutes = 60 * bits.take(5) + bits.take(6)
            bits.take(1)
            self._second = 60 * minutes + bits.take(6)

    def _read_layer(self, data: bytes) -> None:
        if _LAYER not in data:
            return
        bits = _after(_LAYER, data)
        bits.take(9)
        if bits.take(1):
            bits.take(7)
        if bits.take(4) == _OTHER_ASPECT:
            bits.take(16)
        if bits.take(1):
            bits.take(3)
            if bits.take(1):
                bits.take(79)
        bits.take(3)  # shape and marker
        self._ticks = bits.take(16)


def _after(start_code: bytes, data: bytes) -> Bits:
    """Return the bits after a start code; ValueError where there is none."""
    place = data.index(start_code) + len(start_code)
    return Bits(data[place : place + _HEADER_BYTES])
