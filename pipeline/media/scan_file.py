"""A scan kept as a file, of which a reader takes what it looks at, however long the video is."""

import json
from pathlib import Path

import numpy as np

from pipeline.media.decode import scan_from_dict, scan_to_dict
from pipeline.values import ScannedVideo

_NUMBER = np.dtype("<i8")


def save_scan(video: ScannedVideo, path: Path) -> None:
    """Write a scan: a line of JSON, then its lists of numbers, 8 bytes each, one after another."""
    saved = scan_to_dict(video)
    lists = {name: value for name, value in saved.items() if isinstance(value, list)}
    counts = {name: len(numbers) for name, numbers in lists.items()}
    with path.open("wb") as file:
        file.write(json.dumps(saved | {"lists": counts} | dict.fromkeys(lists)).encode() + b"\n")
        for numbers in lists.values():
            file.write(np.array(numbers, _NUMBER).tobytes())


def load_scan(path: Path) -> ScannedVideo:
    """Read what `save_scan` wrote; its arrays stay in the file, and may outlive its name."""
    with path.open("rb") as file:
        saved = json.loads(file.readline())
        offset = file.tell()
    for name, count in saved.get("lists", {}).items():  # an older version wrote numbers as JSON
        saved[name] = np.memmap(path, _NUMBER, "r", offset, (count,))
        offset += count * _NUMBER.itemsize
    return scan_from_dict(saved)
