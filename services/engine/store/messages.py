"""Messages in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import messages
from services.engine.store.tombs import bury


def to_object(row: Row[Any]) -> dict[str, Any]:
    reason = row.incomplete_reason
    return {
        "id": row.id,
        "object": "thread.message",
        "created_at": row.created_at,
        "thread_id": row.thread_id,
        "status": row.status,
        "incomplete_details": {"reason": reason} if reason else None,
        "completed_at": row.completed_at,
        "incomplete_at": row.incomplete_at,
        "role": row.role,
        "content": row.content,
        "assistant_id": row.assistant_id,
        "run_id": row.run_id,
        "attachments": row.attachments,
        "metadata": row.metadata,
    }


# Built once: putting a statement together costs as much as running it.
_ADD = insert(messages).returning(messages)
_CHANGE = update(messages).where(messages.c.id == bindparam("which")).returning(messages)
_NEWEST = (
    select(messages)
    .where(
        messages.c.thread_id == bindparam("thread"),
        (messages.c.run_id != bindparam("run")) | messages.c.run_id.is_(None),
        messages.c.seq < bindparam("before"),
    )
    .order_by(messages.c.seq.desc())
    .limit(100)
)


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    return to_object((await connection.execute(_ADD, fields)).one())


async def get(connection: AsyncConnection, thread_id: str, message_id: str) -> dict[str, Any]:
    """The message as the wire's object; raises ``ApiError`` (404)."""
    row = (
        await connection.execute(
            select(messages).where(messages.c.id == message_id, messages.c.thread_id == thread_id)
        )
    ).one_or_none()
    if row is None:
        raise not_found("message", message_id)
    return to_object(row)


async def find(connection: AsyncConnection, message_id: str) -> dict[str, Any] | None:
    statement = select(messages).where(messages.c.id == message_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else to_object(row)


async def change(
    connection: AsyncConnection, message_id: str, fields: dict[str, Any]
) -> dict[str, Any] | None:
    """The message as changed, or None if it is gone (its thread was deleted)."""
    row = (await connection.execute(_CHANGE, {"which": message_id, **fields})).one_or_none()
    return None if row is None else to_object(row)


async def remove(connection: AsyncConnection, thread_id: str, message_id: str) -> None:
    await get(connection, thread_id, message_id)
    await bury(connection, messages, messages.c.seq, message_id, "message")
    await connection.execute(delete(messages).where(messages.c.id == message_id))


async def listing(
    connection: AsyncConnection, thread_id: str, query: PageQuery, run_id: str | None = None
) -> dict[str, Any]:
    conditions = [messages.c.thread_id == thread_id]
    if run_id is not None:
        conditions.append(messages.c.run_id == run_id)
    rows, more = await page(connection, messages, query, *conditions)
    return list_object([to_object(row) for row in rows], more)


async def has_user_message(connection: AsyncConnection, thread_id: str) -> bool:
    found = await connection.scalar(
        select(messages.c.seq)
        .where(messages.c.thread_id == thread_id, messages.c.role == "user")
        .limit(1)
    )
    return found is not None


async def open_of_run(connection: AsyncConnection, run_id: str) -> list[dict[str, Any]]:
    """The run's messages that are still being written (one, after a crash)."""
    rows = await connection.execute(
        select(messages).where(messages.c.run_id == run_id, messages.c.status == "in_progress")
    )
    return [to_object(row) for row in rows]


async def newest_first(
    connection: AsyncConnection, thread_id: str, *, except_run: str
) -> AsyncIterator[dict[str, Any]]:
    """The thread's messages from the newest back, without those of one run, read as needed."""
    before = 2**62
    while True:
        at = {"thread": thread_id, "run": except_run, "before": before}
        rows = (await connection.execute(_NEWEST, at)).all()
        for row in rows:
            yield to_object(row)
        if len(rows) < 100:
            return
        before = rows[-1].seq
