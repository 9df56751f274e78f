"""Run steps in the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import run_steps


def to_object(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": "thread.run.step",
        "created_at": row.created_at,
        "run_id": row.run_id,
        "assistant_id": row.assistant_id,
        "thread_id": row.thread_id,
        "type": row.type,
        "status": row.status,
        "cancelled_at": row.cancelled_at,
        "completed_at": row.completed_at,
        # The traffic says expires_at, the published schema expired_at: clients read either.
        "expires_at": row.expired_at,
        "expired_at": row.expired_at,
        "failed_at": row.failed_at,
        "last_error": row.last_error,
        "step_details": row.step_details,
        "usage": None if row.status == "in_progress" else row.usage,
        "metadata": {},
    }


# Built once: putting a statement together costs as much as running it.
_ADD = insert(run_steps).returning(run_steps)
_CHANGE = update(run_steps).where(run_steps.c.id == bindparam("which")).returning(run_steps)


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    return to_object((await connection.execute(_ADD, fields)).one())


async def get(connection: AsyncConnection, run_id: str, step_id: str) -> dict[str, Any]:
    """The step as the wire's object; raises ``ApiError`` (404)."""
    row = (
        await connection.execute(
            select(run_steps).where(run_steps.c.id == step_id, run_steps.c.run_id == run_id)
        )
    ).one_or_none()
    if row is None:
        raise not_found("run step", step_id)
    return to_object(row)


async def change(
    connection: AsyncConnection, step_id: str, fields: dict[str, Any]
) -> dict[str, Any] | None:
    """The step as changed, or None if it is gone (its thread was deleted)."""
    row = (await connection.execute(_CHANGE, {"which": step_id, **fields})).one_or_none()
    return None if row is None else to_object(row)


async def of_run(connection: AsyncConnection, run_id: str) -> list[dict[str, Any]]:
    """All steps of a run, oldest first."""
    rows = await connection.execute(
        select(run_steps).where(run_steps.c.run_id == run_id).order_by(run_steps.c.seq)
    )
    return [to_object(row) for row in rows]


async def listing(connection: AsyncConnection, run_id: str, query: PageQuery) -> dict[str, Any]:
    rows, more = await page(connection, run_steps, query, run_steps.c.run_id == run_id)
    return list_object([to_object(row) for row in rows], more)
