"""Remembers where deleted objects stood in their lists."""

from __future__ import annotations

from sqlalchemy import Column, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import no_such_file, not_found
from services.engine.store.tables import tombstones


async def bury(
    connection: AsyncConnection, table: Table, position: Column[int], object_id: str, noun: str
) -> None:
    """Notes the position of an object that is about to go; raises ``ApiError`` (404)."""
    at = await connection.scalar(select(position).where(table.c.id == object_id))
    if at is None:
        raise no_such_file(object_id) if noun == "file" else not_found(noun, object_id)
    await connection.execute(insert(tombstones).values(id=object_id, position=at))
