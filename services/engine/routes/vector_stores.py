"""``/v1/vector_stores``: stores, their files, batches, attributes, content and search."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import ColumnElement
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.ids import new_batch_id
from services.engine.retrieval.attaching import attach_files, new_store
from services.engine.retrieval.search import Passage, search
from services.engine.routes.body import merged_metadata, page_query, read_body
from services.engine.routes.polling import POLL_AFTER
from services.engine.routes.refusals import unsupported
from services.engine.schemas import (
    AttachFile,
    CreateBatch,
    CreateVectorStore,
    ModifyStoreFile,
    SearchRanking,
    SearchStore,
    VectorStoreFields,
)
from services.engine.store import chunks, vector_stores
from services.engine.store.vector_stores import STATES, entries

SEARCH_RESULTS = 10
# Of a file's text, read and sent at a time.
CONTENT_CHUNKS = 200

# --- stores -----------------------------------------------------------------------------------


async def create(request: Request) -> JSONResponse:
    body = await read_body(request, CreateVectorStore)
    async with engine_of(request).database.write() as connection:
        store_id = await new_store(
            connection,
            name=body.name,
            description=body.description,
            expires_after=body.expires_after.model_dump() if body.expires_after else None,
            metadata=body.metadata,
        )
        wanted = [
            AttachFile(file_id=file_id, chunking_strategy=body.chunking_strategy)
            for file_id in body.file_ids or []
        ]
        await attach_files(connection, store_id, wanted)
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
            fields["metadata"] = merged_metadata(request, before["metadata"], body.metadata)
        return JSONResponse(await vector_stores.change(connection, _store_id(request), fields))


async def remove(request: Request) -> JSONResponse:
    await engine_of(request).indexer.clear(entries.c.vector_store_id == _store_id(request))
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
        await attach_files(connection, _store_id(request), [body], param="file_id")
        row = await vector_stores.entry(connection, _store_id(request), body.file_id)
    engine_of(request).indexer.wake()
    return JSONResponse(vector_stores.entry_object(row), headers=POLL_AFTER)


async def list_files(request: Request) -> JSONResponse:
    return await _entry_listing(request)


async def retrieve_file(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        return JSONResponse(vector_stores.entry_object(row), headers=POLL_AFTER)


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
    await engine_of(request).indexer.clear(
        (entries.c.vector_store_id == _store_id(request)) & (entries.c.id == _file_id(request))
    )
    async with engine_of(request).database.write() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))
        await vector_stores.detach(connection, row.seq)
    return JSONResponse(
        {"id": _file_id(request), "object": "vector_store.file.deleted", "deleted": True}
    )


async def file_content(request: Request) -> StreamingResponse:
    """What was indexed. A large file's text leaves as it is read: it would hold up all others."""
    database = engine_of(request).database
    async with database.read() as connection:
        row = await vector_stores.entry(connection, _store_id(request), _file_id(request))

    async def body() -> AsyncIterator[str]:
        yield '{"object":"vector_store.file_content.page","data":['
        last, texts = 0, [""]
        between = ""
        while texts:
            async with database.read() as connection:
                found = await chunks.texts_behind(connection, row.seq, last, CONTENT_CHUNKS)
            texts = [json.dumps({"type": "text", "text": text}) for _, text in found]
            if texts:
                last = found[-1][0]
                yield between + ",".join(texts)
                between = ","
        yield '],"has_more":false,"next_page":null}'

    return StreamingResponse(body(), media_type="application/json")


# --- search -----------------------------------------------------------------------------------


async def search_store(request: Request) -> JSONResponse:
    """The passages that fit best; the queries are searched as they were written."""
    body = await read_body(request, SearchStore)
    queries = [body.query] if isinstance(body.query, str) else body.query
    ranking = body.ranking_options or SearchRanking()
    async with engine_of(request).database.read() as connection:
        await vector_stores.living(connection, _store_id(request))
        found = await search(
            connection,
            [_store_id(request)],
            queries,
            most=body.max_num_results or SEARCH_RESULTS,
            filters=body.filters,
            threshold=ranking.score_threshold or 0.0,
        )
    return JSONResponse(
        {
            "object": "vector_store.search_results.page",
            "search_query": queries,
            "data": [_result(passage) for passage in found],
            "has_more": False,
            "next_page": None,
        }
    )


def _result(passage: Passage) -> dict[str, Any]:
    return {
        "file_id": passage.file_id,
        "filename": passage.file_name,
        "score": passage.score,
        "attributes": dict(passage.attributes),
        "content": [{"type": "text", "text": passage.text}],
    }


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
        await attach_files(connection, _store_id(request), wanted, batch_id=batch_id)
        made = await vector_stores.batch(connection, _store_id(request), batch_id)
    engine_of(request).indexer.wake()
    return JSONResponse(made, headers=POLL_AFTER)


async def retrieve_batch(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        found = await vector_stores.batch(connection, _store_id(request), _batch_id(request))
        return JSONResponse(found, headers=POLL_AFTER)


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


async def _entry_listing(request: Request, *which: ColumnElement[bool]) -> JSONResponse:
    query = page_query(request)
    conditions = list(which)
    if state := request.query_params.get("filter"):
        if state not in STATES:
            raise unsupported("filter", state, STATES)
        conditions.append(entries.c.status == state)
    async with engine_of(request).database.read() as connection:
        await vector_stores.get(connection, _store_id(request))
        found = await vector_stores.entry_listing(
            connection, _store_id(request), query, *conditions
        )
        return JSONResponse(found)


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
    Route(f"{_STORE}/search", search_store, methods=["POST"]),
    Route(f"{_STORE}/file_batches", create_batch, methods=["POST"]),
    Route(_BATCH, retrieve_batch, methods=["GET"]),
    Route(f"{_BATCH}/cancel", cancel_batch, methods=["POST"]),
    Route(f"{_BATCH}/files", list_batch_files, methods=["GET"]),
]
