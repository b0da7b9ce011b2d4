"""The size that a container states for itself: what proves that a file was cut off.

Durations and frame counts are only descriptions: recorders count pauses, and estimate.
"""

import struct
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT, _VOID = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", 0xEC
_RIFF = struct.Struct("<4sI")
_UNKNOWN = (0, 2**32 - 1)  # written by recorders that can't go back


def stated_size(path: Path) -> int | None:
    """Return how many bytes a Matroska, WebM or RIFF file says it has; None if it doesn't."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"RIFF":
            return _riff_end(file, path.stat().st_size)
        return _segment_end(file) if head == _EBML else None


def _riff_end(file: BinaryIO, size: int) -> int | None:
    """Return where the last of the RIFF chunks ends; files above 1 GB have several."""
    end = 0
    while end + _RIFF.size <= size:
        file.seek(end)
        name, length = _RIFF.unpack(file.read(_RIFF.size))
        if name != b"RIFF":
            break
        if length in _UNKNOWN:
            return None
        end += _RIFF.size + length + length % 2
    return end


def _segment_end(file: BinaryIO) -> int | None:
    """Return where Matroska's segment ends: after the header, and padding if there is any."""
    while (first := file.read(1)) and (first[0] == _VOID or first[0] >> 4 == 1):
        name = first if first[0] == _VOID else first + file.read(3)
        length = _ebml_size(file)
        if length is None:
            return None
        if name == _SEGMENT:
            return file.tell() + length
        file.seek(length, 1)
    return None


def _ebml_size(file: BinaryIO) -> int | None:
    """Read a size as EBML has it; None if it is unknown or there is none."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    bits = 7 * (more + 1)
    size = int.from_bytes(first + rest, "big") & ((1 << bits) - 1)
    return None if len(rest) < more or size == (1 << bits) - 1 else size
