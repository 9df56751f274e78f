"""``GET /v1/threads/search``: what was said, in every thread. Beyond the hosted API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError
from services.engine.retrieval.message_search import Hit
from services.engine.routes.body import page_query
from services.engine.store.threads import ARCHIVED

QUERY_CHARACTERS = 1_000


async def search(request: Request) -> JSONResponse:
    """The messages that fit ``query`` best, ``limit`` at most."""
    query = request.query_params.get("query", "").strip()
    if not query:
        raise ApiError(
            "Missing required parameter: 'query'.", param="query", code="missing_required_parameter"
        )
    most = page_query(request).limit
    search_for = engine_of(request).message_search.search
    found = await search_for(query[:QUERY_CHARACTERS], most=most)
    return JSONResponse(
        {
            "object": "understudy.search_results",
            "query": query,
            "data": [_result(hit) for hit in found],
        }
    )


def _result(hit: Hit) -> dict[str, Any]:
    found = hit.found
    return {
        "thread_id": found.thread_id,
        "thread_title": found.thread_metadata.get("title") or found.preview,
        "message_id": found.id,
        "role": found.role,
        "created_at": found.created_at,
        "score": hit.score,
        "snippet": hit.snippet,
        "marks": [list(mark) for mark in hit.marks],
        "start": hit.start,
        "archived": bool(found.thread_metadata.get(ARCHIVED)),
    }


# Ahead of /threads/{thread_id}, which would take "search" for an id.
routes = [Route("/threads/search", search, methods=["GET"])]
