"""Vector stores, their files and batches in the store."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError, expired_store, not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import (
    vector_store_batches,
    vector_store_files,
    vector_stores,
)
from services.engine.store.tombs import bury, bury_entries

entries = vector_store_files
STATES = ("in_progress", "completed", "failed", "cancelled")
DAY = 24 * 60 * 60


# --- stores -----------------------------------------------------------------------------------


async def add(connection: AsyncConnection, fields: Mapping[str, Any]) -> None:
    await connection.execute(insert(vector_stores), dict(fields))


async def get(connection: AsyncConnection, store_id: str) -> dict[str, Any]:
    """The vector store as the wire's object; raises ``ApiError`` (404)."""
    statement = select(vector_stores).where(vector_stores.c.id == store_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise not_found("vector store", store_id)
    return (await _objects(connection, [row]))[0]


async def change(
    connection: AsyncConnection, store_id: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    if fields:
        statement = update(vector_stores).where(vector_stores.c.id == store_id)
        await connection.execute(statement.values(dict(fields)))
    return await get(connection, store_id)


async def remove(connection: AsyncConnection, store_id: str) -> None:
    """Deletes the store with what was indexed for it; the files stay."""
    await bury(connection, vector_stores, vector_stores.c.seq, store_id, "vector store")
    await connection.execute(delete(vector_stores).where(vector_stores.c.id == store_id))


async def listing(connection: AsyncConnection, query: PageQuery) -> dict[str, Any]:
    rows, more = await page(connection, vector_stores, query)
    return list_object(await _objects(connection, rows), more)


async def living(connection: AsyncConnection, store_id: str) -> dict[str, Any]:
    """As ``get``, to search it or change its files; raises ``ApiError`` (400) when it expired."""
    store = await get(connection, store_id)
    if store["status"] == "expired":
        raise expired_store(store_id)
    return store


async def _objects(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    counts = await _counts(connection, entries.c.vector_store_id, ids)
    sizes = await connection.execute(
        select(entries.c.vector_store_id, func.sum(entries.c.usage_bytes))
        .where(entries.c.vector_store_id.in_(ids))
        .group_by(entries.c.vector_store_id)
    )
    used: dict[str, int] = {row[0]: row[1] for row in sizes}
    return [_store_object(row, counts[row.id], used.get(row.id, 0)) for row in rows]


def _store_object(row: Row[Any], counts: dict[str, int], used: int) -> dict[str, Any]:
    expires = row.expires_after
    expires_at = row.last_active_at + expires["days"] * DAY if expires else None
    status = "in_progress" if counts["in_progress"] else "completed"
    if expires_at is not None and expires_at <= time.time():
        status = "expired"
    return {
        "id": row.id,
        "object": "vector_store",
        "name": row.name,
        "description": row.description,
        "status": status,
        "usage_bytes": used,
        "created_at": row.created_at,
        "file_counts": counts,
        "metadata": row.metadata,
        "expires_after": expires,
        "expires_at": expires_at,
        "last_active_at": row.last_active_at,
    }


async def _counts(
    connection: AsyncConnection, column: Any, ids: Iterable[str]
) -> dict[str, dict[str, int]]:
    """How many files are in which state, for each store or batch."""
    empty = dict.fromkeys((*STATES, "total"), 0)
    counts = {each: dict(empty) for each in ids}
    found = await connection.execute(
        select(column, entries.c.status, func.count())
        .where(column.in_(list(counts)))
        .group_by(column, entries.c.status)
    )
    for owner, status, number in found:
        counts[owner][status] += number
        counts[owner]["total"] += number
    return counts


# --- files of a store -------------------------------------------------------------------------


def entry_object(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": "vector_store.file",
        "usage_bytes": row.usage_bytes,
        "created_at": row.created_at,
        "vector_store_id": row.vector_store_id,
        "status": row.status,
        "last_error": row.last_error,
        "chunking_strategy": row.chunking_strategy,
        "attributes": row.attributes,
    }


async def attach(
    connection: AsyncConnection, store_id: str, rows: Sequence[Mapping[str, Any]]
) -> int:
    """Adds files to a store, or has them indexed anew that are there already; how many it has."""
    given = func.json_each(json.dumps([row["id"] for row in rows])).table_valued("value")
    await connection.execute(
        delete(entries).where(
            entries.c.vector_store_id == store_id, entries.c.id.in_(select(given.c.value))
        )
    )
    await connection.execute(insert(entries), [dict(row) for row in rows])
    counted = select(func.count()).where(entries.c.vector_store_id == store_id)
    return int((await connection.execute(counted)).scalar_one())


async def present(connection: AsyncConnection, store_id: str, file_ids: Sequence[str]) -> set[str]:
    """Those of the files that are in the store, and not failed or cancelled there."""
    statement = select(entries.c.id).where(
        entries.c.vector_store_id == store_id,
        entries.c.id.in_(file_ids),
        entries.c.status.in_(("in_progress", "completed")),
    )
    return set(await connection.scalars(statement))


async def entry(connection: AsyncConnection, store_id: str, file_id: str) -> Row[Any]:
    """Raises ``ApiError`` (404) when the store or the file in it is not there."""
    await get(connection, store_id)
    statement = select(entries).where(
        entries.c.vector_store_id == store_id, entries.c.id == file_id
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ApiError(
            f"No file found with id '{file_id}' in vector store '{store_id}'.", status=404
        )
    return row


async def change_entry(
    connection: AsyncConnection,
    number: int,
    fields: Mapping[str, Any],
    *,
    when: str | None = None,
) -> bool:
    """Changes an entry by its ``seq``, if its status is ``when``; tells whether it did."""
    statement = update(entries).where(entries.c.seq == number).values(dict(fields))
    if when is not None:
        statement = statement.where(entries.c.status == when)
    return (await connection.execute(statement)).rowcount == 1


async def give_up(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """These entries are no whole files any more, and are not to be."""
    await connection.execute(update(entries).where(which).values(status="cancelled"))


async def detach(connection: AsyncConnection, number: int) -> None:
    await bury_entries(connection, entries.c.seq == number)
    await connection.execute(delete(entries).where(entries.c.seq == number))


async def entry_listing(
    connection: AsyncConnection, store_id: str, query: PageQuery, *conditions: ColumnElement[bool]
) -> dict[str, Any]:
    store = (entries.c.vector_store_id, store_id)
    rows, more = await page(connection, entries, query, *conditions, within=store)
    return list_object([entry_object(row) for row in rows], more)


async def waiting(connection: AsyncConnection, most: int) -> list[Row[Any]]:
    """Entries that are still to be indexed: of stores where fewest wait first, then the oldest.

    So a file that a message brings does not stand behind thousands that somebody imports.
    """
    unindexed = select(
        entries, func.count().over(partition_by=entries.c.vector_store_id).label("beside")
    ).where(entries.c.status == "in_progress")
    ordered = unindexed.order_by(text("beside"), entries.c.seq).limit(most)
    return list(await connection.execute(ordered))


async def is_waiting(connection: AsyncConnection, number: int) -> bool:
    """Whether an entry (its ``seq``) is still to be indexed: not cancelled, not detached."""
    status = await connection.scalar(select(entries.c.status).where(entries.c.seq == number))
    return status == "in_progress"


async def unfinished(connection: AsyncConnection, store_ids: Sequence[str]) -> bool:
    """Whether a file of these stores is still to be indexed."""
    statement = (
        select(entries.c.seq)
        .where(entries.c.vector_store_id.in_(store_ids), entries.c.status == "in_progress")
        .limit(1)
    )
    return (await connection.execute(statement)).first() is not None


async def use(connection: AsyncConnection, store_ids: Sequence[str]) -> None:
    """Notes that a run uses the stores: their expiry counts from now."""
    statement = update(vector_stores).where(vector_stores.c.id.in_(store_ids))
    await connection.execute(statement.values(last_active_at=int(time.time())))


# --- batches ----------------------------------------------------------------------------------


async def add_batch(connection: AsyncConnection, fields: Mapping[str, Any]) -> None:
    await connection.execute(insert(vector_store_batches), dict(fields))


async def batch(connection: AsyncConnection, store_id: str, batch_id: str) -> dict[str, Any]:
    """The batch as the wire's object; raises ``ApiError`` (404)."""
    await get(connection, store_id)
    statement = select(vector_store_batches).where(
        vector_store_batches.c.id == batch_id, vector_store_batches.c.vector_store_id == store_id
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise not_found("vector store file batch", batch_id)
    counts = (await _counts(connection, entries.c.batch_id, [batch_id]))[batch_id]
    if counts["in_progress"]:
        status = "in_progress"
    elif counts["cancelled"]:
        status = "cancelled"
    elif counts["failed"] and counts["failed"] == counts["total"]:
        status = "failed"
    else:
        status = "completed"
    return {
        "id": row.id,
        "object": "vector_store.files_batch",
        "created_at": row.created_at,
        "vector_store_id": row.vector_store_id,
        "status": status,
        "file_counts": counts,
    }


async def cancel_batch(connection: AsyncConnection, batch_id: str) -> None:
    """What is not indexed yet is cancelled; what is done stays done."""
    await connection.execute(
        update(entries)
        .where(entries.c.batch_id == batch_id, entries.c.status == "in_progress")
        .values(status="cancelled")
    )
