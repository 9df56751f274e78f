"""The database file: opening, durability, and one writer at a time.

WAL, with three kinds of connection:

- *durable* writes commit with ``synchronous=FULL``: what was acknowledged survives a power cut;
- *quick* writes commit with ``synchronous=NORMAL``, for text in flight: a later durable commit
  syncs them too, and a killed process loses nothing either way;
- *reads* never wait for a writer (see ``reading.py``).

Writers of this process queue on a lock and begin with ``BEGIN IMMEDIATE``; another process on the
same file is waited for (``busy_timeout``).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.engine.store.connection import connect
from services.engine.store.failures import is_passing
from services.engine.store.migrations import (
    create_search_tables,
    migrate,
    set_version,
    version_of,
)
from services.engine.store.reading import Readers
from services.engine.store.tables import SCHEMA_VERSION, metadata

log = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 5000
# A large file takes long to copy.
MIGRATION_SECONDS = 300.0


class StoreError(Exception):
    """The database cannot be used; the message is a sentence that names the file."""


class Database:
    """The engine's store. ``open`` before use, ``close`` at the end."""

    def __init__(self, path: Path):
        self.path = path
        self.set_aside: Path | None = None
        """Where a file that was no database went when this one was opened."""
        self._write_lock = asyncio.Lock()
        self._durable = self._engine("FULL")
        self._quick = self._engine("NORMAL")
        self._readers = Readers(path, BUSY_TIMEOUT_MS)

    def _engine(self, synchronous: str) -> AsyncEngine:
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{self.path}",
            connect_args={"async_creator_fn": connect},
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1,
            max_overflow=0,
            # A writer commits or rolls back itself.
            pool_reset_on_return=None,
        )

        @event.listens_for(engine.sync_engine, "connect")
        def connected(connection: Any, _record: object) -> None:
            # The driver's own transaction control would begin too late and never IMMEDIATE.
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in (
                f"busy_timeout={BUSY_TIMEOUT_MS}",
                "journal_mode=WAL",
                f"synchronous={synchronous}",
                "foreign_keys=ON",
            ):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def begun(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    async def open(self) -> None:
        """Creates or checks the file; raises ``StoreError`` and leaves it untouched otherwise."""
        try:
            version = await asyncio.to_thread(_schema_version, self.path)
        except sqlite3.DatabaseError:
            self.set_aside = await asyncio.to_thread(_move_aside, self.path)
            version = 0
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was made by a newer Understudy (schema {version}, this one knows "
                f"{SCHEMA_VERSION}). Nothing was changed; start the newer version."
            )
        if 0 < version < SCHEMA_VERSION:
            await self._migrate(version)
        if version == 0:
            async with self.write() as connection:
                # Another process may have created it while this one waited for the lock.
                if await version_of(connection) == 0:
                    await connection.run_sync(metadata.create_all)
                    await create_search_tables(connection)
                    await set_version(connection, SCHEMA_VERSION)
            await asyncio.to_thread(self.path.chmod, 0o600)

    async def _migrate(self, version: int) -> None:
        """Brings an older file up to date; raises ``StoreError`` and leaves it as it was."""
        copy = self.path.with_name(f"{self.path.name}.schema-{version}")
        deadline = time.monotonic() + MIGRATION_SECONDS
        while True:
            try:
                async with self.write() as connection:
                    # A neighbour may have done it; then what is there is not what it was.
                    if await version_of(connection) == version:
                        await asyncio.to_thread(_copy, self.path, copy)
                    await migrate(connection)
                break
            except (OSError, sqlite3.Error, DBAPIError) as error:
                # The neighbour may still be at it.
                if is_passing(error) and time.monotonic() < deadline:
                    continue
                said = error.orig if isinstance(error, DBAPIError) else error
                raise StoreError(
                    f"{self.path} is of an older Understudy (schema {version}) and could not be "
                    f"brought up to date: {said}. Nothing in it was changed."
                ) from error
        log.info(
            "%s was brought from schema %d to %d; the file as it was: %s",
            self.path,
            version,
            SCHEMA_VERSION,
            copy,
        )

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, undone when it raises."""
        engine = self._durable if durable else self._quick
        async with self._write_lock, engine.begin() as connection:
            yield connection

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """What is committed; each statement sees the newest, for there is no transaction."""
        # A reader has what reading needs of a connection.
        return cast(AbstractAsyncContextManager[AsyncConnection], self._readers.one())

    async def close(self) -> None:
        self._readers.close()
        for engine in (self._quick, self._durable):
            await engine.dispose()


def _schema_version(path: Path) -> int:
    """The file's schema version, 0 for one that is not there yet. A cheap look with plain sqlite3.

    Raises ``sqlite3.DatabaseError`` for a file that is no database, ``StoreError`` for one that
    cannot be opened.
    """
    if not path.exists():
        return 0
    try:
        connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_MS / 1e3
        )
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"The database {path} cannot be opened ({error}). Nothing was changed; check the "
            "file's permissions and that its disk has room."
        ) from None
    return int(version)


def _copy(path: Path, copy: Path) -> None:
    """A whole copy, with what still lies in the write-ahead log; an older copy is replaced."""
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            unfinished.chmod(0o600)
            source.backup(target)
        unfinished.replace(copy)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _move_aside(path: Path) -> Path:
    """Renames a file that is no database, with its companions; nothing is ever deleted."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return aside
