"""``/v1/threads/{thread_id}/messages``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError
from services.engine.routes.body import page_query, path_id, read_body
from services.engine.runs.creation import add_message
from services.engine.schemas import CreateMessage, ModifyMessage
from services.engine.store import messages, threads


async def create(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    body = await read_body(request, CreateMessage)
    engine = engine_of(request)

    async def store() -> JSONResponse:
        async with engine.database.write() as connection:
            return JSONResponse(await add_message(connection, thread_id, body))

    response = await engine.runner.on_free_thread(thread_id, store)
    if body.attachments:
        engine.indexer.wake()
    return response


async def listing(request: Request) -> Response:
    thread_id = path_id(request, "thread_id", "thread")
    query = page_query(request)
    run_id = request.query_params.get("run_id") or None
    async with engine_of(request).database.read() as connection:
        await threads.get(connection, thread_id)
        found = await messages.listing(connection, thread_id, query, run_id)
    return Response(found, media_type="application/json")


async def retrieve(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    message_id = path_id(request, "message_id", "msg")
    async with engine_of(request).database.read() as connection:
        try:
            return JSONResponse(await messages.get(connection, thread_id, message_id))
        except ApiError:
            # Of the two that may be missing, the thread is named first.
            await threads.get(connection, thread_id)
            raise


async def modify(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    message_id = path_id(request, "message_id", "msg")
    body = await read_body(request, ModifyMessage)
    async with engine_of(request).database.write() as connection:
        await threads.get(connection, thread_id)
        await messages.get(connection, thread_id, message_id)
        if body.metadata is not None:
            await messages.change(connection, message_id, {"metadata": body.metadata})
        return JSONResponse(await messages.get(connection, thread_id, message_id))


async def remove(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    message_id = path_id(request, "message_id", "msg")
    async with engine_of(request).database.write() as connection:
        await threads.get(connection, thread_id)
        await messages.remove(connection, thread_id, message_id)
    return JSONResponse({"id": message_id, "object": "thread.message.deleted", "deleted": True})


routes = [
    Route("/threads/{thread_id}/messages", create, methods=["POST"]),
    Route("/threads/{thread_id}/messages", listing, methods=["GET"]),
    Route("/threads/{thread_id}/messages/{message_id}", retrieve, methods=["GET"]),
    Route("/threads/{thread_id}/messages/{message_id}", modify, methods=["POST"]),
    Route("/threads/{thread_id}/messages/{message_id}", remove, methods=["DELETE"]),
]
