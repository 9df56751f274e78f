"""Waiting for a condition: what the tests do instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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
