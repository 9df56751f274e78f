"""``/v1/assistants``."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.ids import new_id
from services.engine.routes.body import merged_metadata, page_query, read_body
from services.engine.schemas import AssistantFields, CreateAssistant, ModifyAssistant
from services.engine.store import assistants
from services.engine.tools.resources import completed, resolved


async def create(request: Request) -> JSONResponse:
    body = await read_body(request, CreateAssistant)
    fields = {
        "id": new_id("asst"),
        "created_at": int(time.time()),
        "tools": [],
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
        **_given(body),
    }
    async with engine_of(request).database.write() as connection:
        resources = await resolved(connection, body.tool_resources)
        fields["tool_resources"] = completed(resources, fields["tools"])
        made = await assistants.add(connection, fields)
    engine_of(request).indexer.wake()
    return JSONResponse(made)


async def retrieve(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await assistants.get(connection, request.path_params["assistant_id"]))


async def modify(request: Request) -> JSONResponse:
    """Fields that are not given stay; arrays replace; metadata merges into the old map.

    Of ``tool_resources`` only the tools that are given are replaced.
    """
    assistant_id = request.path_params["assistant_id"]
    body = await read_body(request, ModifyAssistant)
    async with engine_of(request).database.write() as connection:
        before = await assistants.get(connection, assistant_id)
        fields = _given(body)
        resources = {**before["tool_resources"], **await resolved(connection, body.tool_resources)}
        fields["tool_resources"] = completed(resources, fields.get("tools", before["tools"]))
        if body.metadata is not None:
            fields["metadata"] = merged_metadata(request, before["metadata"], body.metadata)
        return JSONResponse(await assistants.change(connection, assistant_id, fields))


async def remove(request: Request) -> JSONResponse:
    assistant_id = request.path_params["assistant_id"]
    async with engine_of(request).database.write() as connection:
        await assistants.remove(connection, assistant_id)
    return JSONResponse({"id": assistant_id, "object": "assistant.deleted", "deleted": True})


async def listing(request: Request) -> Response:
    query = page_query(request)
    async with engine_of(request).database.read() as connection:
        found = await assistants.listing(connection, query)
    return Response(found, media_type="application/json")


def _given(body: AssistantFields) -> dict[str, Any]:
    """What the request sets, as stored. A null clears what may be null and is ignored elsewhere."""
    given = body.model_dump(exclude_unset=True, by_alias=True, exclude={"tool_resources"})
    clearable = {"name", "description", "instructions", "reasoning_effort"}
    kept = {name: value for name, value in given.items() if value is not None or name in clearable}
    if "tools" in kept:
        kept["tools"] = [tool.model_dump(exclude_none=True) for tool in body.tools or []]
    return kept


routes = [
    Route("/assistants", create, methods=["POST"]),
    Route("/assistants", listing, methods=["GET"]),
    Route("/assistants/{assistant_id}", retrieve, methods=["GET"]),
    Route("/assistants/{assistant_id}", modify, methods=["POST"]),
    Route("/assistants/{assistant_id}", remove, methods=["DELETE"]),
]
