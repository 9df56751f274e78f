"""The thread list as far as it was read: newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from services.records import Thread, ThreadPage

PAGE = 100


class ReadPage(Protocol):
    """How a page is read: ``services.threads.Threads.page``."""

    def __call__(
        self, *, query: str, archived: bool, after: str | None, limit: int
    ) -> Awaitable[ThreadPage]: ...


class ThreadListing:
    """The threads whose title holds ``query``, of those put away or of the others.

    ``threads`` is what was read so far, ``more`` whether there is more. ``refresh`` and ``extend``
    raise ``ServiceError`` and leave the list as it was.
    """

    def __init__(self, read: ReadPage, *, query: str = "", archived: bool = False) -> None:
        self.query = query
        self.archived = archived
        self.threads: tuple[Thread, ...] = ()
        self.more = False
        self.read = False
        """Whether anything was read yet."""
        self._page = read

    def holds(self, thread: Thread) -> bool:
        """Whether the thread belongs into this list."""
        return (
            thread.archived == self.archived
            and thread.gone_at is None
            and self.query.casefold() in thread.title.casefold()
        )

    def thread(self, id: str | None) -> Thread | None:
        return next((each for each in self.threads if each.id == id), None)

    async def refresh(self, *, keep_order: Callable[[], bool] = lambda: False) -> None:
        """Reads the newest again; what was read beyond them stays.

        With ``keep_order``, asked when the answer is there, what is known stays where it is, and
        what is new comes first: nobody likes rows that run away from under the cursor.
        """
        page = await self._next(None)
        fresh = [each for each in page.threads if self.holds(each)]
        ids = {each.id for each in fresh}
        beyond: list[Thread] = []
        if page.more and page.threads:
            # Not in a page that reaches back behind it: another program deleted it, or moved it.
            last = page.threads[-1].active_at
            beyond = [each for each in self.threads if each.id not in ids]
            beyond = [each for each in beyond if each.active_at <= last]
        merged = [*fresh, *beyond]
        if keep_order() and self.threads:
            now = {each.id: each for each in merged}
            known = {each.id for each in self.threads}
            merged = [each for each in merged if each.id not in known]
            merged += [now[each.id] for each in self.threads if each.id in now]
        if not beyond:
            self.more = page.more
        self.threads = tuple(merged)
        self.read = True

    async def extend(self) -> None:
        """Reads on until there are threads that were not known."""
        if not (self.more and self.threads):
            return
        known = {each.id for each in self.threads}
        after = self.threads[-1].id
        while True:
            page = await self._next(after)
            new = [each for each in page.threads if each.id not in known and self.holds(each)]
            if new or not page.more or not page.threads:
                self.threads += tuple(each for each in new if self.thread(each.id) is None)
                self.more = page.more and bool(page.threads)
                return
            after = page.threads[-1].id

    def replace(self, thread: Thread) -> None:
        """The thread changed: it is shown as it is now, or leaves this list."""
        if not self.holds(thread):
            self.drop(thread.id)
        elif self.thread(thread.id) is not None:
            self.threads = tuple(thread if each.id == thread.id else each for each in self.threads)

    def bring_back(self, thread: Thread) -> None:
        """Puts a thread where its activity has it."""
        if self.thread(thread.id) is not None or not self.holds(thread):
            self.replace(thread)
            return
        newer = [each for each in self.threads if each.active_at > thread.active_at]
        at = self.threads.index(newer[-1]) + 1 if newer else 0
        if at < len(self.threads) or not self.more:
            self.threads = (*self.threads[:at], thread, *self.threads[at:])

    def drop(self, thread_id: str) -> None:
        self.threads = tuple(each for each in self.threads if each.id != thread_id)

    async def _next(self, after: str | None) -> ThreadPage:
        return await self._page(query=self.query, archived=self.archived, after=after, limit=PAGE)
