"""Threads in the store, and the thread list."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.prepared import prepared
from services.engine.store.tables import runs, threads
from services.engine.store.tombs import bury

PREVIEW_CHARACTERS = 80
ARCHIVED, GONE_AT = "understudy_archived", "understudy_gone_at"
"""Keys of metadata that the app writes; empty, or not there, when it is not so."""

State = Literal["current", "archived", "deleted"]


def _next_activity() -> Any:
    return select(func.coalesce(func.max(threads.c.activity), 0) + 1).scalar_subquery()


# Built once: putting a statement together costs as much as running it.
_GET = prepared(select(threads).where(threads.c.id == bindparam("which")))
_TOUCH = (
    update(threads)
    .where(threads.c.id == bindparam("which"))
    .values(
        activity=_next_activity(),
        active_at=bindparam("now"),
        preview=func.coalesce(func.nullif(threads.c.preview, ""), bindparam("line")),
    )
)


# A row's values by position: by name each costs ten times as much.
_COLUMNS = tuple(threads.c.keys())


def to_object(row: Row[Any]) -> dict[str, Any]:
    return _object(dict(zip(_COLUMNS, row, strict=True)))


def _object(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": values["id"],
        "object": "thread",
        "created_at": values["created_at"],
        "metadata": values["metadata"],
        "tool_resources": values["tool_resources"],
    }


def _of_newest_run(column: Column[str]) -> ColumnElement[str]:
    newest = select(column).where(runs.c.thread_id == threads.c.id)
    return newest.order_by(runs.c.seq.desc()).limit(1).scalar_subquery().label(f"run_{column.key}")


_EXTRA = ("active_at", "preview", "run_status", "assistant_id")
_OF_NEWEST_RUN = (_of_newest_run(runs.c.status), _of_newest_run(runs.c.assistant_id))


async def add(connection: AsyncConnection, fields: dict[str, Any], *, now: int) -> dict[str, Any]:
    values = {**fields, "activity": _next_activity(), "active_at": now}
    statement = insert(threads).values(values).returning(threads)
    return to_object((await connection.execute(statement)).one())


async def get(connection: AsyncConnection, thread_id: str) -> dict[str, Any]:
    """The thread as the wire's object; raises ``ApiError`` (404)."""
    row = (await connection.execute(_GET, {"which": thread_id})).one_or_none()
    if row is None:
        raise not_found("thread", thread_id)
    return to_object(row)


async def change(
    connection: AsyncConnection, thread_id: str, fields: dict[str, Any]
) -> dict[str, Any]:
    if fields:
        await connection.execute(update(threads).where(threads.c.id == thread_id).values(fields))
    return await get(connection, thread_id)


async def touch(
    connection: AsyncConnection, thread_id: str, *, now: int, preview: str | None = None
) -> None:
    """Moves the thread to the head of the list; ``preview`` names one that has no name yet.

    Raises ``ApiError`` (404).
    """
    line = " ".join((preview or "")[: PREVIEW_CHARACTERS * 4].split())[:PREVIEW_CHARACTERS]
    touched = await connection.execute(_TOUCH, {"which": thread_id, "now": now, "line": line})
    if touched.rowcount == 0:
        raise not_found("thread", thread_id)


async def remove(connection: AsyncConnection, thread_id: str) -> None:
    """Deletes the thread with its messages, runs and steps; raises ``ApiError`` (404)."""
    await bury(connection, threads, threads.c.activity, thread_id, "thread")
    await connection.execute(delete(threads).where(threads.c.id == thread_id))


def _chosen(title: str, state: State | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if title:
        named = func.coalesce(func.nullif(_told("title"), ""), threads.c.preview)
        # The database knows the case of ASCII letters alone; others are asked for as they are
        # mostly written.
        written = {title, title.lower(), title.upper(), title.capitalize(), title.title()}
        conditions.append(or_(*(named.icontains(each, autoescape=True) for each in written)))
    if state is not None:
        put_away = func.coalesce(_told(ARCHIVED), "") != ""
        deleted = func.coalesce(_told(GONE_AT), "") != ""
        conditions += [deleted] if state == "deleted" else [~deleted]
        if state != "deleted":
            conditions += [put_away if state == "archived" else ~put_away]
    return conditions


def _told(key: str) -> ColumnElement[str]:
    """A value of the metadata."""
    value: ColumnElement[str] = threads.c.metadata[key].as_string()
    return value


async def listing(
    connection: AsyncConnection,
    query: PageQuery,
    *,
    title: str = "",
    state: State | None = None,
) -> dict[str, Any]:
    """The threads by their last activity.

    Not part of the hosted API. Beside the thread's own fields each has an ``understudy`` object:
    ``active_at``, ``preview`` (the first message's first words), and of the newest run
    ``run_status`` and ``assistant_id``. ``title`` is what the title holds, in any case of its
    letters; ``state`` chooses those put away, those that are deleted but can still be brought back,
    or the others.
    """
    rows, more = await page(
        connection,
        threads,
        query,
        *_chosen(title, state),
        position=threads.c.activity,
        columns=(*threads.c, *_OF_NEWEST_RUN),
    )
    objects = []
    for row in rows:
        values = dict(zip((*_COLUMNS, "run_status", "assistant_id"), row, strict=True))
        extra = {name: values[name] for name in _EXTRA}
        objects.append({**_object(values), "understudy": extra})
    return list_object(objects, more)
