"""Reading the database where it is asked for, as long as that is brief.

To hand a statement to another thread and its rows back keeps the event loop busy for longer than to
look up a row does, and the caller waits ten times as long. So a reader begins a statement at once,
in the loop's own thread, and gives it up, for a thread to run it from the start, when it has taken
``BRIEF_SECONDS`` or would have to wait for a lock. Readers cannot write.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import suppress
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any, Self, cast

from sqlalchemy import Connection, Executable, Result, ScalarResult, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from services.engine.store.prepared import PreparedStatements, Values

BRIEF_SECONDS = 0.002
READERS = 4
# Of SQLite's virtual machine between two looks at the clock, some 0.05 ms; more in a thread, which
# may have to wait for the interpreter at each.
_STEPS = 1000
_STEPS_IN_THREAD = 100_000
_GIVEN_UP = frozenset((sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY))


class Readers:
    """The readers of a file; they are kept, as opening one costs more than many statements."""

    def __init__(self, path: Path, busy_timeout: int):
        """``busy_timeout`` is in milliseconds."""
        self._busy_timeout = busy_timeout
        self._engine = create_engine(
            f"sqlite:///{path}",
            poolclass=NullPool,
            json_deserializer=_stored_json,
            connect_args={
                "factory": _Connection,
                "isolation_level": None,
                "check_same_thread": False,
            },
        )
        self._statements = PreparedStatements(self._engine.dialect)
        self._idle: list[Reader] = []
        self._free = asyncio.Semaphore(READERS)
        self._closed = False

    def one(self) -> Reading:
        """``async with`` it: a reader for this block alone."""
        return Reading(self)

    async def take(self) -> Reader:
        await self._free.acquire()
        try:
            return self._idle.pop() if self._idle else await asyncio.to_thread(self._open)
        except BaseException:
            self._free.release()
            raise

    def give_back(self, reader: Reader) -> None:
        self._free.release()
        if self._closed:
            reader.close()
        else:
            self._idle.append(reader)

    def close(self) -> None:
        """Those in use are closed when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> Reader:
        return Reader(self._engine.connect(), self._statements, self._busy_timeout)


class Reading:
    """Takes a reader and gives it back. (A generator for it would cost more than that.)"""

    def __init__(self, readers: Readers):
        self._readers = readers
        self._reader: Reader

    async def __aenter__(self) -> Reader:
        self._reader = await self._readers.take()
        return self._reader

    async def __aexit__(self, *_: object) -> None:
        self._readers.give_back(self._reader)


class Reader:
    """Executes one statement after the other, of which each sees what is committed by then."""

    def __init__(self, connection: Connection, statements: PreparedStatements, busy_timeout: int):
        self._connection = connection
        self._statements = statements
        self._raw = cast(_Connection, connection.connection.dbapi_connection)
        self._raw.execute("PRAGMA query_only=ON")
        self._raw.busy_timeout = busy_timeout
        self._raw.hurry()

    async def execute(self, statement: Executable, values: Values | None = None) -> Result[Any]:
        self._raw.due = perf_counter() + BRIEF_SECONDS
        if (known := self._statements.find(statement)) is not None:
            with suppress(sqlite3.Error):  # SQLAlchemy tells of it in its own way
                rows = self._raw.execute(known.sql, known.parameters(values or {})).fetchall()
                return known.result(rows)
        try:
            return self._connection.execute(statement, values)
        except DBAPIError as error:
            code: int = getattr(error.orig, "sqlite_errorcode", 0)
            if code & 0xFF not in _GIVEN_UP:
                raise
        return await self._in_thread(statement, values)

    async def scalar(self, statement: Executable, values: Values | None = None) -> Any:
        return (await self.execute(statement, values)).scalar()

    async def scalars(
        self, statement: Executable, values: Values | None = None
    ) -> ScalarResult[Any]:
        return (await self.execute(statement, values)).scalars()

    def close(self) -> None:
        self._connection.close()

    async def _in_thread(self, statement: Executable, values: Values | None) -> Result[Any]:
        self._raw.take_time()
        execute = asyncio.to_thread(self._connection.execute, statement, values)
        working = asyncio.ensure_future(execute)
        try:
            return await asyncio.shield(working)
        finally:
            if not working.done():
                # The caller was cancelled; no one else may have this reader with a thread at it.
                self._raw.due = 0.0
                await asyncio.wait({working})
                working.exception()
            self._raw.hurry()


class _Cursor(sqlite3.Cursor):
    """Reads its result whole, so that nothing is left to be read later, somewhere else."""

    _rows: list[Any]

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        super().execute(sql, parameters)
        self._rows = super().fetchall()
        return self

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        size = self.arraysize if size is None else size
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows


class _Connection(sqlite3.Connection):
    """A connection that has little time, or as much as it takes."""

    busy_timeout = 0
    due = 0.0
    """When the present statement is to be given up, on the clock of ``perf_counter``."""

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or _Cursor)

    def hurry(self) -> None:
        self.execute("PRAGMA busy_timeout=0")
        self.set_progress_handler(self._overdue, _STEPS)

    def take_time(self) -> None:
        self.due = inf
        self.execute(f"PRAGMA busy_timeout={self.busy_timeout}")
        self.set_progress_handler(self._overdue, _STEPS_IN_THREAD)

    def _overdue(self) -> bool:
        return perf_counter() > self.due


_decode = json.JSONDecoder().raw_decode  # stored texts have no blanks around them


def _stored_json(text: str) -> Any:
    # Most of what is stored is empty.
    if text == "{}":
        return {}
    if text == "[]":
        return []
    return _decode(text)[0]
