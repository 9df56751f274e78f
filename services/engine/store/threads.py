"""Threads in the store, and the thread list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import runs, threads
from services.engine.store.tombs import bury

PREVIEW_CHARACTERS = 80


def _next_activity() -> Any:
    return select(func.coalesce(func.max(threads.c.activity), 0) + 1).scalar_subquery()


# Built once: putting a statement together costs as much as running it.
_TOUCH = (
    update(threads)
    .where(threads.c.id == bindparam("which"))
    .values(
        activity=_next_activity(),
        active_at=bindparam("now"),
        preview=func.coalesce(func.nullif(threads.c.preview, ""), bindparam("line")),
    )
)


def to_object(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": "thread",
        "created_at": row.created_at,
        "metadata": row.metadata,
        "tool_resources": row.tool_resources,
    }


async def add(connection: AsyncConnection, fields: dict[str, Any], *, now: int) -> dict[str, Any]:
    values = {**fields, "activity": _next_activity(), "active_at": now}
    statement = insert(threads).values(values).returning(threads)
    return to_object((await connection.execute(statement)).one())


async def get(connection: AsyncConnection, thread_id: str) -> dict[str, Any]:
    """The thread as the wire's object; raises ``ApiError`` (404)."""
    row = (await connection.execute(select(threads).where(threads.c.id == thread_id))).one_or_none()
    if row is None:
        raise not_found("thread", thread_id)
    return to_object(row)


async def change(
    connection: AsyncConnection, thread_id: str, fields: dict[str, Any]
) -> dict[str, Any]:
    if fields:
        await connection.execute(update(threads).where(threads.c.id == thread_id).values(fields))
    return await get(connection, thread_id)


async def touch(
    connection: AsyncConnection, thread_id: str, *, now: int, preview: str | None = None
) -> None:
    """Moves the thread to the head of the list; ``preview`` names one that has no name yet.

    Raises ``ApiError`` (404).
    """
    line = " ".join((preview or "")[: PREVIEW_CHARACTERS * 4].split())[:PREVIEW_CHARACTERS]
    touched = await connection.execute(_TOUCH, {"which": thread_id, "now": now, "line": line})
    if touched.rowcount == 0:
        raise not_found("thread", thread_id)


async def remove(connection: AsyncConnection, thread_id: str) -> None:
    """Deletes the thread with its messages, runs and steps; raises ``ApiError`` (404)."""
    await bury(connection, threads, threads.c.activity, thread_id, "thread")
    await connection.execute(delete(threads).where(threads.c.id == thread_id))


async def listing(connection: AsyncConnection, query: PageQuery) -> dict[str, Any]:
    """The threads by their last activity.

    Not part of the hosted API. Beside the thread's own fields each has an ``understudy`` object:
    ``active_at``, ``preview`` (the first message's first words), and of the newest run
    ``run_status`` and ``assistant_id``.
    """
    rows, more = await page(connection, threads, query, position=threads.c.activity)
    newest = (
        select(func.max(runs.c.seq))
        .where(runs.c.thread_id.in_([row.id for row in rows]))
        .group_by(runs.c.thread_id)
    )
    found = await connection.execute(
        select(runs.c.thread_id, runs.c.status, runs.c.assistant_id).where(runs.c.seq.in_(newest))
    )
    last_runs = {row.thread_id: row for row in found}
    objects = []
    for row in rows:
        run = last_runs.get(row.id)
        extra = {
            "active_at": row.active_at,
            "preview": row.preview,
            "run_status": run.status if run else None,
            "assistant_id": run.assistant_id if run else None,
        }
        objects.append({**to_object(row), "understudy": extra})
    return list_object(objects, more)
