"""Assistants in the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, page
from services.engine.store.prepared import prepared
from services.engine.store.tables import assistants, decimal
from services.engine.store.tombs import bury
from services.engine.store.wire_object import Derived, WireObject

_WIRE = WireObject(
    "assistant",
    assistants,
    (
        "id",
        "created_at",
        "name",
        "description",
        "model",
        "instructions",
        "tools",
        Derived("top_p", "top_p", decimal),
        Derived("temperature", "temperature", decimal),
        "reasoning_effort",
        "tool_resources",
        "metadata",
        "response_format",
    ),
)
to_object = _WIRE.value

# Built once: putting a statement together costs as much as running it.
_ADD = insert(assistants).returning(assistants)
_GET = prepared(select(assistants).where(assistants.c.id == bindparam("which")))


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    return to_object((await connection.execute(_ADD, fields)).one())


async def get(connection: AsyncConnection, assistant_id: str) -> dict[str, Any]:
    """The assistant as the wire's object; raises ``ApiError`` (404)."""
    row = (await connection.execute(_GET, {"which": assistant_id})).one_or_none()
    if row is None:
        raise not_found("assistant", assistant_id)
    return to_object(row)


async def change(
    connection: AsyncConnection, assistant_id: str, fields: dict[str, Any]
) -> dict[str, Any]:
    if fields:
        await connection.execute(
            update(assistants).where(assistants.c.id == assistant_id).values(fields)
        )
    return await get(connection, assistant_id)


async def remove(connection: AsyncConnection, assistant_id: str) -> None:
    """Deletes the assistant alone: threads, messages and runs that name it stay."""
    await bury(connection, assistants, assistants.c.seq, assistant_id, "assistant")
    await connection.execute(delete(assistants).where(assistants.c.id == assistant_id))


async def listing(connection: AsyncConnection, query: PageQuery) -> bytes:
    """The wire's list, as JSON."""
    return _WIRE.page(*await page(connection, assistants, query, columns=_WIRE.stored))
