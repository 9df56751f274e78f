"""``/v1/threads/{thread_id}/runs``, ``/v1/threads/runs`` and the steps of a run."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import cannot_update_run
from services.engine.ids import new_id
from services.engine.routes.body import included_in, page_query, path_id, read_body
from services.engine.routes.polling import POLL_AFTER
from services.engine.routes.threads import create_thread
from services.engine.runs.creation import create_run
from services.engine.runs.feed import Feed, Listener
from services.engine.schemas import (
    CreateRun,
    CreateThread,
    CreateThreadAndRun,
    ModifyRun,
    SubmitToolOutputs,
)
from services.engine.store import model_requests, runs, steps, threads
from services.engine.store.tables import ACTIVE_STATUSES


class _Reader:
    """Listens to a feed from its very beginning, if the request asked for a stream."""

    def __init__(self, wanted: bool | None, *before: tuple[str, dict[str, Any]]):
        self._wanted = wanted
        self._before = before
        self._listener: Listener | None = None

    def __call__(self, feed: Feed) -> None:
        if self._wanted:
            self._listener = feed.listen()
            for event, data in self._before:
                feed.publish(event, data)

    def response(self, run: dict[str, Any]) -> Response:
        if self._listener is None:
            return _run_response(run)
        return StreamingResponse(
            aiter(self._listener),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )


async def create(request: Request) -> Response:
    thread_id = path_id(request, "thread_id", "thread")
    body = await read_body(request, CreateRun)
    included = included_in(request)
    engine = engine_of(request)
    run_id = new_id("run")

    async def store() -> dict[str, Any]:
        async with engine.database.write() as connection:
            return await create_run(connection, thread_id, run_id, body, owner=engine.runner.owner)

    with engine.runner.expecting(run_id):
        run = await engine.runner.on_free_thread(thread_id, store)
        reader = _Reader(body.stream, ("thread.run.created", run), ("thread.run.queued", run))
        engine.runner.start(run, reader, included=included)
    if any(message.attachments for message in body.additional_messages or []):
        engine.indexer.wake()
    return reader.response(run)


async def create_with_thread(request: Request) -> Response:
    body = await read_body(request, CreateThreadAndRun)
    included = included_in(request)
    engine = engine_of(request)
    run_id = new_id("run")
    with engine.runner.expecting(run_id):
        async with engine.database.write() as connection:
            thread = await create_thread(connection, body.thread or CreateThread())
            run = await create_run(
                connection, thread["id"], run_id, body, owner=engine.runner.owner
            )
        reader = _Reader(
            body.stream,
            ("thread.created", thread),
            ("thread.run.created", run),
            ("thread.run.queued", run),
        )
        engine.runner.start(run, reader, included=included)
    engine.indexer.wake()
    return reader.response(run)


async def listing(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    query = page_query(request)
    engine = engine_of(request)
    await engine.runner.settle_if_possible(thread_id)
    async with engine.database.read() as connection:
        await threads.get(connection, thread_id)
        return JSONResponse(await runs.listing(connection, thread_id, query))


async def retrieve(request: Request) -> Response:
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    engine = engine_of(request)
    await engine.runner.settle_if_possible(thread_id)
    async with engine.database.read() as connection:
        await threads.get(connection, thread_id)
        return _run_response(await runs.get(connection, thread_id, run_id))


async def modify(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    body = await read_body(request, ModifyRun)
    async with engine_of(request).database.write() as connection:
        await threads.get(connection, thread_id)
        run = await runs.get(connection, thread_id, run_id)
        if run["status"] in ACTIVE_STATUSES:
            raise cannot_update_run(run["status"])
        if body.metadata is not None:
            await runs.change(connection, run_id, {"metadata": body.metadata})
        return JSONResponse(await runs.get(connection, thread_id, run_id))


async def cancel(request: Request) -> Response:
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    engine = engine_of(request)
    await engine.runner.settle(thread_id)
    return _run_response(await engine.runner.cancel(thread_id, run_id))


async def submit(request: Request) -> Response:
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    body = await read_body(request, SubmitToolOutputs)
    outputs = [(output.tool_call_id, output.output or "") for output in body.tool_outputs]
    reader = _Reader(body.stream)
    run, _ = await engine_of(request).runner.submit(thread_id, run_id, outputs, reader)
    return reader.response(run)


async def list_steps(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    query = page_query(request)
    included = included_in(request)
    async with engine_of(request).database.read() as connection:
        await threads.get(connection, thread_id)
        await runs.get(connection, thread_id, run_id)
        return JSONResponse(await steps.listing(connection, run_id, query, included))


async def retrieve_step(request: Request) -> JSONResponse:
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    step_id = path_id(request, "step_id", "step")
    included = included_in(request)
    async with engine_of(request).database.read() as connection:
        await threads.get(connection, thread_id)
        await runs.get(connection, thread_id, run_id)
        return JSONResponse(await steps.get(connection, run_id, step_id, included))


async def list_requests(request: Request) -> JSONResponse:
    """What the endpoint was asked in a run. Beyond the hosted API."""
    thread_id = path_id(request, "thread_id", "thread")
    run_id = path_id(request, "run_id", "run")
    async with engine_of(request).database.read() as connection:
        await threads.get(connection, thread_id)
        await runs.get(connection, thread_id, run_id)
        found = await model_requests.of_run(connection, run_id)
    return JSONResponse({"object": "list", "data": found})


def _run_response(run: dict[str, Any]) -> JSONResponse:
    return JSONResponse(run, headers=POLL_AFTER)


routes = [
    # Ahead of /threads/{thread_id}, which would take "runs" for an id.
    Route("/threads/runs", create_with_thread, methods=["POST"]),
    Route("/threads/{thread_id}/runs", create, methods=["POST"]),
    Route("/threads/{thread_id}/runs", listing, methods=["GET"]),
    Route("/threads/{thread_id}/runs/{run_id}", retrieve, methods=["GET"]),
    Route("/threads/{thread_id}/runs/{run_id}", modify, methods=["POST"]),
    Route("/threads/{thread_id}/runs/{run_id}/cancel", cancel, methods=["POST"]),
    Route("/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", submit, methods=["POST"]),
    Route("/threads/{thread_id}/runs/{run_id}/requests", list_requests, methods=["GET"]),
    Route("/threads/{thread_id}/runs/{run_id}/steps", list_steps, methods=["GET"]),
    Route("/threads/{thread_id}/runs/{run_id}/steps/{step_id}", retrieve_step, methods=["GET"]),
]
