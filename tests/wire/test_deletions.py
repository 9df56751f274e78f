"""Deleting threads so that it can be undone: nothing comes back, nothing undone is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from services.deletions import Deletions
from services.engine.models.base import TextDelta
from services.events import RunEnded
from services.functions.folder import FunctionsFolder
from services.records import ServiceError
from services.runs import Runs
from services.threads import Threads
from tests.waiting import until
from tests.wire.conftest import Wire, open_wire


@pytest.fixture
def threads(wire: Wire) -> Threads:
    return Threads(wire.client)


async def stored(wire: Wire) -> list[str]:
    """The ids of all threads that the engine has, hidden ones too."""
    return [each["id"] for each in (await wire.raw("GET", "/threads")).json()["data"]]


async def listed(threads: Threads) -> list[str]:
    return [each.title for each in await threads.list()]


async def test_a_deleted_thread_is_in_no_list_and_in_no_search(
    wire: Wire, threads: Threads
) -> None:
    await wire.thread("An ostrich")
    await wire.thread("A heron")
    deletions = Deletions(threads)
    (_, ostrich) = await threads.list()
    await deletions.delete(ostrich)
    assert await listed(threads) == ["A heron"]
    assert await threads.search("ostrich") == ()
    assert len(await stored(wire)) == 2
    await deletions.finish()


async def test_undoing_brings_back_the_last_one_first(wire: Wire, threads: Threads) -> None:
    for name in ("one", "two", "three"):
        await wire.thread(name)
    deletions = Deletions(threads)
    for thread in await threads.list():
        await deletions.delete(thread)
    assert await listed(threads) == []
    back = [await deletions.undo(), await deletions.undo()]
    assert [each.title for each in back if each] == ["one", "two"]
    assert await listed(threads) == ["two", "one"]
    await deletions.finish()
    assert len(await stored(wire)) == 2
    assert await deletions.undo() is None


async def test_after_the_grace_it_is_deleted_for_good(wire: Wire, threads: Threads) -> None:
    await wire.thread("one")
    deletions = Deletions(threads, grace=0.0)
    await deletions.delete((await threads.list())[0])

    async def gone() -> bool:
        return await stored(wire) == []

    await until(gone)
    assert await deletions.undo() is None
    assert deletions.pending == ()


async def test_quitting_deletes_what_can_still_be_undone(wire: Wire, threads: Threads) -> None:
    for name in ("one", "two", "kept"):
        await wire.thread(name)
    deletions = Deletions(threads)
    for thread in (await threads.list())[1:]:
        await deletions.delete(thread)
    await deletions.finish()
    assert await listed(threads) == ["kept"]
    assert len(await stored(wire)) == 1


async def test_a_program_that_was_killed_leaves_nothing_that_comes_back(
    wire: Wire, threads: Threads
) -> None:
    await wire.thread("one")
    killed = Deletions(threads, clock=lambda: time.time() - 3600)
    await killed.delete((await threads.list())[0])
    for task in killed._tasks.values():
        task.cancel()
    assert await listed(threads) == []
    after = Deletions(threads)
    await after.sweep()

    async def gone() -> bool:
        return await stored(wire) == []

    await until(gone)
    await after.finish()


async def test_what_another_program_can_still_undo_is_left_alone(
    wire: Wire, threads: Threads
) -> None:
    await wire.thread("one")
    first, second = Deletions(threads), Deletions(threads)
    await first.delete((await threads.list())[0])
    await second.sweep()
    await second.finish()
    assert len(await stored(wire)) == 1
    assert await first.undo() is not None
    assert await listed(threads) == ["one"]
    await first.finish()


async def test_an_undo_elsewhere_wins_over_a_deletion_that_is_due(
    wire: Wire, threads: Threads
) -> None:
    await wire.thread("one")
    deletions = Deletions(threads)
    (thread,) = await threads.list()
    await deletions.delete(thread)
    await threads.hide(thread.id, None)
    await deletions.finish()
    assert await listed(threads) == ["one"]


async def test_a_deletion_that_is_refused_leaves_the_thread(wire: Wire, threads: Threads) -> None:
    await wire.thread("one")
    (thread,) = await threads.list()
    full = {f"key{number}": "x" for number in range(16)}
    await wire.client.beta.threads.update(thread.id, metadata=full)
    deletions = Deletions(threads)
    with pytest.raises(ServiceError, match="Could not delete the thread"):
        await deletions.delete(thread)
    assert deletions.pending == ()
    assert await listed(threads) == ["one"]


async def test_an_undo_that_fails_can_be_tried_again(
    wire: Wire, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wire.thread("one")
    deletions = Deletions(threads)
    await deletions.delete((await threads.list())[0])

    async def broken(thread_id: str, until: int | None) -> None:
        raise ServiceError("Could not bring the thread back: the server is away.")

    with monkeypatch.context() as patched:
        patched.setattr(threads, "hide", broken)
        with pytest.raises(ServiceError):
            await deletions.undo()
    assert len(deletions.pending) == 1
    assert await deletions.undo() is not None
    assert await listed(threads) == ["one"]
    await deletions.finish()


async def test_deleting_a_thread_that_is_being_answered_ends_its_run_quietly(
    tmp_path: Path,
) -> None:
    async with open_wire(tmp_path, [TextDelta("So far"), asyncio.Event()]) as wire:
        threads = Threads(wire.client)
        runs = Runs(wire.client, FunctionsFolder(tmp_path))
        assistant = await wire.assistant()
        thread = await threads.create()
        session = await runs.send(thread.id, assistant.id, "hi")
        await until(lambda: any(message.text for message in session.messages()))
        deletions = Deletions(threads)
        await deletions.delete(await threads.get(thread.id))
        assert session.active
        await deletions.finish()
        assert await stored(wire) == []
        last = [event async for event in session.watch()][-1]
        assert isinstance(last, RunEnded)
        assert "No thread found" not in last.sentence
        await runs.close()
