"""JSON written piece by piece, for documents that are never whole in memory."""

import json
from collections.abc import Iterable, Iterator
from typing import Any


def dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def array(items: Iterable[Any]) -> Iterator[str]:
    """Write a list, an item a piece.

    >>> "".join(array([1, None, "a"]))
    '[1,null,"a"]'
    """
    separator = "["
    for item in items:
        yield separator + dump(item)
        separator = ","
    yield "[]" if separator == "[" else "]"


def categories(names: Iterable[str]) -> list[dict[str, Any]]:
    """List categories as COCO does, numbered from 1."""
    return [
        {"id": number, "name": name, "supercategory": ""} for number, name in enumerate(names, 1)
    ]
