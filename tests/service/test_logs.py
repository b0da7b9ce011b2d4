"""docs/logs.md tells of every event that the code logs, with its level, and of no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("formats", "jobs", "pipeline", "service")


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Find every call of a method of `_log`."""
    for package in PACKAGES:
        for module in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text())):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name("_log"))):
                        yield module, node


def event(module: Path, call: ast.Call) -> tuple[str, str]:
    """Return the event of a call and its level, as the log names it."""
    match call:
        case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=str(words))]):
            return words, {"exception": "error"}.get(method, method)
    raise AssertionError(f"{module.name}, line {call.lineno}: the words of an event never vary")


def documented() -> set[tuple[str, str]]:
    rows = re.findall(r"^- (`.+?) \(([a-z, ]+)", (ROOT / "docs" / "logs.md").read_text(), re.M)
    return {
        (words, level)
        for events, levels in rows
        for words in re.findall("`([^`]+)`", events)
        for level in levels.split(", ")
    }


def test_every_event_is_documented_and_nothing_else_is() -> None:
    logged = {event(module, call) for module, call in calls()}
    assert len(logged) > 30
    assert logged == documented()
