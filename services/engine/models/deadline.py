"""Many waits with a limit each, on one timer.

``asyncio.timeout`` around every read costs as much CPU as reading and decoding a chunk. Here a
wait only notes when it is due; the timer looks when it fires, and goes on if that was put off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """For one task at a time. ``close`` it when no more is to be waited for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[object] | None = None
        self._expired = False

    async def within(self, seconds: float, awaitable: Awaitable[T]) -> T:
        """The result of ``awaitable``; raises ``TimeoutError`` once ``seconds`` have passed."""
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        self._due = self._loop.time() + max(seconds, 0.0)
        if self._timer is None or self._timer.when() > self._due:
            self._arm()
        self._waiting = task
        try:
            return await awaitable
        except asyncio.CancelledError:
            # Our own cancel becomes a timeout; one from outside goes on.
            if self._expired and task.uncancel() <= before:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None
            self._expired = False

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._due, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self._due:
            self._arm()
        else:
            self._expired = True
            self._waiting.cancel()
