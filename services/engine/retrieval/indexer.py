"""Indexes the files of vector stores, one after the other, in the background.

What is to be indexed stands in the store (``in_progress``), so a restart goes on where it was. Of
several processes on one data folder one indexes; the others look now and then whether it still
does. A large file is written a slice at a time: nobody who writes meanwhile waits for all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Row
from sqlalchemy.exc import DBAPIError

from services.engine.retrieval.blocks import Piece, Unreadable
from services.engine.retrieval.parsing import Parser, ParserClosed
from services.engine.store import chunks, files, vector_stores
from services.engine.store.contents import Contents
from services.engine.store.database import Database
from services.engine.store.failures import is_passing, store_sentence
from services.engine.store.one_process import OneProcess
from services.engine.store.vector_stores import entries

log = logging.getLogger(__name__)

# What the hosted API counted for a chunk beside its text: 256 numbers of four bytes.
VECTOR_BYTES = 1024
CLOSE_SECONDS = 5.0
LOOK_SECONDS = 0.5
RETRY_SECONDS = 2.0
# Another process may have died within a file, and nobody would be told.
IDLE_SECONDS = 15.0
# Files taken from the store at a time, and chunks written to it.
FILES = 50
SLICE = 500
SLICE_CHARACTERS = 1_600_000


class Indexer:
    """``wake`` it when something was attached; ``close`` it at the end."""

    def __init__(self, database: Database, contents: Contents, lock: Path):
        self._database = database
        self._contents = contents
        self._alone = OneProcess(lock)
        self._parser = Parser()
        self._news = asyncio.Event()
        self._indexed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._swept = False

    def open(self) -> None:
        self._news.set()
        self._task = asyncio.create_task(self._work(), name="indexer")

    def wake(self) -> None:
        self._news.set()

    async def settled(self, store_ids: Sequence[str], seconds: float) -> bool:
        """Waits until no file of these stores is being indexed; False if it took too long."""
        deadline = time.monotonic() + seconds
        while True:
            self._indexed.clear()
            async with self._database.read() as connection:
                if not await vector_stores.unfinished(connection, store_ids):
                    return True
            # Whoever was to index them may have died.
            self.wake()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # Another process may be the one that indexes: look again in any case.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_SECONDS)):
                    await self._indexed.wait()

    async def clear(self, which: ColumnElement[bool]) -> None:
        """Before entries go: takes their chunks out, if they are many, a slice at a time.

        They count as cancelled from then on: should we be killed in between, nobody must take the
        rest for a whole file.
        """
        async with self._database.read() as connection:
            if await chunks.fit(connection, which, SLICE):
                return
        async with self._database.write() as connection:
            await vector_stores.give_up(connection, which)
        await self._clear(which)

    async def close(self) -> None:
        """Finishes the slice it is at; the rest is done after the next start."""
        self._closing.set()
        self._news.set()
        self._parser.stop()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._parser.close()

    async def _work(self) -> None:
        failing = False
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._news.wait()
            self._news.clear()
            try:
                wait = None if await self._index_all() else LOOK_SECONDS
                failing = False
            except Exception as error:
                wait = RETRY_SECONDS
                if not failing:
                    said = store_sentence(error)
                    log.error(
                        "indexing stopped and will be tried again: %s",
                        said or error,
                        exc_info=None if said else error,
                    )
                failing = True
            if wait is not None:
                self._news.set()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._closing.wait()

    async def _index_all(self) -> bool:
        """Indexes whatever waits; False if another process is at it."""
        if not self._swept:
            # Of files that were cancelled or taken out just before a crash.
            await self._clear(entries.c.status.in_(("cancelled", "failed")))
            self._swept = True
        if not await self._waiting(1):
            return True
        if not await asyncio.to_thread(self._alone.take):
            return False
        try:
            while not self._closing.is_set() and (waiting := await self._waiting(FILES)):
                for row in waiting:
                    if self._closing.is_set():
                        break
                    await self._index_or_fail(row)
        finally:
            self._alone.let_go()
        return True

    async def _waiting(self, most: int) -> list[Row[Any]]:
        async with self._database.read() as connection:
            return await vector_stores.waiting(connection, most)

    async def _index_or_fail(self, row: Row[Any]) -> None:
        """A file that cannot be indexed must not stay in progress: clients poll until it is not."""
        try:
            await self._index(row)
        except ParserClosed:
            return
        except Unreadable as error:
            await self._fail(row, error.code, str(error))
        except DBAPIError as error:
            if is_passing(error) or (said := store_sentence(error)) is None:
                raise
            log.error("indexing %s failed: %s", row.id, said)
            await self._fail(row, "server_error", said)
        except Exception:
            log.exception("indexing %s failed", row.id)
            said = "The engine failed to index this file; its log says why."
            await self._fail(row, "server_error", said)
        self._indexed.set()

    async def _fail(self, row: Row[Any], code: str, said: str) -> None:
        await self._clear(entries.c.seq == row.seq)
        done = {"status": "failed", "last_error": {"code": code, "message": said}}
        async with self._database.write() as connection:
            await vector_stores.change_entry(connection, row.seq, done, when="in_progress")

    async def _index(self, row: Row[Any]) -> None:
        async with self._database.read() as connection:
            file = await files.find(connection, row.id)
        if file is None:
            raise Unreadable("The file is not there any more.")
        static = row.chunking_strategy["static"]
        wanted = static["max_chunk_size_tokens"], static["chunk_overlap_tokens"]
        async with self._database.read() as connection:
            begun = not await chunks.fit(connection, entries.c.seq == row.seq, 0)
        if begun:  # an attempt that was broken off
            await self._clear(entries.c.seq == row.seq)
        number = 0
        pieces = self._parser.pieces(self._contents.path(row.id), file["filename"], *wanted)
        async with contextlib.aclosing(pieces), contextlib.aclosing(_slices(pieces)) as slices:
            async for some, ended in slices:
                number += len(some)
                if self._closing.is_set() and not ended:
                    return
                rows = [(each.text, each.words, each.place) for each in some]
                # Should the power fail before it is synced, the file is indexed once more.
                async with self._database.write(durable=False) as connection:
                    # Cancelled or detached meanwhile: then no more.
                    if not await vector_stores.is_waiting(connection, row.seq):
                        break
                    await chunks.append(connection, row.seq, rows)
                    if ended:
                        used = file["bytes"] + number * VECTOR_BYTES
                        done = {"status": "completed", "usage_bytes": used}
                        await vector_stores.change_entry(connection, row.seq, done)
                        return
        await self._clear(entries.c.seq == row.seq)

    async def _clear(self, which: ColumnElement[bool]) -> None:
        cleared = SLICE
        while cleared == SLICE:
            async with self._database.write(durable=False) as connection:
                cleared = await chunks.clear(connection, which, SLICE)


async def _slices(
    pieces: AsyncIterator[list[Piece]],
) -> AsyncGenerator[tuple[list[Piece], bool], None]:
    """The pieces in slices for the store, and with each whether it is the last."""
    some: list[Piece] = []
    characters = 0
    async for more in pieces:
        for piece in more:
            if len(some) >= SLICE or characters >= SLICE_CHARACTERS:
                yield some, False
                some, characters = [], 0
            some.append(piece)
            characters += len(piece.text)
    yield some, True
