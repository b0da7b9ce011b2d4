"""Copies on the local disk: whole, bounded, never taken from under who reads them."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.cache import KEPT_FOR_S, SETTLED_AFTER_S, Cache, Original


class Originals:
    """Ten bytes each; counts how often they were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Original:
        self.asked += 1
        return Original(10, 1e9, iter([b"01234", b"56789"]))


@pytest.fixture
def originals() -> Originals:
    return Originals()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path, most_bytes=25)


def used(path: Path, seconds_ago: float) -> None:
    os.utime(path, (time.time() - seconds_ago, path.stat().st_mtime))


def names(tmp_path: Path, folder: str = "copies") -> list[str]:
    return sorted(path.name for path in (tmp_path / folder).iterdir())


def test_a_copy_is_made_once(cache: Cache, originals: Originals, tmp_path: Path) -> None:
    for _ in range(2):
        with cache.copy("a", originals) as path:
            assert path.read_bytes() == b"0123456789"
            assert path.stat().st_mtime == 1e9
    assert originals.asked == 1
    assert names(tmp_path, "unfinished") == []


def test_a_copy_that_breaks_off_is_none(cache: Cache, tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"01234"
        raise ConnectionError

    with pytest.raises(ConnectionError), cache.copy("a", lambda: Original(10, 1e9, blocks())):
        pass
    assert names(tmp_path) == names(tmp_path, "unfinished") == []


def test_those_not_used_longest_make_room(
    cache: Cache, originals: Originals, tmp_path: Path
) -> None:
    for name, seconds_ago in (("a", 100.0), ("b", 200.0)):
        with cache.copy(name, originals) as path:
            pass
        used(path, seconds_ago)
    with cache.copy("c", originals):
        assert names(tmp_path) == ["a", "c"]


def test_what_is_read_or_was_just_given_out_stays(
    cache: Cache, originals: Originals, tmp_path: Path
) -> None:
    with cache.copy("read", originals) as path:
        used(path, 2 * KEPT_FOR_S)
        for name in ("b", "c", "d"):
            with cache.copy(name, originals) as other:
                pass
            used(other, SETTLED_AFTER_S / 2)
        cache.tidy()
        cache.drop("read")
        assert names(tmp_path) == ["b", "c", "d", "read"]
    cache.drop("read")
    assert names(tmp_path) == ["b", "c", "d"]


def test_what_nobody_uses_any_more_goes(cache: Cache, originals: Originals, tmp_path: Path) -> None:
    with cache.copy("a", originals) as path:
        pass
    used(path, KEPT_FOR_S / 2)
    cache.tidy()
    assert names(tmp_path) == ["a"]
    used(path, 2 * KEPT_FOR_S)
    cache.tidy()
    assert names(tmp_path) == []


def _begin_to_write(folder: Path) -> None:
    with Cache(folder, 25).unfinished() as path:
        path.write_bytes(b"half")
        os.kill(os.getpid(), 9)


def test_what_a_killed_process_left_goes_and_what_is_written_stays(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_begin_to_write, args=[tmp_path])
    process.start()
    process.join()
    (left,) = (tmp_path / "unfinished").iterdir()
    cache = Cache(tmp_path, 25)
    with cache.unfinished() as path:
        path.write_bytes(b"half")
        for file in (left, path):
            os.utime(file, (0, time.time() - 2 * SETTLED_AFTER_S))
        Cache(tmp_path, 25)
        assert names(tmp_path, "unfinished") == [path.name]


def test_a_file_that_is_there_already_may_become_a_copy(
    cache: Cache, originals: Originals, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"whole")
    cache.take(file, "a")
    assert not file.exists()
    with cache.copy("a", originals) as path:
        assert path.read_bytes() == b"whole"
    assert originals.asked == 0
