"""How a run ends: one transaction for the run, its open message and its open steps.

Whatever ends a run (its answer, a cancellation, a failure, its time limit, a crash noticed at the
next start) goes through ``end_run``, so that a run has exactly one end and nothing of it stays
open. The announcements are made after the commit.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.models.base import ModelUsage
from services.engine.runs.usage import usage_object
from services.engine.store import messages, runs, steps
from services.engine.store.database import Database
from services.engine.store.tables import ACTIVE_STATUSES

Announcement = tuple[str, dict[str, Any]]
ErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run ends: ``reason`` of incomplete, ``error`` (code, sentence) of failed."""

    status: Literal["completed", "incomplete", "failed", "cancelled", "expired"]
    reason: Literal["max_completion_tokens", "max_prompt_tokens", "content_filter"] | None = None
    error: tuple[ErrorCode, str] | None = None


@dataclass(frozen=True, slots=True)
class InFlight:
    """What the run loop knows beyond the store: texts, calls and tokens not yet written."""

    contents: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    step_details: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    turn_usage: ModelUsage | None = None
    run_usage: ModelUsage | None = None


_MESSAGE_REASONS = {
    "failed": "run_failed",
    "cancelled": "run_cancelled",
    "expired": "run_expired",
}
_TIME_FIELDS = {
    "completed": "completed_at",
    "incomplete": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
}


async def end_run(
    database: Database,
    run_id: str,
    ending: Ending,
    in_flight: InFlight | None = None,
    *,
    when: Collection[str] = ACTIVE_STATUSES,
) -> list[Announcement] | None:
    """Ends the run if its status is one of ``when``; None if it was not.

    Returns what to announce, in the contract's order: message, steps, run; of a failure the steps
    first.
    """
    async with database.write() as connection:
        return await end_run_within(connection, run_id, ending, in_flight, when=when)


async def end_run_within(
    connection: AsyncConnection,
    run_id: str,
    ending: Ending,
    in_flight: InFlight | None = None,
    *,
    when: Collection[str] = ACTIVE_STATUSES,
) -> list[Announcement] | None:
    """``end_run`` as a part of a transaction that does more."""
    known = in_flight or InFlight()
    now = int(time.time())
    announcements: list[Announcement] = []
    fields = await _run_fields(connection, run_id, ending, known, now)
    run = await runs.change(connection, run_id, fields, when=when)
    if run is None:
        return None
    for message in await messages.open_of_run(connection, run_id):
        fields = _message_fields(ending, now)
        fields["content"] = known.contents.get(message["id"], message["content"])
        if (stored := await messages.change(connection, message["id"], fields)) is not None:
            announcements.append((f"thread.message.{fields['status']}", stored))
    for step in await steps.of_run(connection, run_id):
        if step["status"] != "in_progress":
            continue
        fields = _step_fields(ending, step, now)
        if step["id"] in known.step_details:
            fields["step_details"] = known.step_details[step["id"]]
        if known.turn_usage is not None:
            fields["usage"] = usage_object(known.turn_usage)
        if (stored := await steps.change(connection, step["id"], fields)) is not None:
            announcements.append((f"thread.run.step.{fields['status']}", stored))
    if ending.status == "failed":
        announcements.sort(key=lambda each: not each[0].startswith("thread.run.step."))
    announcements.append((f"thread.run.{ending.status}", run))
    return announcements


async def _run_fields(
    connection: Any, run_id: str, ending: Ending, known: InFlight, now: int
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "status": ending.status,
        "expires_at": None,
        "required_action": None,
        "usage": (
            usage_object(known.run_usage)
            if known.run_usage is not None
            else await runs.usage_so_far(connection, run_id) or usage_object(ModelUsage())
        ),
    }
    if ending.status in _TIME_FIELDS:
        fields[_TIME_FIELDS[ending.status]] = now
    if ending.error is not None:
        fields["last_error"] = {"code": ending.error[0], "message": ending.error[1]}
    if ending.reason is not None:
        fields["incomplete_details"] = {"reason": ending.reason}
    return fields


def _message_fields(ending: Ending, now: int) -> dict[str, Any]:
    if ending.status == "completed":
        return {"status": "completed", "completed_at": now}
    if ending.status == "incomplete":
        reason = "content_filter" if ending.reason == "content_filter" else "max_tokens"
    else:
        reason = _MESSAGE_REASONS[ending.status]
    return {"status": "incomplete", "incomplete_reason": reason, "incomplete_at": now}


def _step_fields(ending: Ending, step: Mapping[str, Any], now: int) -> dict[str, Any]:
    status: str = ending.status
    if status == "incomplete":
        # A message cut short is still a step done; calls cut short cannot be carried out.
        status = "completed" if step["type"] == "message_creation" else "failed"
    fields: dict[str, Any] = {"status": status}
    fields[{"expired": "expired_at"}.get(status) or _TIME_FIELDS[status]] = now
    if status == "failed":
        code, text = ending.error or ("server_error", "The model stopped within a tool call.")
        step_code = code if code == "rate_limit_exceeded" else "server_error"
        fields["last_error"] = {"code": step_code, "message": text}
    return fields
