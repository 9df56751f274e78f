"""Deleting threads so that it can be undone for a while.

A deleted thread is marked on the server, with the time at which it goes for good: from then on no
list shows it, whatever becomes of this program. When the time is over it is deleted. A program that
was killed in between leaves the mark, and the next one goes on from there. Undoing takes the mark
away, and tells that it is done when the server has done it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.records import ServiceError, Thread

if TYPE_CHECKING:
    from services.threads import Threads

log = logging.getLogger(__name__)

GRACE = 20.0
"""Seconds in which a deletion can be undone."""


class Deletions:
    """``delete`` and ``undo`` raise ``ServiceError``; ``finish`` and ``sweep`` never do."""

    def __init__(
        self, threads: Threads, *, grace: float = GRACE, clock: Callable[[], float] = time.time
    ) -> None:
        self._threads = threads
        self._grace = grace
        self._clock = clock
        self._pending: dict[str, Thread] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def pending(self) -> tuple[Thread, ...]:
        """The threads that can be brought back, the one deleted last at the end."""
        return tuple(self._pending.values())

    async def delete(self, thread: Thread) -> None:
        """Hides the thread from every list, and deletes it when the grace is over."""
        due = int(self._clock() + self._grace) + 1
        await self._threads.hide(thread.id, due)
        self._pending[thread.id] = thread
        self._later(thread.id, self._grace)

    async def undo(self) -> Thread | None:
        """Brings the thread back that was deleted last; None when there is none."""
        if not self._pending:
            return None
        thread_id, thread = self._pending.popitem()
        self._stop(thread_id)
        try:
            await self._threads.hide(thread_id, None)
        except BaseException as error:
            if getattr(error, "status", None) != 404:
                self._pending[thread_id] = thread
                self._later(thread_id, self._grace)
            raise
        return thread

    async def finish(self) -> None:
        """Deletes for good what can still be undone: the program is leaving."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        while self._pending:
            thread_id, _ = self._pending.popitem()
            self._stop(thread_id)
            await self._purge(thread_id)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin_sweep(self) -> None:
        """Looks beside everything else for what a killed program left."""
        self._sweeping = asyncio.create_task(self.sweep(), name="deleted threads")

    async def sweep(self) -> None:
        """Deletes the threads whose time is over, and waits for that of the others."""
        try:
            left = await self._threads.hidden()
        except ServiceError as error:
            log.info("deleted threads were not looked for: %s", error.sentence)
            return
        for thread in left:
            if thread.id not in self._pending and thread.id not in self._tasks:
                self._later(thread.id, (thread.gone_at or 0) - self._clock())

    def _later(self, thread_id: str, seconds: float) -> None:
        async def purge() -> None:
            await asyncio.sleep(max(0.0, seconds))
            self._pending.pop(thread_id, None)
            await self._purge(thread_id)
            self._tasks.pop(thread_id, None)

        self._tasks[thread_id] = asyncio.create_task(purge(), name=f"delete {thread_id}")

    def _stop(self, thread_id: str) -> None:
        if (task := self._tasks.pop(thread_id, None)) is not None:
            task.cancel()

    async def _purge(self, thread_id: str) -> None:
        """Deletes the thread, unless its mark was taken away meanwhile, by whoever."""
        try:
            if (await self._threads.get(thread_id)).gone_at is not None:
                await self._threads.delete(thread_id)
        except ServiceError as error:
            if error.status != 404:
                # The mark stays: nobody sees the thread, and the next start tries again.
                log.warning("a deleted thread is still there: %s", error.sentence)
