"""Keeps the text in flight on disk while an answer streams."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.25


class Saver:
    """Calls ``save`` at most every interval while something is new. ``stop`` waits for the last.

    A save that fails is tried again: the text is still there, and whoever ends the message finds
    out for good whether it can be written.
    """

    def __init__(self, save: Callable[[], Awaitable[None]], interval: float = INTERVAL_SECONDS):
        self._save = save
        self._interval = interval
        self._dirty = asyncio.Event()
        self._stopped = asyncio.Event()
        self._failing = False
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
                await self._try()

    async def _try(self) -> None:
        try:
            await self._save()
        except Exception:
            if not self._failing:
                log.exception("the text in flight could not be saved; trying again")
            self._failing = True
            self._dirty.set()
        else:
            self._failing = False
