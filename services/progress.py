"""What a run has shown so far, built from its stream.

Takes the wire's events one by one, keeps what a late watcher needs to catch up, and tells what each
event means for the screen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services import reading
from services.events import (
    MessageEnded,
    MessageStarted,
    ReasoningAdded,
    ReasoningEnded,
    RunChanged,
    RunEvent,
    RunStarted,
    StepChanged,
    TextAdded,
)
from services.records import Citation, Message, Run, TextPart, Thought, ToolCall, ToolStep

if TYPE_CHECKING:
    from openai.types.beta import AssistantStreamEvent


REASONING = "thread.understudy.reasoning.delta"
"""The event by which our own engine tells what the model thinks; nobody else has it."""


# A message or a step begins before the last of the thought is told; its text comes after it.
_STILL_THINKING = (".created", ".queued", ".in_progress")


class _OpenMessage:
    """A message that grows: its text as pieces, so that adding one costs nothing."""

    def __init__(self, message: Message):
        self.message = message
        self.pieces: list[str] = []
        self.citations: list[Citation] = []

    def snapshot(self) -> Message:
        text = "".join(self.pieces)
        if not text:
            return self.message
        return replace(self.message, parts=(TextPart(text, tuple(self.citations)),))


class _OpenThought:
    """A thought that grows."""

    def __init__(self, id: str, run_id: str):
        self.id = id
        self.run_id = run_id
        self.pieces: list[str] = []
        self._began = time.monotonic()

    def snapshot(self) -> Thought:
        seconds = time.monotonic() - self._began
        return Thought(self.id, self.run_id, "".join(self.pieces), seconds)


class Progress:
    """The run, its messages and its tool steps, as far as they were told."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._items: dict[str, Message | _OpenMessage | ToolStep | Thought | _OpenThought] = {}
        self._thinking: _OpenThought | None = None
        self._thoughts = 0

    def replay(self) -> Iterator[RunEvent]:
        """The events that rebuild what is there now."""
        if self.run is not None:
            yield RunStarted(self.run)
        for item in self._items.values():
            if isinstance(item, ToolStep):
                yield StepChanged(item)
            elif isinstance(item, Thought):
                yield ReasoningEnded(item)
            elif isinstance(item, _OpenThought):
                yield ReasoningAdded(item.id, "".join(item.pieces))
            elif isinstance(item, _OpenMessage):
                yield MessageStarted(item.message)
                if item.pieces:
                    text, citations = "".join(item.pieces), tuple(item.citations)
                    yield TextAdded(item.message.id, text, citations)
            else:
                yield MessageStarted(replace(item, parts=()))
                yield MessageEnded(item)

    def take(self, event: AssistantStreamEvent) -> Iterator[RunEvent]:
        """What one event of the stream means. An end state is noted, and told by the session."""
        name = str(event.event)
        data: Any = event.data
        if name == REASONING:
            yield from self._think(data)
            return
        if self._thinking is not None and not name.endswith(_STILL_THINKING):
            yield self._thought()
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
            if isinstance(item, Message | _OpenMessage)
        ]

    def _think(self, data: Any) -> Iterator[RunEvent]:
        """More of a thought; beyond v2, so the SDK knows no form of it."""
        delta = data.delta if hasattr(data, "delta") else None
        text = delta.get("text") if isinstance(delta, Mapping) else getattr(delta, "text", None)
        if not text:
            return
        if self._thinking is None:
            run_id = self.run.id if self.run is not None else str(data.id)
            self._thoughts += 1
            self._thinking = _OpenThought(f"thought/{run_id}/{self._thoughts}", run_id)
            self._items[self._thinking.id] = self._thinking
        self._thinking.pieces.append(str(text))
        yield ReasoningAdded(self._thinking.id, str(text))

    def _thought(self) -> RunEvent:
        """What was thought is complete: something else follows."""
        assert self._thinking is not None
        thought, self._thinking = self._thinking.snapshot(), None
        self._items[thought.id] = thought
        return ReasoningEnded(thought)

    def _message_delta(self, data: Any) -> Iterator[RunEvent]:
        item = self._items.get(data.id)
        if not isinstance(item, _OpenMessage):
            return
        for part in data.delta.content or []:
            text = ""
            cited: tuple[Citation, ...] = ()
            if part.type == "text" and part.text is not None:
                text = part.text.value or ""
                cited = tuple(reading.citations(part.text.annotations))
            elif part.type == "refusal":
                text = part.refusal or ""
            if text or cited:
                item.pieces.append(text)
                item.citations += cited
                yield TextAdded(data.id, text, cited)

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
