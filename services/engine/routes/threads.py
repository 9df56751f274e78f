"""``/v1/threads``: create, list (beyond the hosted API), retrieve, modify, delete."""

from __future__ import annotations

import time
from typing import Any, get_args

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.ids import new_id
from services.engine.routes.body import (
    merged_metadata,
    page_query,
    path_id,
    read_body,
)
from services.engine.routes.refusals import unsupported
from services.engine.runs.creation import add_messages
from services.engine.schemas import CreateThread, ModifyThread
from services.engine.store import threads
from services.engine.tools.resources import THREAD_STORE_EXPIRY, resolved

TITLE_CHARACTERS = 200


async def create_thread(connection: AsyncConnection, body: CreateThread) -> dict[str, Any]:
    """Stores a thread with its first messages, and what its tools are to work on."""
    now = int(time.time())
    resources = await resolved(connection, body.tool_resources, expires_after=THREAD_STORE_EXPIRY)
    thread = await threads.add(
        connection,
        {
            "id": new_id("thread"),
            "created_at": now,
            "tool_resources": resources,
            "metadata": body.metadata or {},
        },
        now=now,
    )
    await add_messages(connection, thread["id"], body.messages or [])
    attached = any(message.attachments for message in body.messages or [])
    return await threads.get(connection, thread["id"]) if attached else thread


async def create(request: Request) -> JSONResponse:
    body = await read_body(request, CreateThread)
    async with engine_of(request).database.write() as connection:
        thread = await create_thread(connection, body)
    engine_of(request).indexer.wake()
    return JSONResponse(thread)


async def listing(request: Request) -> JSONResponse:
    """All threads; ``title`` and ``state`` (``current``, ...) choose among them."""
    query = page_query(request)
    title = request.query_params.get("title", "").strip()[:TITLE_CHARACTERS]
    given = request.query_params.get("state")
    state = next((each for each in get_args(threads.State) if each == given), None)
    if given is not None and state is None:
        raise unsupported("state", given, get_args(threads.State))
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await threads.listing(connection, query, title=title, state=state))


async def retrieve(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await threads.get(connection, thread_id))


async def modify(request: Request) -> JSONResponse:
    """Metadata merges into the old map; of ``tool_resources`` the tools that are given."""
    thread_id = path_id(request, "thread_id", "thread")
    body = await read_body(request, ModifyThread)
    async with engine_of(request).database.write() as connection:
        before = await threads.get(connection, thread_id)
        fields: dict[str, Any] = {}
        if body.tool_resources is not None:
            given = await resolved(connection, body.tool_resources)
            fields["tool_resources"] = {**before["tool_resources"], **given}
        if body.metadata is not None:
            fields["metadata"] = merged_metadata(request, before["metadata"], body.metadata)
        return JSONResponse(await threads.change(connection, thread_id, fields))


async def remove(request: Request) -> JSONResponse:
    """Deletes the thread whatever its state; a run on it is stopped first."""
    thread_id = path_id(request, "thread_id", "thread")
    engine = engine_of(request)
    await engine.runner.abandon(thread_id)
    async with engine.database.write() as connection:
        await threads.remove(connection, thread_id)
    return JSONResponse({"id": thread_id, "object": "thread.deleted", "deleted": True})


routes = [
    Route("/threads", create, methods=["POST"]),
    Route("/threads", listing, methods=["GET"]),
    Route("/threads/{thread_id}", retrieve, methods=["GET"]),
    Route("/threads/{thread_id}", modify, methods=["POST"]),
    Route("/threads/{thread_id}", remove, methods=["DELETE"]),
]
