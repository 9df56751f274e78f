"""Reads a model's stream in a task of its own.

The run loop must be able to stop while it waits for the model, without ever being interrupted in a
store transaction: so only this task is cancelled, never the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from services.engine.models.base import ModelEvent

AHEAD = 256


class Pump:
    """An async iterator over a model's events that ``stop`` ends at once."""

    def __init__(self, source: AsyncGenerator[ModelEvent, None]):
        self._source = source
        self._queue: asyncio.Queue[ModelEvent | BaseException | None] = asyncio.Queue(AHEAD)
        self._stopped = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    def stop(self) -> None:
        self._stopped.set()
        self._task.cancel()
        # A task that is cancelled before its first step never says that it ended.
        self._clear()
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[ModelEvent]:
        """Raises what the model raised; ends early, without an error, once stopped."""
        try:
            while not self._stopped.is_set():
                item = await self._queue.get()
                if item is None or self._stopped.is_set():
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _clear(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    async def _read(self) -> None:
        end: BaseException | None = None
        try:
            # Drivers are async generators; closing one closes its connection to the endpoint.
            async with aclosing(self._source) as events:
                async for event in events:
                    await self._queue.put(event)
        except asyncio.CancelledError:
            # A stopped reader waits on the queue: make room, then wake it.
            self._clear()
        except Exception as error:
            end = error
        await self._queue.put(end)
