"""Crashes and neighbours: nothing lost, no thread locked, nothing done twice."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import openai
import pytest

from services.engine.engine import open_engine, set_aside_notice
from services.engine.models.base import TextDelta
from services.engine.settings import EngineSettings
from services.engine.store.database import StoreError
from services.engine.store.owners import Owners
from services.engine.store.tables import SCHEMA_VERSION
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.scripted import calls, says


async def stored_answer(wire: Wire, thread_id: str) -> str:
    newest = (await wire.client.beta.threads.messages.list(thread_id)).data[0]
    if newest.role != "assistant" or not newest.content:
        return ""
    assert newest.content[0].type == "text"
    return newest.content[0].text.value


def desert(wire: Wire, folder: Path) -> None:
    """Makes the run's owner look dead, as a kill would: its lock is let go."""
    wire.engine.owners.leave()
    assert not list((folder / "engines").iterdir())


async def test_what_a_crash_left_running_is_failed_and_its_text_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder, [TextDelta("So far"), asyncio.Event()]) as first:
        assistant = await first.assistant()
        thread = await first.thread("question")
        run = await first.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)

        async def saved() -> bool:
            return await stored_answer(first, thread.id) == "So far"

        await until(saved)
        desert(first, folder)
        async with open_wire(folder, says("Again.")) as second:
            runs = second.client.beta.threads.runs
            ended = await runs.retrieve(run.id, thread_id=thread.id)
            assert ended.status == "failed"
            assert ended.last_error is not None
            assert "Understudy stopped" in ended.last_error.message
            assert await stored_answer(second, thread.id) == "So far"
            answer = (await second.client.beta.threads.messages.list(thread.id)).data[0]
            assert answer.status == "incomplete"
            step = (await runs.steps.list(run.id, thread_id=thread.id)).data[0]
            assert step.status == "failed"
            again = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
            assert again.status == "completed"


async def test_a_run_that_waits_survives_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder, calls(("look", "{}"))) as first:
        assistant = await first.assistant(tools=[LOOK])
        thread = await first.thread("look")
        run = await first.client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id
        )
    async with open_wire(folder, says("Seen.")) as second:
        runs = second.client.beta.threads.runs
        waiting = await runs.retrieve(run.id, thread_id=thread.id)
        assert waiting.status == "requires_action"
        assert waiting.required_action is not None
        call = waiting.required_action.submit_tool_outputs.tool_calls[0]
        ended = await runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=thread.id,
            tool_outputs=[{"tool_call_id": call.id, "output": "a cat"}],
        )
        assert ended.status == "completed"
        assert second.model.requests[0].messages[-1].text == "a cat"


async def test_closing_the_engine_ends_its_runs_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder, [TextDelta("So far"), asyncio.Event()]) as first:
        assistant = await first.assistant()
        thread = await first.thread("question")
        run = await first.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
        await until(lambda: first.model.requests)
    async with open_wire(folder) as second:
        ended = await second.client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
        assert ended.status == "failed"
        assert ended.last_error is not None
        assert "closed during this run" in ended.last_error.message


async def test_a_second_engine_leaves_the_first_ones_runs_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    go = asyncio.Event()
    async with open_wire(folder, [TextDelta("one"), go, *says(" two")]) as first:
        assistant = await first.assistant()
        thread = await first.thread("question")
        run = await first.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
        await until(lambda: first.model.requests)
        async with open_wire(folder) as second:
            runs = second.client.beta.threads.runs
            assert (await runs.retrieve(run.id, thread_id=thread.id)).status in (
                "queued",
                "in_progress",
            )
            with pytest.raises(openai.BadRequestError, match="while a run"):
                await second.client.beta.threads.messages.create(
                    thread.id, role="user", content="x"
                )
            go.set()
            ended = await runs.poll(run_id=run.id, thread_id=thread.id)
            assert ended.status == "completed"
            assert await stored_answer(second, thread.id) == "one two"


async def test_a_second_engine_can_cancel_the_first_ones_run(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder, [TextDelta("one"), asyncio.Event()]) as first:
        assistant = await first.assistant()
        thread = await first.thread("question")
        run = await first.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
        await until(lambda: first.model.requests)
        async with open_wire(folder) as second:
            runs = second.client.beta.threads.runs
            assert (await runs.cancel(run.id, thread_id=thread.id)).status == "cancelling"
            ended = await runs.poll(run_id=run.id, thread_id=thread.id)
            assert ended.status == "cancelled"
            assert first.model.closed == 1


async def test_a_stream_tells_that_its_run_is_cancelled_by_another_engine(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with (
        open_wire(folder, [TextDelta("one"), asyncio.Event()]) as first,
        open_wire(folder) as second,
    ):
        assistant = await first.assistant()
        thread = await first.thread("question")
        stream = await first.client.beta.threads.runs.create(
            thread.id, assistant_id=assistant.id, stream=True
        )
        run_id, told = "", []
        async for event in stream:
            told.append(event.event)
            if event.event == "thread.run.created":
                run_id = event.data.id
            if event.event == "thread.message.delta":
                await second.client.beta.threads.runs.cancel(run_id, thread_id=thread.id)
        assert told[-4:] == [
            "thread.run.cancelling",
            "thread.message.incomplete",
            "thread.run.step.cancelled",
            "thread.run.cancelled",
        ]


async def test_a_thread_deleted_by_a_neighbour_stops_its_run(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with (
        open_wire(folder, [TextDelta("one"), asyncio.Event()]) as first,
        open_wire(folder) as second,
    ):
        assistant = await first.assistant()
        thread = await first.thread("hi")
        stream = await first.client.beta.threads.runs.create(
            thread.id, assistant_id=assistant.id, stream=True
        )

        async def read() -> None:
            async for event in stream:
                if event.event == "thread.message.delta":
                    await second.client.beta.threads.delete(thread.id)

        with pytest.raises(openai.APIError, match="No run found"):
            await read()
        assert first.model.closed == 1


async def test_two_engines_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder) as first, open_wire(folder) as second:
        thread = await first.thread()
        await asyncio.gather(
            *(
                each.client.beta.threads.messages.create(
                    thread.id, role="user", content=f"{name} {number}"
                )
                for number in range(50)
                for name, each in (("first", first), ("second", second))
            )
        )
        listed = [each async for each in first.client.beta.threads.messages.list(thread.id)]
        assert len({each.id for each in listed}) == 100


async def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "understudy.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        connection.execute("CREATE TABLE things (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Understudy"):
        await open_engine(EngineSettings(tmp_path))
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_moved_aside_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "understudy.db"
    path.write_bytes(b"this is no database" * 500)
    engine = await open_engine(EngineSettings(tmp_path))
    await engine.close()
    assert str(tmp_path / "understudy.db.damaged-1") in set_aside_notice(engine)
    aside = tmp_path / "understudy.db.damaged-1"
    assert aside.read_bytes() == b"this is no database" * 500


async def test_what_is_acknowledged_is_synced_and_private(tmp_path: Path) -> None:
    async with open_wire(tmp_path / "data") as wire:
        database = wire.engine.database
        async with database.write() as connection:
            full = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one()
            journal = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
        async with database.write(durable=False) as connection:
            normal = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one()
        assert (full, normal, journal) == (2, 1, "wal")
        assert database.path.stat().st_mode & 0o777 == 0o600


def test_the_lock_of_a_dead_owner_is_free_and_swept(tmp_path: Path) -> None:
    one, other = Owners(tmp_path), Owners(tmp_path)
    one.enter()
    other.enter()
    assert one.alive(other.me)
    other.leave()
    assert not one.alive(other.me)
    assert not one.alive("1-0123456789abcdef")
    one.leave()
    assert list(tmp_path.iterdir()) == []
