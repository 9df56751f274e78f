"""Run steps in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import not_found
from services.engine.store.paging import PageQuery, list_object, page
from services.engine.store.tables import run_steps


class Included(NamedTuple):
    """What a request may ask for beyond what is usually told of a run's steps."""

    contents: bool = False
    """The text of the passages that a file search found."""
    reasoning: bool = False
    """What the model thought; beyond the hosted API."""


THE_USUAL = Included()

# A row's values by position: by name each costs ten times as much.
_COLUMNS = tuple(run_steps.c.keys())


def to_object(row: Row[Any]) -> dict[str, Any]:
    values = dict(zip(_COLUMNS, row, strict=True))
    return {
        "id": values["id"],
        "object": "thread.run.step",
        "created_at": values["created_at"],
        "run_id": values["run_id"],
        "assistant_id": values["assistant_id"],
        "thread_id": values["thread_id"],
        "type": values["type"],
        "status": values["status"],
        "cancelled_at": values["cancelled_at"],
        "completed_at": values["completed_at"],
        # The traffic has expires_at (when the run would expire), the published schema expired_at.
        "expires_at": values["expires_at"],
        "expired_at": values["expired_at"],
        "failed_at": values["failed_at"],
        "last_error": values["last_error"],
        "step_details": values["step_details"],
        "usage": None if values["status"] == "in_progress" else values["usage"],
        "metadata": {},
    }


# Built once: putting a statement together costs as much as running it.
_ADD = insert(run_steps).returning(run_steps)
_CHANGE = update(run_steps).where(run_steps.c.id == bindparam("which")).returning(run_steps)

_OF_RUN = select(run_steps).where(run_steps.c.run_id == bindparam("run")).order_by(run_steps.c.seq)


def without_contents(step: Mapping[str, Any]) -> dict[str, Any]:
    """The step as clients see it that did not ask for the text of the passages that were found."""
    details = step["step_details"]
    calls = details.get("tool_calls")
    if not calls or all(call["type"] != "file_search" for call in calls):
        return dict(step)
    return {**step, "step_details": {**details, "tool_calls": [_bare(call) for call in calls]}}


def _bare(call: Mapping[str, Any]) -> Mapping[str, Any]:
    if call["type"] != "file_search":
        return call
    results = [
        {name: value for name, value in result.items() if name != "content"}
        for result in call["file_search"].get("results", ())
    ]
    # A call that is still being made has no results, and not an empty list of them.
    found = {"results": results} if "results" in call["file_search"] else {}
    return {**call, "file_search": {**call["file_search"], **found}}


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    return to_object((await connection.execute(_ADD, fields)).one())


def _shown(row: Row[Any], included: Included) -> dict[str, Any]:
    step = to_object(row)
    if not included.contents:
        step = without_contents(step)
    if included.reasoning:
        step["understudy"] = {"reasoning": row.reasoning}
    return step


async def get(
    connection: AsyncConnection, run_id: str, step_id: str, included: Included
) -> dict[str, Any]:
    """The step as the wire's object; raises ``ApiError`` (404)."""
    row = (
        await connection.execute(
            select(run_steps).where(run_steps.c.id == step_id, run_steps.c.run_id == run_id)
        )
    ).one_or_none()
    if row is None:
        raise not_found("run step", step_id)
    return _shown(row, included)


async def change(
    connection: AsyncConnection, step_id: str, fields: dict[str, Any]
) -> dict[str, Any] | None:
    """The step as changed, or None if it is gone (its thread was deleted)."""
    row = (await connection.execute(_CHANGE, {"which": step_id, **fields})).one_or_none()
    return None if row is None else to_object(row)


async def with_calls(
    connection: AsyncConnection, run_id: str
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """All steps of a run, oldest first, each with what only the model is told of its calls."""
    return [
        (to_object(row), row.calls or {})
        for row in await connection.execute(_OF_RUN, {"run": run_id})
    ]


async def of_run(connection: AsyncConnection, run_id: str) -> list[dict[str, Any]]:
    """All steps of a run, oldest first."""
    return [to_object(row) for row in await connection.execute(_OF_RUN, {"run": run_id})]


async def listing(
    connection: AsyncConnection, run_id: str, query: PageQuery, included: Included
) -> dict[str, Any]:
    rows, more = await page(connection, run_steps, query, of=[(run_steps.c.run_id, run_id)])
    return list_object([_shown(row, included) for row in rows], more)
