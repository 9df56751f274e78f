"""The events of a Responses stream read into the model interface's events."""

from __future__ import annotations

import logging
from typing import Any, Literal

from services.engine.models.answer_text import CharacterJoiner, ThinkingSplitter, whole_characters
from services.engine.models.base import (
    CallStarted,
    Finished,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from services.engine.models.event_data import objects_in
from services.engine.models.failures import Endpoint
from services.engine.models.recalled_thoughts import Part, RecalledThoughts, thought_in
from services.engine.models.responses_items import OutputItem, OutputItems
from services.engine.models.token_counts import counted
from services.engine.models.tool_calls import CallCollector

log = logging.getLogger(__name__)

_ENDINGS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
# What an event brings, and a piece of which kind of item.
_PIECES = {
    "response.output_text": ("text", "message"),
    "response.refusal": ("refusal", "message"),
    "response.reasoning_summary_text": ("thinking", "reasoning"),
    "response.reasoning_text": ("thinking", "reasoning"),
    "response.reasoning_summary": ("thinking", "reasoning"),
    "response.reasoning": ("thinking", "reasoning"),
    "response.function_call_arguments": ("arguments", "function_call"),
}
_DELTAS = {f"{name}.delta": what for name, what in _PIECES.items()}
_WHOLES = {f"{name}.done": what for name, what in _PIECES.items()}


class ResponsesTurn:
    """One answer, read event by event.

    Whatever an event brings whole (``...done``, an item, the response itself) counts only as far
    as deltas did not bring it before: some servers send all of it, some no deltas at all.
    """

    def __init__(
        self, request: ModelRequest, endpoint: Endpoint, thoughts: RecalledThoughts
    ) -> None:
        """What is thought before calls is kept in ``thoughts``."""
        self._request = request
        self._endpoint = endpoint
        self._thoughts = thoughts
        self._calls = CallCollector(request)
        self._started: list[str] = []  # our ids of the calls
        self._joiner = CharacterJoiner()
        self._splitter = ThinkingSplitter()
        self._items = OutputItems()
        self._texts: list[int] = []  # the numbers of the items that brought text
        self._usage: dict[str, Any] = {}
        self._readable = False
        self._flows = False
        self._answered = 0  # characters of text, thinking and refusal
        self._thought = 0
        self._status = ""
        self._reason = ""  # why it is incomplete

    @property
    def has_content(self) -> bool:
        """Whether an item is being written; between two of them a model may think for long."""
        return self._flows

    @property
    def has_ended(self) -> bool:
        return bool(self._status)

    @property
    def is_over(self) -> bool:
        return bool(self._status)

    def read(self, data: str, name: str = "") -> list[ModelEvent]:
        """One event's data, or a whole response. An error or a failed response raises."""
        events: list[ModelEvent] = []
        for event in objects_in(data, name, self._endpoint):
            if not self._status:
                self._event(event, name, events)
        return events

    def flush(self) -> list[ModelEvent]:
        """What was held back until it was clear what it is; for an answer that was cut off."""
        left = self._splitter.feed(self._joiner.close())
        return [*self._count_all(left), *self._count_all(self._splitter.close())]

    def finish(self, *, done: bool) -> list[ModelEvent]:
        """The end of the stream; ``done``: the response or ``[DONE]`` said so.

        Raises ``ModelError`` for an answer that was cut off, however cleanly.
        """
        if not self._readable:
            raise self._endpoint.unreadable()
        if not self._status and not done:
            raise self._endpoint.cut_off()
        events = self.flush()
        calls = self._calls.close()
        self._started += [event.id for event in calls if isinstance(event, CallStarted)]
        events.extend(calls)
        self._thoughts.keep(self._request.model, self._parts())
        written = self._answered + self._calls.characters
        usage = counted(self._usage, self._request, answered=written, thought=self._thought)
        events.append(Finished(self._finish_reason(), usage))
        return events

    def _finish_reason(self) -> Literal["stop", "length", "content_filter", "tool_calls"]:
        if self._status == "incomplete":
            return "content_filter" if "filter" in self._reason else "length"
        return "tool_calls" if self._calls.count else "stop"

    def _parts(self) -> list[Part]:
        """The answer's order, with the calls by the ids under which they will come back."""
        ids = iter(self._started)
        parts: list[Part] = []
        for item in self._items:
            if item.thought is not None:
                parts.append(item.thought)
            elif item.number in self._texts and "text" not in parts:
                parts.append("text")
            elif item.kind == "function_call" and (call_id := next(ids, None)) is not None:
                parts.append(call_id)
        return [*parts, *ids]

    # Events

    def _event(self, event: dict[str, Any], name: str, events: list[ModelEvent]) -> None:
        kind = event.get("type")
        kind = kind if isinstance(kind, str) and kind else name
        if (piece := _DELTAS.get(kind)) is not None:
            self._readable = True
            self._delta(*piece, event, events)
        elif (piece := _WHOLES.get(kind)) is not None:
            self._readable = True
            self._whole(*piece, event, events)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            value = event.get("item")
            if isinstance(value, dict):
                self._readable = True
                self._item(event, value, events, done=kind.endswith("done"))
        elif kind in _ENDINGS:
            response = event.get("response")
            self._end(_ENDINGS[kind], response if isinstance(response, dict) else {}, events)
        elif kind == "error" or event.get("error"):
            raise self._endpoint.reported(event.get("error") or event)
        elif event.get("object") == "response" or isinstance(event.get("output"), list):
            status = event.get("status")
            self._end(status if isinstance(status, str) else "completed", event, events)
        elif isinstance(event.get("response"), dict):
            self._readable = True  # created, queued, in progress

    def _end(self, status: str, response: dict[str, Any], events: list[ModelEvent]) -> None:
        error = response.get("error")
        if error or status in ("failed", "cancelled"):
            raise self._endpoint.reported(error or {"message": f"the response is {status}"})
        self._readable = True
        if isinstance(usage := response.get("usage"), dict):
            self._usage = usage
        if isinstance(details := response.get("incomplete_details"), dict):
            self._reason = str(details.get("reason") or "")
        # Only what never was streamed: numbers and ids need not be the same here.
        streamed = self._items.kinds()
        for index, value in enumerate(_dicts(response.get("output"))):
            if value.get("type") not in streamed:
                self._item({"output_index": -1 - index}, value, events, done=True)
        self._status = "incomplete" if status == "incomplete" else "completed"

    def _item(
        self, event: dict[str, Any], value: dict[str, Any], events: list[ModelEvent], *, done: bool
    ) -> None:
        kind = value.get("type")
        item = self._items.find(str(kind), event, value.get("id"), opens=not done)
        if item.done:
            return
        self._flows = False
        if kind == "function_call":
            self._call(item, value, events)
        elif kind == "message" and done:
            for number, part in enumerate(_dicts(value.get("content"))):
                what = "refusal" if part.get("type") == "refusal" else "text"
                self._give(item, what, item.unseen((what, number), part.get(what)), events)
        elif kind == "reasoning" and done:
            item.thought = thought_in(value)
            if not item.seen:
                for part in _dicts(value.get("summary")) or _dicts(value.get("content")):
                    text = part.get("text")
                    self._give(item, "thinking", text if isinstance(text, str) else "", events)
        item.done = done

    def _call(self, item: OutputItem, value: dict[str, Any], events: list[ModelEvent]) -> None:
        name = value.get("name")
        if isinstance(name, str) and name and not item.named:
            item.named = True
            self._collect(item, {"name": name}, events)
        arguments = value.get("arguments")
        if isinstance(arguments, dict):  # not the text that it should be
            if not item.seen:
                item.seen["arguments", 0] = 1
                self._collect(item, {"arguments": arguments}, events)
            return
        self._give(item, "arguments", item.unseen(("arguments", 0), arguments), events)

    # Pieces

    def _delta(self, what: str, kind: str, event: dict[str, Any], events: list[ModelEvent]) -> None:
        piece = event.get("delta")
        if not isinstance(piece, str) or not piece:
            return
        item = self._items.find(kind, event, event.get("item_id"))
        part = (what, _part_number(event))
        item.seen[part] = item.seen.get(part, 0) + len(piece)
        self._flows = True
        self._give(item, what, piece, events)

    def _whole(self, what: str, kind: str, event: dict[str, Any], events: list[ModelEvent]) -> None:
        item = self._items.find(kind, event, event.get("item_id"))
        if item.done or (what == "thinking" and item.seen):
            return
        if kind == "function_call" and not item.named:
            self._call(item, event, events)
            return
        text = event.get("text" if what == "thinking" else what)
        self._give(item, what, item.unseen((what, _part_number(event)), text), events)

    def _give(self, item: OutputItem, what: str, text: str, events: list[ModelEvent]) -> None:
        if not text:
            return
        if what == "text":
            if item.number not in self._texts:
                text = f"\n\n{text}" if self._texts else text
                self._texts.append(item.number)
            events.extend(self._count_all(self._splitter.feed(self._joiner.feed(text))))
        elif what == "thinking":
            events.extend(self._count_all([ReasoningDelta(whole_characters(text))]))
        elif what == "refusal":
            self._answered += len(text)
            events.append(RefusalDelta(whole_characters(text)))
        else:
            self._collect(item, {"arguments": text}, events)

    def _collect(self, item: OutputItem, fields: dict[str, Any], events: list[ModelEvent]) -> None:
        fragment = {"index": item.number, "id": f"item {item.number}", **fields}
        for event in self._calls.feed([fragment]):
            if isinstance(event, CallStarted):
                self._started.append(event.id)
            events.append(event)

    def _count_all(
        self, events: list[TextDelta | ReasoningDelta]
    ) -> list[TextDelta | ReasoningDelta]:
        for event in events:
            self._answered += len(event.text)
            if isinstance(event, ReasoningDelta):
                self._thought += len(event.text)
        return events


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _part_number(event: dict[str, Any]) -> int:
    for name in ("content_index", "summary_index"):
        number = event.get(name)
        if isinstance(number, int):
            return number
    return 0
