"""Keeps the text in flight on disk while an answer streams."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

INTERVAL_SECONDS = 0.25


class Saver:
    """Calls ``save`` at most every interval while something is new. ``stop`` waits for the last."""

    def __init__(self, save: Callable[[], Awaitable[None]], interval: float = INTERVAL_SECONDS):
        self._save = save
        self._interval = interval
        self._dirty = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task = asyncio.create_task(self._work())

    def mark(self) -> None:
        self._dirty.set()

    async def stop(self) -> None:
        self._stopped.set()
        self._dirty.set()
        await self._task

    async def _work(self) -> None:
        while True:
            await self._dirty.wait()
            if self._stopped.is_set():
                return
            self._dirty.clear()
            try:
                async with asyncio.timeout(self._interval):
                    await self._stopped.wait()
                    return  # whoever stops a saver writes the final state itself
            except TimeoutError:
                await self._save()
