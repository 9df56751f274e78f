"""Files in the store: what is known of them; see ``contents`` for their bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, String, cast, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import no_such_file
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import assistants, files, threads, vector_store_files
from services.engine.store.tombs import bury, bury_entries

# Ids in one IN (...): SQLite's builds take at least 999 parameters.
ONE_STATEMENT = 500


def to_object(row: Row[Any]) -> dict[str, Any]:
    expires = {} if row.expires_at is None else {"expires_at": row.expires_at}
    return {
        "object": "file",
        "id": row.id,
        "purpose": row.purpose,
        "filename": row.filename,
        "bytes": row.bytes,
        "created_at": row.created_at,
        **expires,
        "status": "processed",
        "status_details": None,
    }


def _living() -> ColumnElement[bool]:
    return or_(files.c.expires_at.is_(None), files.c.expires_at > int(time.time()))


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    return to_object((await connection.execute(insert(files).returning(files), fields)).one())


async def find(connection: AsyncConnection, file_id: str) -> dict[str, Any] | None:
    statement = select(files).where(files.c.id == file_id, _living())
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else to_object(row)


async def names(connection: AsyncConnection, file_ids: Sequence[str]) -> dict[str, str]:
    """The names of those files that are there, by id."""
    found: dict[str, str] = {}
    for start in range(0, len(file_ids), ONE_STATEMENT):
        some = file_ids[start : start + ONE_STATEMENT]
        statement = select(files.c.id, files.c.filename).where(files.c.id.in_(some), _living())
        found.update({row.id: row.filename for row in await connection.execute(statement)})
    return found


async def get(connection: AsyncConnection, file_id: str) -> dict[str, Any]:
    """The file as the wire's object; raises ``ApiError`` (404), for an expired one too."""
    found = await find(connection, file_id)
    if found is None:
        raise no_such_file(file_id)
    return found


async def remove(connection: AsyncConnection, file_id: str) -> None:
    """Deletes the file, and takes it out of every vector store and list of a tool's files."""
    await get(connection, file_id)
    await _forget(connection, [file_id])
    await bury(connection, files, files.c.seq, file_id, "file")
    await connection.execute(delete(files).where(files.c.id == file_id))


async def listing(
    connection: AsyncConnection, query: PageQuery, purpose: str | None = None
) -> dict[str, Any]:
    conditions = [_living()]
    if purpose is not None:
        conditions.append(files.c.purpose == purpose)
    rows, more = await page(connection, files, query, *conditions)
    return list_object([to_object(row) for row in rows], more)


async def expire(connection: AsyncConnection) -> list[str]:
    """Removes the files whose time is over; their ids, whose bytes can go."""
    rows = await connection.execute(delete(files).where(~_living()).returning(files.c.id))
    gone = [row.id for row in rows]
    await _forget(connection, gone)
    return gone


async def _forget(connection: AsyncConnection, gone: Sequence[str]) -> None:
    for file_id in gone:
        entries = vector_store_files.c.id == file_id
        await bury_entries(connection, entries)
        await connection.execute(delete(vector_store_files).where(entries))
        for table in (assistants, threads):
            listed = cast(table.c.tool_resources, String).contains(f'"{file_id}"', autoescape=True)
            rows = await connection.execute(
                select(table.c.seq, table.c.tool_resources).where(listed)
            )
            for row in rows:
                before = row.tool_resources
                kept = [each for each in before["code_interpreter"]["file_ids"] if each != file_id]
                after = {**before, "code_interpreter": {"file_ids": kept}}
                await connection.execute(
                    update(table).where(table.c.seq == row.seq).values(tool_resources=after)
                )


async def ids(connection: AsyncConnection) -> set[str]:
    return {row.id for row in await connection.execute(select(files.c.id))}
