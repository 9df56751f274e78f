"""Reading the store: in the event loop's thread while that is brief, elsewhere when it is not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Result, insert, select, text
from sqlalchemy.exc import OperationalError

from services.engine.store import reading, runs
from services.engine.store.database import Database
from services.engine.store.reading import READERS, Readers
from services.engine.store.tables import assistants, threads

LONG = text(
    "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 400000) "
    "SELECT count(*) FROM counted"
)
ENDLESS = text(
    "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted) "
    "SELECT count(*) FROM counted"
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "store.db")
    await opened.open()
    yield opened
    await opened.close()


def thread(number: int) -> dict[str, Any]:
    return {
        "id": f"thread_{number}",
        "created_at": number,
        "activity": number,
        "active_at": number,
        "tool_resources": {},
        "metadata": {"a": 'b"\n'},
    }


async def test_each_statement_sees_what_another_process_has_committed(database: Database) -> None:
    other = sqlite3.connect(database.path)
    async with database.read() as connection:
        assert (await connection.execute(select(threads))).all() == []
        other.execute(
            "INSERT INTO threads (id, created_at, activity, active_at, tool_resources, metadata) "
            "VALUES ('thread_x', 1, 1, 1, '{}', '{}')"
        )
        other.commit()
        (row,) = await connection.execute(select(threads))
        assert (row.id, row.metadata) == ("thread_x", {})
    other.close()


async def test_a_reader_cannot_write(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(OperationalError, match="readonly"):
            await connection.execute(insert(threads).values(thread(1)))


async def test_a_long_statement_leaves_the_loop_free(database: Database) -> None:
    async def long() -> Any:
        async with database.read() as connection:
            return await connection.scalar(LONG)

    task, turns = asyncio.create_task(long()), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert await task == 400_000
    assert turns > 10  # one, if the statement had been run to its end at once


async def test_a_short_statement_does_not_leave_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> Result[Any]:
        raise AssertionError

    monkeypatch.setattr(reading, "BRIEF_SECONDS", 60)
    async with database.read() as connection:
        monkeypatch.setattr(reading.Reader, "_in_thread", never)
        await connection.execute(select(threads))
        assert await connection.scalar(LONG) == 400_000


async def test_a_lock_is_waited_for_elsewhere(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "plain.db", isolation_level=None)
    other.execute("CREATE TABLE words (word TEXT)")
    readers = Readers(tmp_path / "plain.db", 30_000)
    async with readers.one() as reader:
        other.execute("BEGIN EXCLUSIVE")
        reading_ = asyncio.create_task(reader.scalar(text("SELECT count(*) FROM words")))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not reading_.done()
        other.execute("INSERT INTO words VALUES ('one')")
        other.execute("COMMIT")
        assert await reading_ == 1
    readers.close()
    other.close()


async def test_a_cancelled_statement_is_interrupted_and_its_reader_used_again(
    database: Database,
) -> None:
    async def endless() -> None:
        async with database.read() as connection:
            await connection.scalar(ENDLESS)

    for _ in range(READERS + 1):
        task = asyncio.create_task(endless())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with database.read() as connection:
        assert await connection.scalar(LONG) == 400_000


async def test_more_reads_than_readers_take_turns(database: Database) -> None:
    async def one() -> Any:
        async with database.read() as connection:
            await asyncio.sleep(0)
            return await connection.scalar(text("SELECT 1"))

    async with asyncio.timeout(10):
        assert await asyncio.gather(*(one() for _ in range(READERS * 3))) == [1] * READERS * 3


async def test_a_statement_that_fails_is_told_as_sqlalchemy_does(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(OperationalError, match="no such table"):
            await connection.execute(text("SELECT * FROM absent"))


async def test_prepared_statements_give_what_others_give(database: Database) -> None:
    rows = [
        {
            "id": f"asst_{number}",
            "created_at": number,
            "name": name,
            "model": "m",
            "tools": [{"type": "file_search"}],
            "tool_resources": {},
            "metadata": {"a": name or ""},
            "temperature": 1.0,
            "response_format": response_format,
        }
        for number, (name, response_format) in enumerate(
            [(None, None), ('é"\\\n\u2028😀', "auto"), ("", {"type": "json_object"})]
        )
    ]
    async with database.write() as connection:
        await connection.execute(insert(assistants), rows)
        there = (await connection.execute(select(assistants).order_by(assistants.c.seq))).all()
    from services.engine.store.assistants import _GET

    async with database.read() as connection:
        for row in there:
            found = (await connection.execute(_GET, {"which": row.id})).one()
            assert (found._fields, tuple(found)) == (row._fields, tuple(row))
        assert (await connection.execute(_GET, {"which": "asst_none"})).one_or_none() is None


async def test_runs_that_go_on_are_found_without_looking_at_those_that_ended(
    database: Database,
) -> None:
    for statement in (runs._ACTIVE, runs._ACTIVE_OF_THREAD):
        other = sqlite3.connect(database.path)
        plan = other.execute(f"EXPLAIN QUERY PLAN {statement}".replace(":thread", "'x'")).fetchall()
        other.close()
        assert [row[3] for row in plan if "one_active_run" not in row[3]] == []
