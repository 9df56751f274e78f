"""The database file: opening, durability, and one writer at a time.

WAL, with three kinds of connection:

- *durable* writes commit with ``synchronous=FULL``: what was acknowledged survives a power cut;
- *quick* writes commit with ``synchronous=NORMAL``, for text in flight: a later durable commit
  syncs them too, and a killed process loses nothing either way;
- *reads* never wait for a writer.

Writers of this process queue on a lock and begin with ``BEGIN IMMEDIATE``; another process on the
same file is waited for (``busy_timeout``).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.engine.store.connection import connect
from services.engine.store.tables import SCHEMA_VERSION, metadata

BUSY_TIMEOUT_MS = 5000


class StoreError(Exception):
    """The database cannot be used; the message is a sentence that names the file."""


class Database:
    """The engine's store. ``open`` before use, ``close`` at the end."""

    def __init__(self, path: Path):
        self.path = path
        self.set_aside: Path | None = None
        """Where a file that was no database went when this one was opened."""
        self._write_lock = asyncio.Lock()
        self._durable = self._engine("FULL", writes=True)
        self._quick = self._engine("NORMAL", writes=True)
        self._readers = self._engine("FULL", writes=False)

    def _engine(self, synchronous: str, *, writes: bool) -> AsyncEngine:
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{self.path}",
            connect_args={"async_creator_fn": connect},
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1 if writes else 4,
            max_overflow=0,
            # A writer commits or rolls back itself; a reader has nothing to undo.
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

        if writes:

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
        if version == 0:
            async with self.write() as connection:
                # Another process may have created it while this one waited for the lock.
                now = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
                if now == 0:
                    await connection.run_sync(metadata.create_all)
                    await connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
            await asyncio.to_thread(self.path.chmod, 0o600)

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, undone when it raises."""
        engine = self._durable if durable else self._quick
        async with self._write_lock, engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """What is committed; each statement sees the newest, for there is no transaction."""
        async with self._readers.connect() as connection:
            yield connection

    async def close(self) -> None:
        for engine in (self._readers, self._quick, self._durable):
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
