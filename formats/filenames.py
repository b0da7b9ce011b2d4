"""What a client calls a video, as a file name that every system takes."""

import re

from pathvalidate import sanitize_filename

# The longest names that file systems take are of 255 bytes; what is added to this one has to fit.
_MOST_BYTES = 200
_LONGEST_ENDING_BYTES = 16
_JOINERS = "\u200c\u200d"  # unseen, but words and emoji fall apart without them
_OUTSIDE = " ." + _JOINERS  # what a name neither starts nor ends with


def safe_name(text: str, otherwise: str = "video") -> str:
    r"""Make any text one path component; a safe name stays as it is, a long one keeps its ending.

    >>> safe_name("C:\\clips\\10:30:15.mp4"), safe_name("con.mp4"), safe_name("..")
    ('10_30_15.mp4', 'con_.mp4', 'video')
    """
    last = re.split(r"[/\\]", text)[-1]
    seen = "".join(" " if c.isspace() else c for c in last if _is_kept(c))
    stem, dot, ending = seen.strip(_OUTSIDE).rpartition(".")
    if not dot or " " in ending or len(ending.encode()) > _LONGEST_ENDING_BYTES:
        stem, ending = stem + dot + ending, ""
    ending = f".{ending}" if ending else ""
    cut = stem.encode()[: _MOST_BYTES - len(ending.encode())].decode(errors="ignore")
    named = cut.strip(_OUTSIDE) or otherwise
    return sanitize_filename(named + ending, "_")


def _is_kept(character: str) -> bool:
    return character.isprintable() or character.isspace() or character in _JOINERS
