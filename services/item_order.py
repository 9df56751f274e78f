"""Messages and tool rows of a thread, as they happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from services import reading
from services.records import Message, Run, Thought, ToolStep

if TYPE_CHECKING:
    from openai.types.beta.threads.runs import RunStep


def in_order(
    messages: Sequence[Message], runs: Sequence[Run], steps: Mapping[str, Sequence[RunStep]]
) -> list[Message | ToolStep | Thought]:
    """Messages, tool rows and thoughts as they happened.

    A run's steps tell the order within it. A run that wrote no message (it waits, or failed at
    once) goes where it was created: after the messages that were there by then.
    """
    blocks = {run.id: _block(run, messages, steps.get(run.id, ())) for run in runs}
    silent = [run for run in runs if not any(each.run_id == run.id for each in messages)]
    ordered: list[Message | ToolStep | Thought] = []
    placed: set[str] = set()
    for message in messages:
        if message.run_id in blocks:
            if message.run_id not in placed:
                placed.add(message.run_id)
                ordered += blocks[message.run_id]
            continue
        while silent and silent[0].created_at < message.created_at:
            ordered += blocks[silent.pop(0).id]
        ordered.append(message)
    for run in silent:
        ordered += blocks[run.id]
    return ordered


def _block(
    run: Run, messages: Sequence[Message], steps: Sequence[RunStep]
) -> list[Message | ToolStep | Thought]:
    own = {message.id: message for message in messages if message.run_id == run.id}
    block: list[Message | ToolStep | Thought] = []
    for step in steps:
        if (thought := reading.thought(step)) is not None:
            block.append(thought)
        if (row := reading.tool_step(step)) is not None:
            block.append(row)
        elif step.step_details.type == "message_creation":
            message = own.pop(step.step_details.message_creation.message_id, None)
            if message is not None:
                block.append(message)
    return [*block, *own.values()]
