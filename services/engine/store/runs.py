"""Runs in the store.

Every change of state is conditional on the state it starts from, so that two processes (or a
cancellation and an answer's end) can never both win.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.prepared import prepared
from services.engine.store.tables import ACTIVE_STATUSES, IS_ACTIVE, decimal, runs

# Fields that are stored as they appear on the wire.
_PLAIN = (
    "id",
    "created_at",
    "assistant_id",
    "thread_id",
    "status",
    "started_at",
    "expires_at",
    "cancelled_at",
    "failed_at",
    "completed_at",
    "required_action",
    "last_error",
    "model",
    "instructions",
    "tools",
    "tool_resources",
    "metadata",
    "temperature",
    "top_p",
    "reasoning_effort",
    "max_completion_tokens",
    "max_prompt_tokens",
    "truncation_strategy",
    "incomplete_details",
    "response_format",
    "tool_choice",
    "parallel_tool_calls",
)

# A row's values by position: by name each costs ten times as much.
_COLUMNS = tuple(runs.c.keys())


def to_object(row: Row[Any]) -> dict[str, Any]:
    values = dict(zip(_COLUMNS, row, strict=True))
    ended = values["status"] not in ACTIVE_STATUSES
    return {
        "object": "thread.run",
        **{name: values[name] for name in _PLAIN},
        "temperature": decimal(row.temperature),
        "top_p": decimal(row.top_p),
        # Kept from the first model call on, but only a run that ended tells it.
        "usage": values["usage"] if ended else None,
    }


# Built once: putting a statement together costs as much as running it.
_ADD = insert(runs).returning(runs)
_CHANGE = update(runs).where(runs.c.id == bindparam("which")).returning(runs)
_GET = prepared(
    select(runs).where(runs.c.id == bindparam("which"), runs.c.thread_id == bindparam("thread"))
)
_ACTIVE = prepared(select(runs).where(IS_ACTIVE))
_ACTIVE_OF_THREAD = prepared(_ACTIVE.where(runs.c.thread_id == bindparam("thread")))
_CHANGE_WHEN = _CHANGE.where(runs.c.status.in_(bindparam("when", expanding=True)))


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    """Raises ``IntegrityError`` when another run holds the thread."""
    return to_object((await connection.execute(_ADD, fields)).one())


async def get(connection: AsyncConnection, thread_id: str, run_id: str) -> dict[str, Any]:
    """The run as the wire's object; raises ``ApiError`` (404)."""
    which = {"which": run_id, "thread": thread_id}
    row = (await connection.execute(_GET, which)).one_or_none()
    if row is None:
        raise not_found("run", run_id)
    return to_object(row)


async def usage_so_far(connection: AsyncConnection, run_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await connection.scalar(
        select(runs.c.usage).where(runs.c.id == run_id)
    )
    return found


async def change(
    connection: AsyncConnection,
    run_id: str,
    fields: dict[str, Any],
    *,
    when: Collection[str] | None = None,
) -> dict[str, Any] | None:
    """The run as changed, or None if its status is not one of ``when`` (None: any will do)."""
    parameters = {"which": run_id, **fields}
    if when is None:
        row = (await connection.execute(_CHANGE, parameters)).one_or_none()
    else:
        parameters["when"] = tuple(when)
        row = (await connection.execute(_CHANGE_WHEN, parameters)).one_or_none()
    return None if row is None else to_object(row)


async def active_of_thread(connection: AsyncConnection, thread_id: str) -> Row[Any] | None:
    """The one run that holds the thread, with its ``owner``, or None."""
    found = await connection.execute(_ACTIVE_OF_THREAD, {"thread": thread_id})
    row: Row[Any] | None = found.one_or_none()
    return row


async def active(connection: AsyncConnection) -> list[Row[Any]]:
    """All runs that have not ended, of every process."""
    # Sorted here: to have them in order, SQLite would look through all runs there ever were.
    return sorted(await connection.execute(_ACTIVE), key=lambda row: row.seq)


async def listing(connection: AsyncConnection, thread_id: str, query: PageQuery) -> dict[str, Any]:
    rows, more = await page(connection, runs, query, of=[(runs.c.thread_id, thread_id)])
    return list_object([to_object(row) for row in rows], more)
