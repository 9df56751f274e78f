"""What the endpoint was asked, request by request. Beyond the hosted API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.store.tables import model_requests

# A request holds a whole conversation: what is older than this many is let go.
KEPT = 300


async def add(connection: AsyncConnection, fields: Mapping[str, Any]) -> None:
    """Keeps a request, unless its run was deleted meanwhile."""
    try:
        async with connection.begin_nested():
            await connection.execute(insert(model_requests), dict(fields))
    except IntegrityError:
        return
    oldest = select(func.max(model_requests.c.seq) - KEPT).scalar_subquery()
    await connection.execute(delete(model_requests).where(model_requests.c.seq <= oldest))


async def of_run(connection: AsyncConnection, run_id: str) -> list[dict[str, Any]]:
    """The requests of a run that are still kept, oldest first."""
    rows = await connection.execute(
        select(model_requests)
        .where(model_requests.c.run_id == run_id)
        .order_by(model_requests.c.seq)
    )
    return [
        {
            "id": row.id,
            "object": "understudy.model_request",
            "run_id": row.run_id,
            "number": number,
            "created_at": row.created_at,
            "model": row.model,
            "endpoint": row.endpoint,
            "body": row.body,
            "usage": row.usage,
            "seconds": row.seconds,
        }
        for number, row in enumerate(rows, start=1)
    ]
