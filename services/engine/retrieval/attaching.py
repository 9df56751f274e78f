"""Vector stores made, and files put into them, wherever a request asks for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError, too_many
from services.engine.ids import new_id
from services.engine.retrieval.plain_text import SEARCHABLE, extension
from services.engine.schemas import AttachFile, Chunking, StaticChunking, StaticChunks
from services.engine.store import files, vector_stores

STORE_FILES = 10_000


async def new_store(
    connection: AsyncConnection,
    *,
    name: str | None = None,
    description: str | None = None,
    expires_after: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Makes an empty vector store; its id."""
    now, store_id = int(time.time()), new_id("vs")
    await vector_stores.add(
        connection,
        {
            "id": store_id,
            "created_at": now,
            "last_active_at": now,
            "name": name,
            "description": description,
            "expires_after": expires_after,
            "metadata": metadata or {},
        },
    )
    return store_id


async def attach_files(
    connection: AsyncConnection,
    store_id: str,
    wanted: Sequence[AttachFile],
    *,
    batch_id: str | None = None,
    param: str = "file_ids",
) -> None:
    """Adds files to a store, all of them or, with an ``ApiError`` that names ``param``, none.

    A file that is there already is indexed anew.
    """
    by_id = {each.file_id: each for each in wanted}
    if not by_id:
        return
    names = await files.names(connection, list(by_id))
    for file_id in by_id:
        if file_id not in names:
            raise no_file(file_id, param)
        _check_searchable(names[file_id], param)
    now = int(time.time())
    rows = [
        {
            "id": file_id,
            "vector_store_id": store_id,
            "batch_id": batch_id,
            "created_at": now,
            "status": "in_progress",
            "usage_bytes": 0,
            "chunking_strategy": _chunking(each.chunking_strategy),
            "attributes": each.attributes or {},
        }
        for file_id, each in by_id.items()
    ]
    total = await vector_stores.attach(connection, store_id, rows)
    if total > STORE_FILES:
        raise too_many(param, STORE_FILES, total)


def no_file(file_id: str, param: str) -> ApiError:
    return ApiError(f"No file found with id '{file_id[:80]}'.", status=404, param=param)


def _check_searchable(filename: str, param: str) -> None:
    ending = extension(filename)
    if ending not in SEARCHABLE:
        raise ApiError(
            f"Files with extensions [{f'.{ending}' if ending else 'none'}] are not supported "
            "for retrieval.",
            param=param,
            code="unsupported_file",
        )


def _chunking(given: Chunking | None) -> dict[str, Any]:
    static = given.static if isinstance(given, StaticChunking) else StaticChunks()
    return {"type": "static", "static": static.model_dump()}
