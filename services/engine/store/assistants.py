"""Assistants in the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import assistants
from services.engine.store.tombs import bury


def to_object(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": "assistant",
        "created_at": row.created_at,
        "name": row.name,
        "description": row.description,
        "model": row.model,
        "instructions": row.instructions,
        "tools": row.tools,
        "top_p": row.top_p,
        "temperature": row.temperature,
        "reasoning_effort": row.reasoning_effort,
        "tool_resources": row.tool_resources,
        "metadata": row.metadata,
        "response_format": row.response_format,
    }


# Built once: putting a statement together costs as much as running it.
_ADD = insert(assistants).returning(assistants)
_GET = select(assistants).where(assistants.c.id == bindparam("which"))


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


async def listing(connection: AsyncConnection, query: PageQuery) -> dict[str, Any]:
    rows, more = await page(connection, assistants, query)
    return list_object([to_object(row) for row in rows], more)
