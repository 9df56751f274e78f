"""Indexes the files of vector stores, one after the other, in the background.

What is to be indexed stands in the store (``in_progress``), so a restart goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from services.engine.retrieval.plain_text import (
    NEEDS_PARSER,
    Unreadable,
    decode,
    extension,
    pieces_of,
)
from services.engine.retrieval.words import analysed
from services.engine.store import chunks, files, vector_stores
from services.engine.store.contents import Contents
from services.engine.store.database import Database

log = logging.getLogger(__name__)

# What the hosted API counted for a chunk beside its text: 256 numbers of four bytes.
VECTOR_BYTES = 1024
CLOSE_SECONDS = 5.0
LOOK_SECONDS = 0.5


class Indexer:
    """``wake`` it when something was attached; ``close`` it at the end."""

    def __init__(self, database: Database, contents: Contents):
        self._database = database
        self._contents = contents
        self._news = asyncio.Event()
        self._indexed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

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
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # Another process may be the one that indexes: look again in any case.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_SECONDS)):
                    await self._indexed.wait()

    async def close(self) -> None:
        """Finishes the file it is at, for a while; the rest is done after the next start."""
        self._closing.set()
        self._news.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _work(self) -> None:
        while not self._closing.is_set():
            await self._news.wait()
            self._news.clear()
            try:
                async with self._database.read() as connection:
                    waiting = await vector_stores.waiting(connection)
                for row in waiting:
                    if self._closing.is_set():
                        return
                    await self._index_or_fail(row)
            except Exception:
                log.exception("indexing stopped; it goes on with the next file that is attached")

    async def _index_or_fail(self, row: Row[Any]) -> None:
        """A file that cannot be indexed must not stay in progress: clients poll until it is not."""
        try:
            await self._index(row)
        except Exception:
            log.exception("indexing %s failed", row.id)
            said = "The engine failed to index this file; its log says why."
            done = {"status": "failed", "last_error": {"code": "server_error", "message": said}}
            async with self._database.write() as connection:
                await vector_stores.change_entry(connection, row.seq, done, when="in_progress")

    async def _index(self, row: Row[Any]) -> None:
        async with self._database.read() as connection:
            file = await files.find(connection, row.id)
        data = await self._contents.read(row.id) if file else None
        try:
            if file is None or data is None:
                raise Unreadable("The file is not there any more.")
            pieces = await asyncio.to_thread(_pieces, file, data, row.chunking_strategy)
        except Unreadable as error:
            code = "unsupported_file" if data is not None else "invalid_file"
            done: dict[str, Any] = {
                "status": "failed",
                "last_error": {"code": code, "message": str(error)},
            }
            pieces = []
        else:
            used = len(data) + len(pieces) * VECTOR_BYTES
            done = {"status": "completed", "usage_bytes": used}
        async with self._database.write() as connection:
            # Cancelled, detached, or indexed by another process meanwhile: then not again.
            if await vector_stores.change_entry(connection, row.seq, done, when="in_progress"):
                await chunks.add(connection, row.seq, pieces)
        self._indexed.set()


def _pieces(
    file: Mapping[str, Any], data: bytes, chunking: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """The file's text in pieces, each with its words as the index has them."""
    ending = extension(file["filename"])
    if ending in NEEDS_PARSER:
        raise Unreadable(f"Files with the extension .{ending} cannot be read by this version yet.")
    static = chunking["static"]
    text = decode(data)
    cut = pieces_of(text, static["max_chunk_size_tokens"], static["chunk_overlap_tokens"])
    # With the name, a question that names the file finds it.
    return [(piece, analysed(f"{file['filename']}\n{piece}")) for piece in cut]
