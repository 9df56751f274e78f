"""What writing a message needs of this machine: drafts, the history, files to attach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from services.outbox import Outbox
from services.outgoing import Draft, Outgoing, PendingFile

if TYPE_CHECKING:
    from services.local.drafts import Drafts
    from services.local.folder import FolderFiles
    from services.local.history import History


class Writing:
    """Making one reads nothing, and imports nothing that the first paint does without; ``open``
    reads the drafts and the history."""

    def __init__(self, data: Path, connection: str, folder: Path | None = None) -> None:
        self._data = data
        self._connection = connection
        self._folder = folder
        self._outboxes: dict[str | None, Outbox] = {}
        self._adding: set[asyncio.Task[None]] = set()

    @cached_property
    def _drafts(self) -> Drafts:
        from services.local.drafts import Drafts

        return Drafts(self._data / "drafts", self._connection)

    @cached_property
    def _history(self) -> History:
        from services.local.history import History

        return History(self._data / "history.jsonl")

    @cached_property
    def folder(self) -> FolderFiles:
        """The files below the folder the app was started in."""
        from services.local.folder import FolderFiles

        return FolderFiles(self._folder or Path.cwd())

    @property
    def sent(self) -> tuple[Outgoing, ...]:
        """What was sent before, in all threads, the newest first."""
        return self._history.messages

    async def open(self) -> list[Outbox]:
        """Reads what was kept. Never raises: what cannot be read is as if it were not there.

        Those that were there already and have another message now; this is known at once, before
        anything else runs.
        """
        recalled: list[Outbox] = []
        drafts, _ = await asyncio.gather(
            asyncio.to_thread(self._drafts.read), asyncio.to_thread(self._history.read)
        )
        for thread_id, draft in drafts.items():
            if (known := self._outboxes.get(thread_id)) is None:
                self._outboxes[thread_id] = Outbox(thread_id, draft, self._changed)
            else:
                known.recall(draft)
                recalled.append(known)
        return recalled

    def outbox(self, thread_id: str | None) -> Outbox:
        """What the thread has not sent; None is the thread that is not made yet."""
        if thread_id not in self._outboxes:
            self._outboxes[thread_id] = Outbox(thread_id, Draft(), self._changed)
        return self._outboxes[thread_id]

    def begin_new(self) -> Outbox:
        """For a new thread: what is on its way to the one before goes there, not here."""
        if self.outbox(None).sending:
            del self._outboxes[None]
        return self.outbox(None)

    def adopt(self, outbox: Outbox, thread_id: str) -> None:
        """The thread is made: what was written for it belongs to it from now on."""
        if outbox.thread_id is None:
            if self._outboxes.get(None) is outbox:
                del self._outboxes[None]
            self.outbox(None).touch()  # what was kept under the old name goes
            outbox.thread_id = thread_id
            self._outboxes[thread_id] = outbox
            outbox.touch()

    def forget(self, thread_id: str) -> None:
        """The thread is deleted, and its draft with it."""
        if (outbox := self._outboxes.pop(thread_id, None)) is not None:
            outbox.ask = None
            self._drafts.keep(thread_id, Draft)

    def _changed(self, outbox: Outbox) -> None:
        self._drafts.keep(outbox.thread_id, outbox.draft)

    async def flush(self) -> None:
        """Writes drafts at once, instead of within half a second."""
        await self._drafts.flush()

    def flush_now(self) -> None:
        """As ``flush``, when there is no time left for a loop."""
        self._drafts.flush_now()

    # History

    def remember(self, message: Outgoing) -> None:
        """A message was sent: it can be walked back to, in this app and the next."""
        if (kept := self._history.remember(message)) is not None:
            task = asyncio.create_task(asyncio.to_thread(self._history.add, kept))
            self._adding.add(task)
            task.add_done_callback(self._adding.discard)

    async def look_again(self) -> None:
        """Reads what other apps have added to the history since."""
        if self._adding:
            await asyncio.wait(self._adding)
        await asyncio.to_thread(self._history.read)

    # Files of this machine

    def find(self, query: str) -> AsyncIterator[tuple[str, ...]]:
        """Paths for a few letters, better ones while they are being looked for."""
        return self.folder.search(query)

    async def attach(self, path: str) -> PendingFile:
        """The file as it goes with a message, its size and kind checked.

        Raises ``ServiceError`` where it cannot go with one.
        """
        from services import files

        return await files.check(path, self.folder.root)

    async def dropped(self, text: str) -> tuple[str, ...]:
        """The files that a paste consists of; empty if it is a text."""
        from services.local.dropped import paths_in

        paths = paths_in(text, self.folder.root)
        if not paths:
            return ()
        try:
            there = await asyncio.to_thread(lambda: all(path.is_file() for path in paths))
        except OSError:
            return ()
        return tuple(map(str, paths)) if there else ()

    async def close(self) -> None:
        """Everything is on disk when this returns."""
        if "folder" in self.__dict__:  # it was used
            self.folder.close()
        await self.flush()
        if self._adding:
            await asyncio.wait(self._adding)
