"""What becomes of the calls of one turn: built-in tools are carried out, functions asked for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.engine.models.base import ModelUsage
from services.engine.runs.turn import Turn
from services.engine.runs.usage import usage_object
from services.engine.store import runs, steps
from services.engine.store.database import Database
from services.engine.tools.toolbox import Toolbox


@dataclass(slots=True)
class Calls:
    """``details`` is the step as the wire tells it; ``kept`` what only the model is told."""

    details: dict[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """The calls that only the client can answer."""
        calls = self.details["tool_calls"]
        return [
            call
            for call in calls
            if call["type"] == "function" and call["function"]["output"] is None
        ]

    @property
    def action(self) -> dict[str, Any]:
        """The run's ``required_action`` for them."""
        asked = [_asked(call) for call in self.waiting]
        return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": asked}}


async def carry_out(turn: Turn, toolbox: Toolbox, ordinal: int) -> Calls:
    """Answers what the engine can answer: its own tools, and calls of tools that nobody offered.

    ``ordinal`` numbers the first call, for the markers of what is found.
    """
    calls = Calls(turn.step_details())
    made = calls.details["tool_calls"]
    often = Counter(name for name, _ in turn.made())
    for index, (name, arguments) in enumerate(turn.made()):
        call = made[index]
        tool = toolbox.built_in(name)
        if tool is not None:
            announce = partial(turn.announce_call, index)
            result = await tool.carry_out(arguments, ordinal + index, announce, sharing=often[name])
            made[index] = {**call, tool.kind: dict(result.call)}
            calls.kept[call["id"]] = {
                "name": name,
                "arguments": arguments,
                "output": result.output,
                "citations": dict(result.citations),
            }
        elif name not in toolbox.functions:
            # The model's mistake: no client could answer it.
            call["function"]["output"] = toolbox.unknown(name)
    return calls


async def complete_step(
    database: Database, turn: Turn, calls: Calls, usage: ModelUsage, run_usage: ModelUsage
) -> dict[str, Any] | None:
    """Stores a step whose calls are all answered; the step, None if its thread is gone."""
    assert turn.step_id is not None
    async with database.write() as connection:
        fields = {
            "status": "completed",
            "completed_at": int(time.time()),
            "step_details": calls.details,
            "calls": calls.kept or None,
            "usage": usage_object(usage),
        }
        step = await steps.change(connection, turn.step_id, fields)
        await runs.change(connection, turn.run_id, {"usage": usage_object(run_usage)})
    return step


async def ask_client(
    database: Database, turn: Turn, calls: Calls, usage: ModelUsage, run_usage: ModelUsage
) -> dict[str, Any] | None:
    """Has the run wait for the client's outputs; the run, None if it was ended meanwhile."""
    assert turn.step_id is not None
    async with database.write() as connection:
        fields: dict[str, Any] = {
            "status": "requires_action",
            "required_action": calls.action,
            "usage": usage_object(run_usage),
        }
        run = await runs.change(connection, turn.run_id, fields, when=("in_progress",))
        if run is not None:
            fields = {
                "step_details": calls.details,
                "calls": calls.kept or None,
                "usage": usage_object(usage),
            }
            await steps.change(connection, turn.step_id, fields)
    return run


def _asked(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {
        "id": call["id"],
        "type": "function",
        "function": {"name": function["name"], "arguments": function["arguments"]},
    }
