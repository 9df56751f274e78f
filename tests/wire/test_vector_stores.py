"""Vector stores: their files, batches, attributes, content, and what becomes of each."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types import FileObject
from sqlalchemy import update

from services.engine.store.tables import vector_store_files, vector_stores
from tests.wire.conftest import Wire, open_wire


async def stored(wire: Wire, name: str = "notes.md", data: bytes = b"twelve bytes") -> FileObject:
    return await wire.client.files.create(file=(name, data), purpose="assistants")


async def test_a_store_has_every_field_of_the_recorded_traffic(wire: Wire) -> None:
    made = (await wire.raw("POST", "/vector_stores", content=b"")).json()
    assert re.fullmatch(r"vs_[A-Za-z0-9]{24}", made["id"])
    assert made == {
        "id": made["id"],
        "object": "vector_store",
        "name": None,
        "description": None,
        "status": "completed",
        "usage_bytes": 0,
        "created_at": made["created_at"],
        "file_counts": {
            "in_progress": 0,
            "completed": 0,
            "failed": 0,
            "cancelled": 0,
            "total": 0,
        },
        "metadata": {},
        "expires_after": None,
        "expires_at": None,
        "last_active_at": made["created_at"],
    }


async def test_a_file_is_indexed_and_counted(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create(name="Mine", file_ids=[file.id])
    assert store.file_counts.total == 1
    entry = await wire.client.vector_stores.files.poll(file.id, vector_store_id=store.id)
    assert (entry.id, entry.status, entry.last_error) == (file.id, "completed", None)
    # Twelve bytes, and a vector of 256 numbers.
    assert entry.usage_bytes == 1036
    assert entry.chunking_strategy is not None
    assert entry.chunking_strategy.type == "static"
    assert entry.chunking_strategy.static.max_chunk_size_tokens == 800
    store = await wire.client.vector_stores.retrieve(store.id)
    assert (store.status, store.usage_bytes, store.file_counts.completed) == ("completed", 1036, 1)


async def test_the_content_is_what_was_indexed(wire: Wire) -> None:
    text = "A sentence of some words. " * 400
    file = await stored(wire, "long.txt", text.encode())
    store = await wire.client.vector_stores.create()
    await wire.client.vector_stores.files.create_and_poll(
        file.id,
        vector_store_id=store.id,
        chunking_strategy={
            "type": "static",
            "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 0},
        },
    )
    page = await wire.client.vector_stores.files.content(file.id, vector_store_id=store.id)
    parts = [part.text or "" for part in page.data]
    assert len(parts) > 10
    assert "".join(parts) == text


async def test_attributes_are_kept_and_replaced(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create()
    entry = await wire.client.vector_stores.files.create(
        store.id, file_id=file.id, attributes={"year": 2026, "draft": True, "by": "me"}
    )
    assert entry.attributes == {"year": 2026, "draft": True, "by": "me"}
    changed = await wire.client.vector_stores.files.update(
        file.id, vector_store_id=store.id, attributes={"year": 2027}
    )
    assert changed.attributes == {"year": 2027}


async def test_a_batch_is_polled_to_its_end(wire: Wire) -> None:
    wanted = [(await stored(wire, f"{number}.txt")).id for number in range(5)]
    store = await wire.client.vector_stores.create()
    batch = await wire.client.vector_stores.file_batches.create_and_poll(store.id, file_ids=wanted)
    assert (batch.object, batch.status) == ("vector_store.files_batch", "completed")
    assert re.fullmatch(r"vsfb_[0-9a-f]{32}", batch.id)
    assert (batch.file_counts.completed, batch.file_counts.total) == (5, 5)
    listed = wire.client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert {each.id async for each in listed} == set(wanted)
    cancelled = await wire.client.vector_stores.file_batches.cancel(
        batch.id, vector_store_id=store.id
    )
    assert cancelled.status == "completed"


async def test_a_batch_takes_settings_for_each_file(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create()
    await wire.client.vector_stores.file_batches.create_and_poll(
        store.id, files=[{"file_id": file.id, "attributes": {"k": "v"}}]
    )
    entry = await wire.client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert entry.attributes == {"k": "v"}
    answer = await wire.raw("POST", f"/vector_stores/{store.id}/file_batches", json={})
    assert answer.status_code == 400
    assert "Exactly one of" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("image.txt", b"\x89PNG\0\0\0\0", "unsupported_file"),
        ("empty.txt", b"   \n", "invalid_file"),
        ("report.pdf", b"%PDF-1.7", "invalid_file"),
    ],
)
async def test_what_cannot_be_read_is_failed_with_its_reason(
    wire: Wire, name: str, data: bytes, code: str
) -> None:
    file = await stored(wire, name, data)
    store = await wire.client.vector_stores.create()
    entry = await wire.client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
    assert entry.status == "failed"
    assert entry.last_error is not None
    assert entry.last_error.code == code
    assert (await wire.client.vector_stores.retrieve(store.id)).file_counts.failed == 1
    listed = wire.client.vector_stores.files.list(store.id, filter="failed")
    assert [each.id async for each in listed] == [file.id]


async def test_a_failure_of_our_own_does_not_leave_a_file_in_progress(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("services.engine.retrieval.parsing.read_light", fail)
    file = await stored(wire)
    store = await wire.client.vector_stores.create()
    entry = await wire.client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
    assert entry.last_error is not None
    assert (entry.status, entry.last_error.code) == ("failed", "server_error")


@pytest.mark.parametrize(("name", "shown"), [("a.csv", "[.csv]"), ("a", "[none]")])
async def test_what_is_never_searched_is_refused_whole(wire: Wire, name: str, shown: str) -> None:
    good, bad = await stored(wire), await stored(wire, name)
    store = await wire.client.vector_stores.create()
    with pytest.raises(openai.BadRequestError) as caught:
        await wire.client.vector_stores.file_batches.create(store.id, file_ids=[good.id, bad.id])
    assert f"Files with extensions {shown} are not supported for retrieval." in str(caught.value)
    assert (caught.value.param, caught.value.code) == ("file_ids", "unsupported_file")
    assert (await wire.client.vector_stores.files.list(store.id)).data == []


async def test_removing_a_file_from_a_store_keeps_the_file(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create(file_ids=[file.id])
    deleted = await wire.client.vector_stores.files.delete(file.id, vector_store_id=store.id)
    assert deleted.object == "vector_store.file.deleted"
    assert (await wire.client.files.retrieve(file.id)).id == file.id
    with pytest.raises(openai.NotFoundError):
        await wire.client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)


async def test_deleting_a_file_takes_it_out_of_every_store(wire: Wire) -> None:
    file = await stored(wire)
    stores = [await wire.client.vector_stores.create(file_ids=[file.id]) for _ in range(2)]
    await wire.client.files.delete(file.id)
    for store in stores:
        assert (await wire.client.vector_stores.retrieve(store.id)).file_counts.total == 0


async def test_a_deleted_store_is_gone_and_its_files_stay(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create(file_ids=[file.id])
    assert (await wire.client.vector_stores.delete(store.id)).object == "vector_store.deleted"
    with pytest.raises(openai.NotFoundError, match=f"No vector store found with id '{store.id}'."):
        await wire.client.vector_stores.retrieve(store.id)
    assert (await wire.client.files.retrieve(file.id)).id == file.id


async def test_a_store_expires_by_its_last_use(wire: Wire) -> None:
    store = await wire.client.vector_stores.create(
        expires_after={"anchor": "last_active_at", "days": 7}
    )
    assert store.expires_at == store.last_active_at + 7 * 24 * 60 * 60
    async with wire.engine.database.write() as connection:
        past = int(time.time()) - 8 * 24 * 60 * 60
        await connection.execute(update(vector_stores).values(last_active_at=past))
    assert (await wire.client.vector_stores.retrieve(store.id)).status == "expired"
    file = await stored(wire)
    with pytest.raises(openai.BadRequestError, match="has expired"):
        await wire.client.vector_stores.files.create(store.id, file_id=file.id)


async def test_a_store_is_renamed_and_its_metadata_merges(wire: Wire) -> None:
    store = await wire.client.vector_stores.create(name="Old", metadata={"a": "1"})
    changed = await wire.client.vector_stores.update(store.id, name="New", metadata={"b": "2"})
    assert (changed.name, changed.metadata) == ("New", {"a": "1", "b": "2"})


async def test_what_a_crash_left_unindexed_is_indexed_after_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder) as first:
        file = await stored(first)
        store = await first.client.vector_stores.create(file_ids=[file.id])
        await first.client.vector_stores.files.poll(file.id, vector_store_id=store.id)
        async with first.engine.database.write() as connection:
            await connection.execute(update(vector_store_files).values(status="in_progress"))
    async with open_wire(folder) as second:
        entry = await second.client.vector_stores.files.poll(file.id, vector_store_id=store.id)
        assert entry.status == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 5}}},
        {
            "chunking_strategy": {
                "type": "static",
                "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 60},
            }
        },
        {"expires_after": {"anchor": "created_at", "days": 1}},
        {"file_ids": ["file-x"] * 501},
    ],
)
async def test_a_refused_store_is_400(wire: Wire, body: dict[str, Any]) -> None:
    answer = await wire.raw("POST", "/vector_stores", json=body)
    assert answer.status_code == 400
    assert (await wire.client.vector_stores.list()).data == []
