"""Opening the workspace after the first paint, and again after it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from services.records import ConnectionState, ServiceError
from tui import collector
from tui.screens.page import Work

if TYPE_CHECKING:
    from services.workspace import Workspace


class Connecting:
    """One attempt at a time; whoever needs the connection waits for it with ``ready``."""

    def __init__(
        self,
        screen: Screen[None],
        workspace: Workspace,
        *,
        changed: Callable[[], None],
        opened: Callable[[ConnectionState], Awaitable[None]],
        failed: Callable[[ServiceError], None],
    ) -> None:
        """``opened`` is awaited before the connection counts; it may raise ServiceError."""
        self.done = False
        self.error: ServiceError | None = None
        self._screen = screen
        self._workspace = workspace
        self._changed = changed
        self._opened = opened
        self._failed = failed
        self._attempt: asyncio.Event | None = None

    def start(self) -> None:
        """Begin an attempt, unless one is on its way or was successful."""
        if self.done or self._attempt is not None:
            return
        self.error = None
        self._attempt = asyncio.Event()
        self._changed()
        work: Work = partial(self._open, self._attempt)
        self._screen.run_worker(work, group="connect")

    async def ready(self) -> None:
        """Wait for the attempt that is on its way; begin another one where the last failed.

        Raises:
            ServiceError: this attempt failed.
        """
        self.start()
        if self._attempt is not None:
            await self._attempt.wait()
        if self.error is not None:
            raise self.error

    async def _open(self, attempt: asyncio.Event) -> None:
        try:
            await self._opened(await self._workspace.open())
        except ServiceError as error:
            self.error = error
            self._failed(error)
        else:
            self.done = True
        collector.release()
        self._attempt = None
        attempt.set()
        self._changed()
