"""``POST /v1/threads/{thread_id}/title``: a name in the model's words. Beyond the hosted API."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError
from services.engine.models.base import ModelError
from services.engine.routes.body import path_id
from services.engine.runs.titles import make_title

log = logging.getLogger(__name__)


async def create(request: Request) -> JSONResponse:
    """Asks the model once; ``title`` is null when there is nothing to change."""
    thread_id = path_id(request, "thread_id", "thread")
    engine = engine_of(request)
    try:
        title = await make_title(engine.database, engine.connected, thread_id)
    except ModelError as error:
        log.info("no title for %s: %s", thread_id, error.message)
        raise ApiError(f"The model gave the thread no title: {error.message}", status=502) from None
    return JSONResponse({"object": "understudy.title", "thread_id": thread_id, "title": title})


routes = [Route("/threads/{thread_id}/title", create, methods=["POST"])]
