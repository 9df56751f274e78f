"""Files on their way into the index: large ones, full disks, neighbours, and ends in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai.types import VectorStore
from openai.types.vector_stores import VectorStoreFile
from sqlalchemy import func, select, table, update

from services.engine.retrieval import indexer
from services.engine.retrieval.blocks import Block
from services.engine.retrieval.chunking import chunks_of
from services.engine.store.tables import chunks, vector_store_files
from tests.waiting import until
from tests.wire.conftest import Wire, open_wire
from tests.wire.scripted import says
from tests.wire.test_file_search import CATS, ran
from tests.wire.test_store_failures import limit_pages
from tests.wire.test_tool_resources import SEARCH, attach
from tests.wire.test_vector_stores import stored

_words = table("chunk_words")
LARGE = "\n".join(f"Line {number} is about animal{number}." for number in range(800)).encode()


def pieces_of(text: str) -> list[str]:
    return [chunk.text for chunk in chunks_of([Block(text)], 800, 400)]


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer, "SLICE", 2)
    monkeypatch.setattr(indexer, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(indexer, "LOOK_SECONDS", 0.02)


class Gate:
    """Stops the indexer behind its first slice, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        slices_of, number = indexer._slices, 0

        async def held(pieces: Any) -> AsyncIterator[Any]:
            nonlocal number
            async for each in slices_of(pieces):
                number += 1
                if number == 2:
                    self.reached.set()
                    async with asyncio.timeout(20):
                        await self.open.wait()
                yield each

        monkeypatch.setattr(indexer, "_slices", held)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, small_slices: None) -> Gate:
    return Gate(monkeypatch)


async def attached(wire: Wire, *files: tuple[str, bytes]) -> tuple[VectorStore, list[str]]:
    """A store with these files, still on their way into it; and their ids."""
    ids = [(await stored(wire, name, data)).id for name, data in files]
    return await wire.client.vector_stores.create(file_ids=ids), ids


async def settled(wire: Wire, store: VectorStore, file_id: str) -> VectorStoreFile:
    return await wire.client.vector_stores.files.poll(
        file_id, vector_store_id=store.id, poll_interval_ms=10
    )


async def chunk_count(wire: Wire) -> tuple[int, int]:
    """How many chunks there are, and how many have words."""
    async with wire.engine.database.read() as connection:
        number = await connection.scalar(select(func.count()).select_from(chunks))
        words = await connection.scalar(select(func.count()).select_from(_words))
    return number, words


async def test_others_write_and_are_indexed_while_a_large_file_is(wire: Wire, gate: Gate) -> None:
    store, (large,) = await attached(wire, ("large.md", LARGE))
    await until(gate.reached.is_set)
    async with asyncio.timeout(5):
        await wire.thread("Hello")
    entry = await wire.client.vector_stores.files.retrieve(large, vector_store_id=store.id)
    assert entry.status == "in_progress"
    gate.open.set()
    assert (await settled(wire, store, large)).status == "completed"
    content = (await wire.raw("GET", f"/vector_stores/{store.id}/files/{large}/content")).json()
    texts = [part["text"] for part in content["data"]]
    assert texts == pieces_of(LARGE.decode())
    assert len(texts) > 6


@pytest.mark.parametrize("end", ["cancel", "detach", "delete", "store"])
async def test_a_large_file_that_goes_while_it_is_indexed_leaves_nothing(
    wire: Wire, gate: Gate, end: str
) -> None:
    client = wire.client
    file = await stored(wire, "large.md", LARGE)
    store = await client.vector_stores.create()
    batch = await client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    await until(gate.reached.is_set)
    if end == "cancel":
        await client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    elif end == "detach":
        await client.vector_stores.files.delete(file.id, vector_store_id=store.id)
    elif end == "delete":
        await client.files.delete(file.id)
    else:
        await client.vector_stores.delete(store.id)
    gate.open.set()
    await until(lambda: _nothing(wire))


async def _nothing(wire: Wire) -> bool:
    return await chunk_count(wire) == (0, 0)


async def test_what_takes_long_to_take_out_counts_as_cancelled_meanwhile(
    wire: Wire, small_slices: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (large,) = await attached(wire, ("large.md", LARGE))
    await settled(wire, store, large)

    async def killed(_: object) -> None:
        raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(wire.engine.indexer, "_clear", killed)
        answer = await wire.raw("DELETE", f"/vector_stores/{store.id}/files/{large}")
        assert answer.status_code == 500
    entry = await wire.client.vector_stores.files.retrieve(large, vector_store_id=store.id)
    assert entry.status == "cancelled"
    await wire.client.vector_stores.files.delete(large, vector_store_id=store.id)
    assert await chunk_count(wire) == (0, 0)


async def test_what_a_kill_left_of_a_file_is_made_anew(tmp_path: Path, small_slices: None) -> None:
    async with open_wire(tmp_path) as first:
        store, ids = await attached(first, ("large.md", LARGE), ("other.md", LARGE))
        for each in ids:
            await settled(first, store, each)
        (whole, _) = await chunk_count(first)
        # As a kill leaves them: one half indexed, one cancelled before it was cleared.
        async with first.engine.database.write() as connection:
            for each, status in zip(ids, ("in_progress", "cancelled"), strict=True):
                await connection.execute(
                    update(vector_store_files)
                    .where(vector_store_files.c.id == each)
                    .values(status=status)
                )
    async with open_wire(tmp_path) as second:
        assert (await settled(second, store, ids[0])).status == "completed"
        assert await chunk_count(second) == (whole // 2, whole // 2)


async def test_a_full_disk_fails_a_file_with_its_reason_or_is_waited_for(
    wire: Wire, small_slices: None
) -> None:
    file = await stored(wire, "large.md", LARGE * 5)
    store = await wire.client.vector_stores.create()
    await limit_pages(wire.engine.database, more=8)
    await wire.client.vector_stores.files.create(store.id, file_id=file.id)
    entry = await settled(wire, store, file.id)
    assert entry.last_error is not None
    assert (entry.status, entry.last_error.code) == ("failed", "server_error")
    assert entry.last_error.message.startswith("The disk is full.")
    assert await chunk_count(wire) == (0, 0)
    await limit_pages(wire.engine.database, more=10_000)
    await wire.client.vector_stores.files.create(store.id, file_id=file.id)
    assert (await settled(wire, store, file.id)).status == "completed"


async def test_a_store_that_cannot_be_written_at_all_is_tried_again(
    wire: Wire, small_slices: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not left in progress until somebody happens to attach another file."""
    broken = asyncio.Event()

    async def fail(*_: object, **__: object) -> bool:
        raise OSError("no")

    async def fail_again(*_: object, **__: object) -> bool:
        broken.set()
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(indexer.vector_stores, "is_waiting", fail)
        patch.setattr(indexer.vector_stores, "change_entry", fail_again)
        store, (cats,) = await attached(wire, ("cats.md", CATS))
        async with asyncio.timeout(5):
            await broken.wait()
    assert (await settled(wire, store, cats)).status == "completed"


async def test_a_file_whose_bytes_vanished_fails(wire: Wire, gate: Gate) -> None:
    store, ids = await attached(wire, ("large.md", LARGE), ("cats.md", CATS))
    await until(gate.reached.is_set)
    for each in ids:
        wire.engine.contents.path(each).unlink()
    gate.open.set()
    entry = await settled(wire, store, ids[1])
    assert entry.last_error is not None
    assert (entry.status, entry.last_error.code) == ("failed", "invalid_file")
    # One that was begun is read to its end.
    assert (await settled(wire, store, ids[0])).status == "completed"


async def test_two_engines_on_one_folder_index_every_file_once(
    tmp_path: Path, small_slices: None
) -> None:
    async with open_wire(tmp_path) as first, open_wire(tmp_path) as second:
        files = [await stored(first, f"{number}.md", LARGE) for number in range(4)]
        stores = [
            await wire.client.vector_stores.create(file_ids=[file.id for file in files])
            for wire in (first, second)
        ]
        for wire, store in zip((second, first), stores, strict=True):
            for file in files:
                assert (await settled(wire, store, file.id)).status == "completed"
        pieces = len(pieces_of(LARGE.decode()))
        assert await chunk_count(first) == (8 * pieces, 8 * pieces)


async def test_what_a_dead_neighbour_left_is_indexed(
    tmp_path: Path, small_slices: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "IDLE_SECONDS", 0.02)
    async with open_wire(tmp_path) as wire:
        async with open_wire(tmp_path) as neighbour:
            await neighbour.engine.indexer.close()
            store, (cats,) = await attached(neighbour, ("cats.md", CATS))
        assert (await settled(wire, store, cats)).status == "completed"


async def test_a_messages_file_does_not_stand_behind_a_large_import(
    tmp_path: Path, gate: Gate
) -> None:
    """Of what waits, the store with the fewest files comes first."""
    async with open_wire(tmp_path, says("Ok.")) as wire:
        first = await stored(wire, "large.md", LARGE)
        many = [(await stored(wire, f"{number}.md", CATS)).id for number in range(60)]
        store = await wire.client.vector_stores.create(file_ids=[first.id])
        await until(gate.reached.is_set)
        await wire.client.vector_stores.file_batches.create(store.id, file_ids=many)
        file = await stored(wire, "cats.md", CATS)
        thread = await wire.client.beta.threads.create(
            messages=[{"role": "user", "content": "Hm?", "attachments": [attach(file.id, SEARCH)]}]
        )
        gate.open.set()
        assistant = await wire.assistant(tools=[SEARCH])
        await ran(wire, assistant.id, thread.id)
        async with wire.engine.database.read() as connection:
            order = list(
                await connection.scalars(
                    select(vector_store_files.c.id)
                    .join(chunks, chunks.c.entry == vector_store_files.c.seq)
                    .group_by(vector_store_files.c.seq)
                    .order_by(func.min(chunks.c.seq))
                )
            )
        assert order.index(file.id) < 3


@pytest.mark.parametrize(
    "text",
    [
        "ꙮ" * 50_000,
        "مرحبا بالعالم " * 3000,
        "漢字かな交じり文。" * 4000,
        "a" * 1_000_000,
        "1a" * 300_000,
        "\u202e\u200d\ufeff end",
        "e\u0301" * 20_000,
        "\x01\x02 control \x7f",
    ],
)
async def test_odd_texts_are_indexed_whole(wire: Wire, text: str) -> None:
    store, (file,) = await attached(wire, ("odd.txt", text.encode()))
    entry = await settled(wire, store, file)
    assert (entry.status, entry.last_error) == ("completed", None)
    content = (await wire.raw("GET", f"/vector_stores/{store.id}/files/{file}/content")).json()
    assert [part["text"] for part in content["data"]] == pieces_of(text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xff\xfe \0\n\0", b" \n\t " * 1000])
async def test_a_file_of_nothing_but_blanks_holds_no_text(wire: Wire, data: bytes) -> None:
    store, (file,) = await attached(wire, ("blank.txt", data))
    entry = await settled(wire, store, file)
    assert entry.last_error is not None
    assert entry.last_error.message == "The file holds no text."


async def test_closing_does_not_wait_for_a_large_file(tmp_path: Path, gate: Gate) -> None:
    async with open_wire(tmp_path) as first:
        store, (large,) = await attached(first, ("large.md", LARGE))
        await until(gate.reached.is_set)
        gate.open.set()
    async with open_wire(tmp_path) as second:
        assert (await settled(second, store, large)).status == "completed"
