"""A disk that fills up, a neighbour that holds the database: told in a sentence, and got over."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import openai
import pytest
from sqlalchemy.exc import OperationalError

from services.engine.engine import open_engine
from services.engine.models.base import Finished, TextDelta
from services.engine.runs.saving import Saver
from services.engine.settings import EngineSettings
from services.engine.store.database import Database, StoreError
from services.engine.store.failures import run_sentence, store_sentence
from tests.waiting import until
from tests.wire.conftest import Wire
from tests.wire.scripted import USAGE, says


async def limit_pages(database: Database, *, more: int) -> None:
    """Lets the file grow by so many pages: SQLite says beyond them that the disk is full."""
    for durable in (True, False):
        async with database.write(durable=durable) as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count={pages + more}")


async def test_a_full_disk_is_a_sentence_and_works_again_with_room(wire: Wire) -> None:
    thread = await wire.thread("hi")
    messages = wire.client.beta.threads.messages
    await limit_pages(wire.engine.database, more=0)
    with pytest.raises(openai.InternalServerError, match="The disk is full") as refused:
        await messages.create(thread.id, role="user", content="x" * 50_000)
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len((await messages.list(thread.id)).data) == 1
    await limit_pages(wire.engine.database, more=10_000)
    await messages.create(thread.id, role="user", content="x" * 50_000)


async def test_an_answer_that_finds_the_disk_full_is_kept_until_there_is_room(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.runs.loop.RETRY_SECONDS", 0.02)
    go = asyncio.Event()
    wire.model.scripts = [[TextDelta("begun "), go, *says("x" * 50_000)]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)

    async def read() -> None:
        async for event in stream:
            if event.event == "thread.message.delta" and not go.is_set():
                await limit_pages(wire.engine.database, more=0)
                go.set()

    with pytest.raises(openai.APIError, match="the disk is full"):
        await read()
    # Reading goes on, and the run still holds its thread: its text is not stored yet.
    (run,) = (await runs.list(thread.id)).data
    assert run.status == "in_progress"
    await limit_pages(wire.engine.database, more=10_000)
    run = await runs.poll(run_id=run.id, thread_id=thread.id)
    assert run.status == "failed"
    assert run.last_error is not None
    assert "the disk is full" in run.last_error.message
    newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert newest.status == "incomplete"
    assert newest.content[0].type == "text"
    assert newest.content[0].text.value == "begun " + "x" * 50_000


async def test_a_run_can_be_read_while_its_end_cannot_be_written(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)

    async def busy(_: str) -> bool:
        raise busy_error()

    with monkeypatch.context() as patch:
        patch.setattr(type(wire.engine.runner), "settle", lambda _, thread_id: busy(thread_id))
        assert (await runs.retrieve(run.id, thread_id=thread.id)).id == run.id
        assert len((await runs.list(thread.id)).data) == 1


def busy_error() -> OperationalError:
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    return OperationalError("", None, cause)


def test_what_is_no_fault_of_the_disk_is_not_explained_away() -> None:
    assert "is busy" in (store_sentence(busy_error()) or "")
    assert "What it wrote is kept" in (run_sentence(busy_error()) or "")
    assert store_sentence(OperationalError("", None, sqlite3.OperationalError("no table"))) is None
    assert store_sentence(ValueError("x")) is None


async def test_one_save_that_fails_costs_the_answer_nothing(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.engine.runs.turn import Turn

    failed: list[bool] = []
    real = Turn._save_text

    async def once(turn: Turn) -> None:
        if not failed:
            failed.append(True)
            raise busy_error()
        await real(turn)

    monkeypatch.setattr(Turn, "_save_text", once)
    monkeypatch.setattr(Saver.__init__, "__defaults__", (0.01,))
    go = asyncio.Event()
    wire.model.scripts = [[TextDelta("one"), go, TextDelta(" two"), Finished("stop", USAGE)]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)

    async def saved() -> bool:
        newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
        return bool(newest.content) and newest.role == "assistant"

    await until(saved)
    assert failed
    go.set()
    assert (await runs.poll(run_id=run.id, thread_id=thread.id)).status == "completed"


async def test_an_engine_that_cannot_begin_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_: Database) -> None:
        raise busy_error()

    monkeypatch.setattr(Database, "open", busy)
    with pytest.raises(StoreError, match=r"understudy\.db cannot be used\. The database is busy"):
        await open_engine(EngineSettings(tmp_path))
