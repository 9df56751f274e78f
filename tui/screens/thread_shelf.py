"""The threads of the app: what the thread list shows, read a page at a time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from services.records import RunStatus, Thread
from tui.widgets.thread_list import ThreadList

if TYPE_CHECKING:
    from services.thread_listing import ThreadListing
    from services.workspace import Workspace


class ThreadObserver(Protocol):
    """Who has to know what happened to what the list shows."""

    def thread_renamed(self, thread: Thread) -> None:
        """The thread on the screen may have another title."""


class ThreadShelf:
    """The threads, the filter over them, and those that were put away.

    ``load``, ``load_threads``, ``load_more`` and ``find`` raise ``ServiceError``.
    """

    def __init__(
        self, workspace: Workspace, thread_list: ThreadList, observer: ThreadObserver
    ) -> None:
        self.query = ""
        """Text that the titles are filtered by."""
        self.archived = False
        """Whether the threads that were put away are shown instead of the others."""
        self.shown: str | None = None
        """Id of the thread on the screen."""
        self._workspace = workspace
        self._list = thread_list
        self._observer = observer
        self._all: ThreadListing | None = None
        self._chosen: ThreadListing | None = None
        self._hidden: set[str] = set()

    # Reading

    async def load(self) -> None:
        """Read the newest threads."""
        self._all = self._workspace.threads.listing()
        await self._all.refresh()
        self.paint()

    async def load_threads(self) -> None:
        """Read the newest threads again. Nothing moves while somebody moves in the list."""
        if self._all is None:
            return
        await self._all.refresh(keep_order=self._stays_put)
        if (chosen := self._chosen) is not None and chosen.read:
            await chosen.refresh(keep_order=self._stays_put)
        self.paint()
        if (thread := self.thread(self.shown)) is not None:
            self._observer.thread_renamed(thread)

    async def load_more(self) -> None:
        """Read the threads that come after those in the list."""
        if (listing := self._listing) is not None and listing.more:
            await listing.extend()
            self.paint()

    async def find(self) -> None:
        """Ask for what the filter and the view choose; loaded threads are shown until then."""
        if (chosen := self._chosen) is not None:
            await chosen.refresh()
            if chosen is self._chosen:
                self.paint()

    def _stays_put(self) -> bool:
        return self._list.has_focus

    # Looking up

    @property
    def _listing(self) -> ThreadListing | None:
        return self._chosen or self._all

    @property
    def threads(self) -> tuple[Thread, ...]:
        """The threads read so far, without filter, newest first."""
        if self._all is None:
            return ()
        return tuple(each for each in self._all.threads if each.id not in self._hidden)

    @property
    def listed(self) -> tuple[Thread, ...]:
        """What the list shows."""
        chosen = self._chosen
        if chosen is None:
            return self.threads
        # Until the answer is there, the filter goes over what was read before.
        found = chosen.threads if chosen.read else filter(chosen.holds, self.threads)
        return tuple(each for each in found if each.id not in self._hidden)

    def thread(self, id: str | None) -> Thread | None:
        """A thread that was read, None for others."""
        for listing in (self._all, self._chosen):
            if listing is not None and (thread := listing.thread(id)) is not None:
                return thread
        return None

    # Choosing

    def filter(self, query: str) -> bool:
        """Only titles that hold ``query``; whether there is something to ``find``."""
        self.query = query.strip()
        return self._choose()

    def show_archived(self, archived: bool) -> bool:
        """Those that were put away, or the others; whether there is something to ``find``."""
        self.archived = archived
        return self._choose()

    def _choose(self) -> bool:
        if self._all is None or not (self.query or self.archived):
            self._chosen = None
        else:
            self._chosen = self._workspace.threads.listing(query=self.query, archived=self.archived)
        self.paint()
        return self._chosen is not None

    # Changing

    def set_status(self, thread_id: str, status: RunStatus | None) -> None:
        """A run changed; the list shows it at once, without reading anything."""
        thread = self.thread(thread_id)
        if thread is not None and thread.run_status != status:
            self.replace(replace(thread, run_status=status))

    def show_thread(self, thread_id: str | None) -> None:
        """Mark the thread that is on the screen."""
        self.shown = thread_id
        self.paint()

    def replace(self, thread: Thread) -> None:
        """The thread is another now: its title, its state, where it belongs."""
        for listing in (self._all, self._chosen):
            if listing is not None:
                listing.replace(thread)
        self.paint()

    def hide(self, thread_id: str) -> None:
        """Out of the list at once, before the server has taken the deletion."""
        self._hidden.add(thread_id)
        self.paint()

    def bring_back(self, thread: Thread) -> None:
        """Into the list again, where its activity has it."""
        self._hidden.discard(thread.id)
        for listing in (self._all, self._chosen):
            if listing is not None:
                listing.bring_back(thread)
        self.paint()

    # Drawing

    def paint(self) -> None:
        """Show the list as it is now: states, news, ages."""
        seen = self._workspace.seen
        if (shown := self.thread(self.shown)) is not None:
            seen.look(shown)
        listing = self._listing
        self._list.show_threads(
            self.listed,
            shown=self.shown,
            now=time.time(),
            query=self.query,
            archived=self.archived,
            more=listing is not None and listing.more,
            news={each.id for each in self.listed if seen.has_news(each)},
        )
        if self.shown is not None and not self._list.has_focus:
            self._list.move_cursor_to(self.shown)
