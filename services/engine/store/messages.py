"""Messages in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, page
from services.engine.store.prepared import prepared
from services.engine.store.tables import messages
from services.engine.store.tombs import bury
from services.engine.store.wire_object import Derived, WireObject

_WIRE = WireObject(
    "thread.message",
    messages,
    (
        "id",
        "created_at",
        "thread_id",
        "status",
        Derived(
            "incomplete_details",
            "incomplete_reason",
            lambda reason: {"reason": reason} if reason else None,
        ),
        "completed_at",
        "incomplete_at",
        "role",
        "content",
        "assistant_id",
        "run_id",
        "attachments",
        "metadata",
    ),
)
to_object = _WIRE.value

# Built once: putting a statement together costs as much as running it.
_ADD = insert(messages).returning(messages)
_CHANGE = update(messages).where(messages.c.id == bindparam("which")).returning(messages)
_GET = prepared(
    select(messages).where(
        messages.c.id == bindparam("which"), messages.c.thread_id == bindparam("thread")
    )
)
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
    which = {"which": message_id, "thread": thread_id}
    row = (await connection.execute(_GET, which)).one_or_none()
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
) -> bytes:
    """The wire\'s list, as JSON."""
    of = [(messages.c.thread_id, thread_id)]
    if run_id is not None:
        of.append((messages.c.run_id, run_id))
    return _WIRE.page(*await page(connection, messages, query, of=of, columns=_WIRE.stored))


async def count(connection: AsyncConnection, thread_id: str, *, most: int) -> int:
    """How many messages the thread has, counted up to ``most``."""
    some = select(messages.c.seq).where(messages.c.thread_id == thread_id).limit(most).subquery()
    return int((await connection.execute(select(func.count()).select_from(some))).scalar_one())


async def first(connection: AsyncConnection, thread_id: str) -> dict[str, Any] | None:
    """The message that the thread began with."""
    statement = (
        select(messages).where(messages.c.thread_id == thread_id).order_by(messages.c.seq).limit(1)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else to_object(row)


async def beginning(connection: AsyncConnection, thread_id: str, most: int) -> list[dict[str, Any]]:
    """The thread's oldest messages, oldest first."""
    statement = select(messages).where(messages.c.thread_id == thread_id)
    rows = await connection.execute(statement.order_by(messages.c.seq).limit(most))
    return [to_object(row) for row in rows]


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
