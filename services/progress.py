"""What a run has shown so far, built from its stream.

Takes the wire's events one by one, keeps what a late watcher needs to catch up, and tells what each
event means for the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services import reading
from services.events import (
    MessageEnded,
    MessageStarted,
    RunChanged,
    RunEvent,
    RunStarted,
    StepChanged,
    TextAdded,
)
from services.records import Message, Run, TextPart, ToolCall, ToolStep

if TYPE_CHECKING:
    from openai.types.beta import AssistantStreamEvent


class _OpenMessage:
    """A message that grows: its text as pieces, so that adding one costs nothing."""

    def __init__(self, message: Message):
        self.message = message
        self.pieces: list[str] = []

    def snapshot(self) -> Message:
        text = "".join(self.pieces)
        return replace(self.message, parts=(TextPart(text),)) if text else self.message


class Progress:
    """The run, its messages and its tool steps, as far as they were told."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._items: dict[str, Message | _OpenMessage | ToolStep] = {}

    def replay(self) -> Iterator[RunEvent]:
        """The events that rebuild what is there now."""
        if self.run is not None:
            yield RunStarted(self.run)
        for item in self._items.values():
            if isinstance(item, ToolStep):
                yield StepChanged(item)
            elif isinstance(item, _OpenMessage):
                yield MessageStarted(item.message)
                if item.pieces:
                    yield TextAdded(item.message.id, "".join(item.pieces))
            else:
                yield MessageStarted(replace(item, parts=()))
                yield MessageEnded(item)

    def take(self, event: AssistantStreamEvent) -> Iterator[RunEvent]:
        """What one event of the stream means. An end state is noted, and told by the session."""
        name = str(event.event)
        data: Any = event.data
        if name == "thread.message.delta":
            yield from self._message_delta(data)
        elif name == "thread.run.step.delta":
            yield from self._step_delta(data)
        elif name.startswith("thread.run.step."):
            if (step := reading.tool_step(data)) is not None:
                yield self.put_step(step)
        elif name == "thread.message.created":
            message = reading.message(data)
            self._items[message.id] = _OpenMessage(message)
            yield MessageStarted(message)
        elif name in ("thread.message.completed", "thread.message.incomplete"):
            yield self.put_message(reading.message(data))
        elif name.startswith("thread.run."):
            yield from self.put_run(reading.run(data))

    def put_run(self, run: Run) -> Iterator[RunEvent]:
        first = self.run is None
        self.run = run
        if first:
            yield RunStarted(run)
        elif run.active:
            yield RunChanged(run)

    def put_step(self, step: ToolStep) -> StepChanged:
        self._items[step.id] = step
        return StepChanged(step)

    def put_message(self, message: Message) -> MessageEnded:
        self._items[message.id] = message
        return MessageEnded(message)

    def grow_message(self, message: Message) -> Iterator[RunEvent]:
        """A message as it was read again while another process writes it."""
        known = self._items.get(message.id)
        if isinstance(known, Message):
            return
        if known is None:
            known = self._items[message.id] = _OpenMessage(replace(message, parts=()))
            yield MessageStarted(known.message)
        assert isinstance(known, _OpenMessage)
        shown = sum(len(piece) for piece in known.pieces)
        if added := message.text[shown:]:
            known.pieces.append(added)
            yield TextAdded(message.id, added)
        if message.status != "in_progress":
            yield self.put_message(message)

    def steps(self) -> list[ToolStep]:
        return [item for item in self._items.values() if isinstance(item, ToolStep)]

    def messages(self) -> list[Message]:
        """The messages as they stand, the last perhaps unfinished."""
        return [
            item.snapshot() if isinstance(item, _OpenMessage) else item
            for item in self._items.values()
            if not isinstance(item, ToolStep)
        ]

    def _message_delta(self, data: Any) -> Iterator[RunEvent]:
        item = self._items.get(data.id)
        if not isinstance(item, _OpenMessage):
            return
        for part in data.delta.content or []:
            text = ""
            if part.type == "text" and part.text is not None:
                text = part.text.value or ""
            elif part.type == "refusal":
                text = part.refusal or ""
            if text:
                item.pieces.append(text)
                yield TextAdded(data.id, text)

    def _step_delta(self, data: Any) -> Iterator[RunEvent]:
        step = self._items.get(data.id)
        details = data.delta.step_details
        if not isinstance(step, ToolStep) or details is None or details.type != "tool_calls":
            return
        calls = list(step.calls)
        for delta in details.tool_calls or []:
            function = delta.function if delta.type == "function" else None
            while delta.index >= len(calls):
                name = function.name if function is not None else delta.type
                calls.append(ToolCall(delta.id or "", delta.type, name or ""))
            if function is not None and function.arguments:
                call = calls[delta.index]
                arguments = call.arguments + function.arguments
                calls[delta.index] = replace(call, arguments=arguments)
        yield self.put_step(replace(step, calls=tuple(calls)))
