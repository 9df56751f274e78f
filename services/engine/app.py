"""The Assistants API v2 as an ASGI application.

The same application answers in process (``services/connection``) and over HTTP
(``services/serve.py``, behind the guard).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from services.engine.engine import open_engine
from services.engine.errors import ApiError, unknown_url
from services.engine.models.connect import Connected
from services.engine.routes import (
    assistants,
    files,
    messages,
    models,
    runs,
    search,
    threads,
    titles,
    uploads,
    vector_stores,
)
from services.engine.routes.lookup import RouteLookup
from services.engine.settings import EngineSettings
from services.engine.store.failures import store_sentence
from services.engine.strict import BetaHeader

log = logging.getLogger(__name__)


def create_app(settings: EngineSettings, connected: Connected | None = None) -> Starlette:
    """The application; its lifespan opens the engine (see ``open_engine``) and closes it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        engine = await open_engine(settings, connected)
        app.state.engine = engine
        try:
            yield {}
        finally:
            await engine.close()

    wire = RouteLookup(
        "/v1",
        [
            *assistants.routes,
            *runs.routes,
            *messages.routes,
            *search.routes,
            *titles.routes,
            *threads.routes,
            *models.routes,
            *files.routes,
            *uploads.routes,
            *vector_stores.routes,
        ],
        lifespan,
    )
    app = Starlette(
        exception_handlers={
            ApiError: _api_error,
            404: _unknown_url,
            405: _unknown_url,
            DBAPIError: _store_failure,
            ClientDisconnect: _gone,
            Exception: _failure,
        },
    )
    app.router = wire
    if settings.strict:
        app.add_middleware(BetaHeader)
    return app


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    headers = {"x-should-retry": "false"} if error.status >= 500 else None
    return JSONResponse(error.envelope(), status_code=error.status, headers=headers)


async def _unknown_url(request: Request, _: Exception) -> JSONResponse:
    error = unknown_url(request.method, request.scope["path"])
    return JSONResponse(error.envelope(), status_code=error.status)


async def _store_failure(request: Request, error: Exception) -> JSONResponse:
    sentence = store_sentence(error)
    if sentence is None:
        raise error
    log.error("%s %s: %s", request.method, request.scope["path"], sentence)
    return await _api_error(request, ApiError(sentence, status=500))


async def _gone(_: Request, __: Exception) -> Response:
    """The client left before it had sent its whole request: nobody reads this."""
    return Response(status_code=499)


async def _failure(request: Request, error: Exception) -> JSONResponse:
    # SDKs repeat a POST after a 5xx unless told not to, and none of them sends a key against
    # doing it twice.
    log.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    body = ApiError("The engine failed on this request; its log says why.", status=500)
    return JSONResponse(body.envelope(), status_code=500, headers={"x-should-retry": "false"})
