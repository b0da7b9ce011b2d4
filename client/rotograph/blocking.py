"""What would block an event loop: `_async` has it done in a thread, `_sync` where it is called."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


async def async_sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def async_run(function: Callable[..., Value], *arguments: object) -> Value:
    return await asyncio.to_thread(function, *arguments)


def run(function: Callable[..., Value], *arguments: object) -> Value:
    return function(*arguments)
