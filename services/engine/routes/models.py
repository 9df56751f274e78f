"""``/v1/models``: what the connected endpoint lists."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError
from services.engine.models.base import ModelEntry, ModelError


async def listing(request: Request) -> JSONResponse:
    entries = await _entries(request)
    return JSONResponse({"object": "list", "data": [_object(entry) for entry in entries]})


async def retrieve(request: Request) -> JSONResponse:
    name = request.path_params["model"]
    for entry in await _entries(request):
        if entry.id == name:
            return JSONResponse(_object(entry))
    raise ApiError(
        f"The model '{name[:200]}' does not exist or you do not have access to it.",
        status=404,
        param="model",
        code="model_not_found",
    )


async def _entries(request: Request) -> list[ModelEntry]:
    try:
        return list(await engine_of(request).connected.catalogue.entries())
    except ModelError as error:
        raise ApiError(error.message, status=502) from None


def _object(entry: ModelEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "object": "model",
        "created": entry.created,
        "owned_by": entry.owned_by,
    }


routes = [
    Route("/models", listing, methods=["GET"]),
    # Names of models may hold slashes.
    Route("/models/{model:path}", retrieve, methods=["GET"]),
]
