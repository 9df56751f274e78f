"""Cursor lists: a stable total order, and cursors that are resolved by that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Row, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError
from services.engine.store.tables import tombstones


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What a list request asks for; ``after`` and ``before`` are ids, both exclusive."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


async def page(
    connection: AsyncConnection,
    table: Table,
    query: PageQuery,
    *conditions: ColumnElement[bool],
    position: Column[int] | None = None,
) -> tuple[Sequence[Row[Any]], bool]:
    """The rows of one page in the asked order, and whether there are more beyond it.

    ``position`` is the column that orders the list (``seq`` unless told). With ``before`` the page
    is the one that ends just ahead of the cursor, still in the same order. Raises ``ApiError`` for
    a cursor that names nothing.
    """
    column = table.c.seq if position is None else position
    statement = select(table).where(*conditions)
    descending = query.order == "desc"
    if query.after is not None:
        at = await _position(connection, table, column, query.after, "after")
        statement = statement.where(column < at if descending else column > at)
    backwards = query.before is not None and query.after is None
    if query.before is not None:
        at = await _position(connection, table, column, query.before, "before")
        statement = statement.where(column > at if descending else column < at)
    ascending = descending if backwards else not descending
    statement = statement.order_by(column.asc() if ascending else column.desc())
    rows = list((await connection.execute(statement.limit(query.limit + 1))).all())
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if backwards:
        rows.reverse()
    return rows, more


async def _position(
    connection: AsyncConnection, table: Table, column: Column[int], cursor: str, name: str
) -> int:
    found = await connection.scalar(select(column).where(table.c.id == cursor))
    if found is None:
        found = await connection.scalar(
            select(tombstones.c.position).where(tombstones.c.id == cursor)
        )
    if found is None:
        raise ApiError(
            f"Invalid '{name}': no object found with id '{cursor}'.",
            param=name,
            code="invalid_value",
        )
    return int(found)


def list_object(objects: Sequence[dict[str, Any]], more: bool) -> dict[str, Any]:
    """The wire's list; ``first_id`` and ``last_id`` are null on an empty page."""
    return {
        "object": "list",
        "data": list(objects),
        "first_id": objects[0]["id"] if objects else None,
        "last_id": objects[-1]["id"] if objects else None,
        "has_more": more,
    }
