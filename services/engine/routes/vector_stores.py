"""``/v1/vector_stores``: stores, their files, batches, attributes and content."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError
from services.engine.ids import new_batch_id, new_id
from services.engine.retrieval.plain_text import SEARCHABLE, extension
from services.engine.routes.body import merged_metadata, page_query, read_body
from services.engine.schemas import (
    AttachFile,
    Chunking,
    CreateBatch,
    CreateVectorStore,
    ModifyStoreFile,
    StaticChunking,
    StaticChunks,
    VectorStoreFields,
)
from services.engine.store import files, vector_stores
from services.engine.store.vector_stores import STATES, entries

# --- stores -----------------------------------------------------------------------------------


async def create(request: Request) -> JSONResponse:
    body = await read_body(request, CreateVectorStore)
    now, store_id = int(time.time()), new_id("vs")
    async with engine_of(request).database.write() as connection:
        await vector_stores.add(
            connection,
            {
                "id": store_id,
                "created_at": now,
                "last_active_at": now,
                "name": body.name,
                "description": body.description,
                "expires_after": body.expires_after.model_dump() if body.expires_after else None,
                "metadata": body.metadata or {},
            },
        )
        wanted = [
            AttachFile(file_id=file_id, chunking_strategy=body.chunking_strategy)
            for file_id in body.file_ids or []
        ]
        await _attach(connection, store_id, wanted)
        made = await vector_stores.get(connection, store_id)
    engine_of(request).indexer.wake()
    return JSONResponse(made)


async def listing(request: Request) -> JSONResponse:
    query = page_query(request)
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await vector_stores.listing(connection, query))


async def retrieve(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await vector_stores.get(connection, _store_id(request)))


async def modify(request: Request) -> JSONResponse:
    body = await read_body(request, VectorStoreFields)
    async with engine_of(request).database.write() as connection:
        before = await vector_stores.get(connection, _store_id(request))
        fields = body.model_dump(include={"name", "expires_after"}, exclude_unset=True)
        if body.metadata is not None:
            fields["metadata"] = merged_metadata(before["metadata"], body.metadata)
        return JSONResponse(await vector_stores.change(connection, _store_id(request), fields))


async def remove(request: Request) -> JSONResponse:
    async with engine_of(request).database.write() as connection:
        await vector_stores.remove(connection, _store_id(request))
    return JSONResponse(
        {"id": _store_id(request), "object": "vector_store.deleted", "deleted": True}
    )


# --- files of a store -------------------------------------------------------------------------


async def attach(request: Request) -> JSONResponse:
    body = await read_body(request, AttachFile)
    async with engine_of(request).database.write() as connection:
        await vector_stores.living(connection, _store_id(request))
        await _attach(connection, _store_id(request), [body], param="file_id")
        row = await vector_stores.entry(connection, _store_id(request), body.file_id)
    engine_of(request).indexer.wake()
    return JSONResponse(vector_stores.entry_object(row))


async def list_files(request: Request) -> JSONResponse:
    return await _entry_listing(request, entries.c.vector_store_id == _store_id(request))


async def retrieve_file(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        return JSONResponse(vector_stores.entry_object(row))


async def modify_file(request: Request) -> JSONResponse:
    body = await read_body(request, ModifyStoreFile)
    async with engine_of(request).database.write() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        fields = {"attributes": body.attributes or {}}
        await vector_stores.change_entry(connection, row.seq, fields)
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        return JSONResponse(vector_stores.entry_object(row))


async def detach(request: Request) -> JSONResponse:
    """Takes the file out of the store; the file itself stays."""
    async with engine_of(request).database.write() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        await vector_stores.detach(connection, row.seq)
    return JSONResponse(
        {"id": _file_id(request), "object": "vector_store.file.deleted", "deleted": True}
    )


async def file_content(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        texts = await vector_stores.chunk_texts(connection, row.seq)
    return JSONResponse(
        {
            "object": "vector_store.file_content.page",
            "data": [{"type": "text", "text": text} for text in texts],
            "has_more": False,
            "next_page": None,
        }
    )


# --- batches ----------------------------------------------------------------------------------


async def create_batch(request: Request) -> JSONResponse:
    body = await read_body(request, CreateBatch)
    wanted = body.files or [
        AttachFile(
            file_id=file_id, attributes=body.attributes, chunking_strategy=body.chunking_strategy
        )
        for file_id in body.file_ids or []
    ]
    batch_id = new_batch_id()
    async with engine_of(request).database.write() as connection:
        await vector_stores.living(connection, _store_id(request))
        fields = {
            "id": batch_id,
            "vector_store_id": _store_id(request),
            "created_at": int(time.time()),
        }
        await vector_stores.add_batch(connection, fields)
        await _attach(connection, _store_id(request), wanted, batch_id=batch_id)
        made = await vector_stores.batch(connection, _store_id(request), batch_id)
    engine_of(request).indexer.wake()
    return JSONResponse(made)


async def retrieve_batch(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        found = await vector_stores.batch(connection, _store_id(request), _batch_id(request))
        return JSONResponse(found)


async def cancel_batch(request: Request) -> JSONResponse:
    async with engine_of(request).database.write() as connection:
        await vector_stores.batch(connection, _store_id(request), _batch_id(request))
        await vector_stores.cancel_batch(connection, _batch_id(request))
        left = await vector_stores.batch(connection, _store_id(request), _batch_id(request))
    return JSONResponse(left)


async def list_batch_files(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        await vector_stores.batch(connection, _store_id(request), _batch_id(request))
    return await _entry_listing(request, entries.c.batch_id == _batch_id(request))


# --- what they share --------------------------------------------------------------------------


async def _attach(
    connection: AsyncConnection,
    store_id: str,
    wanted: Sequence[AttachFile],
    *,
    batch_id: str | None = None,
    param: str = "file_ids",
) -> None:
    """Adds files to a store, all of them or, with an ``ApiError``, none."""
    for each in wanted:
        file = await files.find(connection, each.file_id)
        if file is None:
            raise ApiError(f"No file found with id '{each.file_id[:80]}'.", status=404, param=param)
        ending = extension(file["filename"])
        if ending not in SEARCHABLE:
            raise ApiError(
                f"Files with extensions [{f'.{ending}' if ending else 'none'}] are not supported "
                "for retrieval.",
                param=param,
                code="unsupported_file",
            )
        await vector_stores.attach(
            connection,
            {
                "id": each.file_id,
                "vector_store_id": store_id,
                "batch_id": batch_id,
                "created_at": int(time.time()),
                "status": "in_progress",
                "usage_bytes": 0,
                "chunking_strategy": _chunking(each.chunking_strategy),
                "attributes": each.attributes or {},
            },
        )


def _chunking(given: Chunking | None) -> dict[str, Any]:
    static = given.static if isinstance(given, StaticChunking) else StaticChunks()
    return {"type": "static", "static": static.model_dump()}


async def _entry_listing(request: Request, which: ColumnElement[bool]) -> JSONResponse:
    query = page_query(request)
    conditions = [which]
    if state := request.query_params.get("filter"):
        if state not in STATES:
            supported = ", ".join(f"'{each}'" for each in STATES)
            raise ApiError(
                f"Invalid value: '{state[:40]}'. Supported values are: {supported}.",
                param="filter",
                code="invalid_value",
            )
        conditions.append(entries.c.status == state)
    async with engine_of(request).database.read() as connection:
        await vector_stores.get(connection, _store_id(request))
        return JSONResponse(await vector_stores.entry_listing(connection, query, *conditions))


def _store_id(request: Request) -> str:
    return str(request.path_params["vector_store_id"])


def _file_id(request: Request) -> str:
    return str(request.path_params["file_id"])


def _batch_id(request: Request) -> str:
    return str(request.path_params["batch_id"])


_STORE = "/vector_stores/{vector_store_id}"
_BATCH = f"{_STORE}/file_batches/{{batch_id}}"
routes = [
    Route("/vector_stores", create, methods=["POST"]),
    Route("/vector_stores", listing, methods=["GET"]),
    Route(_STORE, retrieve, methods=["GET"]),
    Route(_STORE, modify, methods=["POST"]),
    Route(_STORE, remove, methods=["DELETE"]),
    Route(f"{_STORE}/files", attach, methods=["POST"]),
    Route(f"{_STORE}/files", list_files, methods=["GET"]),
    Route(f"{_STORE}/files/{{file_id}}", retrieve_file, methods=["GET"]),
    Route(f"{_STORE}/files/{{file_id}}", modify_file, methods=["POST"]),
    Route(f"{_STORE}/files/{{file_id}}", detach, methods=["DELETE"]),
    Route(f"{_STORE}/files/{{file_id}}/content", file_content, methods=["GET"]),
    Route(f"{_STORE}/file_batches", create_batch, methods=["POST"]),
    Route(_BATCH, retrieve_batch, methods=["GET"]),
    Route(f"{_BATCH}/cancel", cancel_batch, methods=["POST"]),
    Route(f"{_BATCH}/files", list_batch_files, methods=["GET"]),
]
