"""Waiting for a condition: what the tests do instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import TypeVar

Value = TypeVar("Value")


async def until(
    condition: Callable[[], Value | Awaitable[Value]], *, seconds: float = 10.0
) -> Value:
    """The condition's first true value; fails the test when it does not come in time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                value = condition()
                if isawaitable(value):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"This did not come true within {seconds} s: {condition}") from None


@asynccontextmanager
async def longest_pause() -> AsyncIterator[Callable[[], float]]:
    """Measures how long, in seconds, nobody else got a turn of the event loop."""
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        while True:
            before = loop.time()
            await asyncio.sleep(0.002)
            longest = max(longest, loop.time() - before)

    looking = asyncio.create_task(look())
    try:
        yield lambda: longest
        await asyncio.sleep(0.005)
    finally:
        looking.cancel()
