"""Remembers where deleted objects stood in their lists."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import no_such_file, not_found
from services.engine.store.tables import tombstones, vector_store_files


async def bury(
    connection: AsyncConnection, table: Table, position: Column[int], object_id: str, noun: str
) -> None:
    """Notes the position of an object that is about to go; raises ``ApiError`` (404)."""
    at = await connection.scalar(select(position).where(table.c.id == object_id))
    if at is None:
        raise no_such_file(object_id) if noun == "file" else not_found(noun, object_id)
    await connection.execute(insert(tombstones).values(id=object_id, position=at))


async def bury_entries(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Notes the positions of files that are about to leave vector stores, as ``STORE/FILE``.

    A file may be in several stores, and come back to one that it left.
    """
    entries = vector_store_files
    name = entries.c.vector_store_id + "/" + entries.c.id
    leaving = select(name, entries.c.seq).where(which)
    await connection.execute(
        delete(tombstones).where(tombstones.c.id.in_(select(name).where(which)))
    )
    await connection.execute(insert(tombstones).from_select(["id", "position"], leaving))
