"""Requests share a read, but nobody is given what is older than their own question."""

import threading
import time
from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest

from jobs.errors import JobNotFound
from service.watch import SharedReads


class Clock:
    """A value that is read slowly; it tells how often."""

    def __init__(self, take_s: float = 0.05) -> None:
        self.value = 0
        self.reads = 0
        self.begun = threading.Event()
        self._take_s = take_s
        self._lock = threading.Lock()

    def read(self) -> int:
        with self._lock:
            self.reads += 1
            value = self.value
        self.begun.set()
        time.sleep(self._take_s)
        return value


async def ask(reads: SharedReads, function: Callable[[], int], answers: list[int]) -> None:
    answers.append(await reads.read("clock", function))


def test_many_who_ask_at_once_share_a_read() -> None:
    clock, reads, answers = Clock(), SharedReads(), list[int]()

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask, reads, clock.read, answers)

    anyio.run(main)
    assert answers == [0] * 100
    assert clock.reads <= 2


def test_who_asks_after_a_change_sees_it_though_a_read_was_going_on() -> None:
    clock, reads, early, late = Clock(0.2), SharedReads(), list[int](), list[int]()

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, reads, clock.read, early)
            await anyio.to_thread.run_sync(clock.begun.wait)
            clock.value = 1
            for _ in range(10):
                tasks.start_soon(ask, reads, clock.read, late)

    anyio.run(main)
    assert (early, late, clock.reads) == ([0], [1] * 10, 2)


def test_different_reads_are_not_mixed_up() -> None:
    reads, answers = SharedReads(), dict[int, int]()

    async def ask_for(number: int) -> None:
        answers[number] = await reads.read(number, lambda: number)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(ask_for, number)

    anyio.run(main)
    assert answers == {number: number for number in range(50)}


def test_an_error_is_told_to_all_and_not_kept() -> None:
    reads, told = SharedReads(), list[str]()

    def missing() -> int:
        time.sleep(0.05)
        raise JobNotFound("No job.")

    async def fail() -> None:
        with pytest.raises(JobNotFound, match="No job"):
            await reads.read("job", missing)
        told.append("missing")

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(fail)
        assert await reads.read("job", lambda: 7) == 7

    anyio.run(main)
    assert told == ["missing"] * 5


@pytest.mark.parametrize("threads", [0, 1])
def test_one_that_leaves_takes_nothing_from_the_others(threads: int) -> None:
    """With no thread free the read has not begun yet when it is given up."""
    clock, reads, answers = Clock(0.2), SharedReads(), list[int]()

    async def main() -> None:
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        go_on = threading.Event()

        async def hold_the_thread() -> None:
            await anyio.to_thread.run_sync(go_on.wait)

        async with anyio.create_task_group() as tasks:
            if not threads:
                tasks.start_soon(hold_the_thread)
                await anyio.sleep(0.05)
            leaving = anyio.CancelScope()

            async def leave() -> None:
                with leaving:
                    await reads.read("clock", clock.read)

            tasks.start_soon(leave)
            await anyio.sleep(0.05)
            for _ in range(5):
                tasks.start_soon(ask, reads, clock.read, answers)
            await anyio.sleep(0.05)
            leaving.cancel()
            await anyio.sleep(0.05)
            go_on.set()

    anyio.run(main)
    assert answers == [0] * 5
