"""Cursor lists: a stable total order, and cursors that are resolved by that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import BindParameter, Column, ColumnElement, Row, Select, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError
from services.engine.store.prepared import not_prepared, prepared
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
    of: Sequence[tuple[Column[str], str]] = (),
    within: tuple[Column[str], str] | None = None,
    columns: Sequence[ColumnElement[Any]] = (),
) -> tuple[Sequence[Row[Any]], bool]:
    """The rows of one page in the asked order, and whether there are more beyond it.

    ``position`` is the column that orders the list (``seq`` unless told). With ``before`` the page
    is the one that ends just ahead of the cursor, still in the same order. ``of`` are columns with
    the value to look for, ready sooner than ``conditions``; ``within`` is one of them that is also
    where to look for the cursor, if ids are unique only there; ``columns`` are what to select
    instead of the whole table. Raises ``ApiError`` for a cursor that names nothing.
    """
    column = table.c.seq if position is None else position
    equal = (*of, within) if within is not None else tuple(of)
    values: dict[str, str | int] = {
        f"of_{number}": value for number, (_, value) in enumerate(equal)
    }
    if query.after is not None:
        at = await _position(connection, table, column, within, query.after, "after")
        values["after"] = at
    if query.before is not None:
        at = await _position(connection, table, column, within, query.before, "before")
        values["before"] = at
    backwards = query.before is not None and query.after is None
    statement = _statement(
        tuple(columns) or (table,),
        column,
        tuple(each for each, _ in equal),
        query.order == "desc",
        query.after is not None,
        query.before is not None,
    )
    if conditions:
        statement = not_prepared(statement.where(*conditions))
    values["most"] = query.limit + 1
    rows = list((await connection.execute(statement, values)).all())
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if backwards:
        rows.reverse()
    return rows, more


@cache  # putting a statement together costs more than to look up a row with it
def _statement(
    selected: tuple[Table | ColumnElement[Any], ...],
    column: Column[int],
    equal: tuple[Column[str], ...],
    descending: bool,
    after: bool,
    before: bool,
) -> Select[Any]:
    statement: Select[Any] = select(*selected)
    for number, each in enumerate(equal):
        statement = statement.where(each == bindparam(f"of_{number}"))
    if after:
        behind: BindParameter[int] = bindparam("after")
        statement = statement.where(column < behind if descending else column > behind)
    if before:
        ahead: BindParameter[int] = bindparam("before")
        statement = statement.where(column > ahead if descending else column < ahead)
    ascending = descending if before and not after else not descending
    order = column.asc() if ascending else column.desc()
    return prepared(statement.order_by(order).limit(bindparam("most")))


async def _position(
    connection: AsyncConnection,
    table: Table,
    column: Column[int],
    within: tuple[Column[str], str] | None,
    cursor: str,
    name: str,
) -> int:
    statement, buried = select(column).where(table.c.id == cursor), cursor
    if within is not None:
        statement, buried = statement.where(within[0] == within[1]), f"{within[1]}/{cursor}"
    found = await connection.scalar(statement)
    if found is None:
        found = await connection.scalar(
            select(tombstones.c.position).where(tombstones.c.id == buried)
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
