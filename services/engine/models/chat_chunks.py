"""Chat completion chunks read into the model interface's events, forgiving of every dialect."""

from __future__ import annotations

import logging
import re
from typing import Any, Literal

from services.engine.models.answer_text import (
    CharacterJoiner,
    ThinkingSplitter,
    whole_characters,
)
from services.engine.models.base import (
    Finished,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from services.engine.models.event_data import objects_in
from services.engine.models.failures import Endpoint
from services.engine.models.token_counts import counted
from services.engine.models.tool_calls import CallCollector

log = logging.getLogger(__name__)

Reason = Literal["stop", "length", "content_filter", "tool_calls"]
_LENGTH = {"length", "max_tokens", "max_output_tokens", "model_length"}
_FILTERED = {"content_filter", "safety", "recitation", "blocked"}
_CALL_AS_TEXT = re.compile(r"<tool_call>|<function=|\[TOOL_CALLS\]|<\|python_tag\|>")


class ChatTurn:
    """One answer, read chunk by chunk. ``finish_reason`` is the endpoint's, once it was sent."""

    def __init__(self, request: ModelRequest, endpoint: Endpoint) -> None:
        self._request = request
        self._endpoint = endpoint
        self._calls = CallCollector(request)
        self._joiner = CharacterJoiner()
        self._splitter = ThinkingSplitter()
        self._usage: dict[str, Any] = {}
        self._readable = False
        self._answered = 0  # characters of text, thinking and refusal
        self._thought = 0
        self._opening = ""  # the first of the text, to recognise a call written as text
        self.finish_reason: str | None = None

    @property
    def has_content(self) -> bool:
        """Whether any part of an answer arrived yet."""
        return bool(self._answered or self._calls.count)

    @property
    def has_ended(self) -> bool:
        """Whether the answer is whole; its usage may follow."""
        return self.finish_reason is not None

    @property
    def is_over(self) -> bool:
        """Never known from a chunk: ``[DONE]`` says it."""
        return False

    def read(self, data: str, name: str = "") -> list[ModelEvent]:
        """One event's data. What is not JSON is passed over; an error object raises."""
        events: list[ModelEvent] = []
        for chunk in objects_in(data, name, self._endpoint):
            if name == "error" and not chunk.get("error"):
                raise self._endpoint.reported(chunk)
            events += self._chunk(chunk)
        return events

    def flush(self) -> list[ModelEvent]:
        """What was held back until it was clear what it is; for an answer that was cut off."""
        return [*self._text(self._joiner.close()), *self._count_all(self._splitter.close())]

    def finish(self, *, done: bool) -> list[ModelEvent]:
        """The end of the stream; ``done``: the endpoint said ``[DONE]``. Raises ``ModelError``.

        Without a finish reason and without ``[DONE]`` the answer was cut off, however cleanly the
        connection was closed.
        """
        if not self._readable:
            raise self._endpoint.unreadable()
        if self.finish_reason is None and not done:
            raise self._endpoint.cut_off()
        events = self.flush()
        events.extend(self._calls.close())
        reason = self._reason()
        if reason == "stop" and self._request.tools and _CALL_AS_TEXT.search(self._opening):
            log.warning(
                "%s wrote a tool call as text: the server has no tool parser for the model %s",
                self._endpoint,
                self._request.model,
            )
        written = self._answered + self._calls.characters
        usage = counted(self._usage, self._request, answered=written, thought=self._thought)
        events.append(Finished(reason, usage))
        return events

    def _reason(self) -> Reason:
        said = (self.finish_reason or "stop").lower()
        if said in _LENGTH:
            return "length"
        if said in _FILTERED:
            return "content_filter"
        # Presence beats the reason given: servers say "stop" with calls, "tool_calls" without.
        return "tool_calls" if self._calls.count else "stop"

    def _chunk(self, chunk: dict[str, Any]) -> list[ModelEvent]:
        if chunk.get("error") or chunk.get("object") == "error":
            raise self._endpoint.reported(chunk.get("error") or chunk)
        usage = chunk.get("usage")
        if not usage and isinstance(vendor := chunk.get("x_groq"), dict):
            usage = vendor.get("usage")
        if isinstance(usage, dict):
            self._usage = usage
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return []
        self._readable = True
        events: list[ModelEvent] = []
        for choice in choices:
            if isinstance(choice, dict) and not choice.get("index"):
                self._choice(choice, events)
        return events

    def _choice(self, choice: dict[str, Any], events: list[ModelEvent]) -> None:
        if choice.get("error"):
            raise self._endpoint.reported(choice["error"])
        delta = choice.get("delta")
        if not isinstance(delta, dict) or not delta:
            # A whole answer, or a server that closes its stream with the whole message again.
            delta = choice.get("message") if not self.has_content else None
        if isinstance(delta, dict):
            self._delta(delta, events)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason

    def _delta(self, delta: dict[str, Any], events: list[ModelEvent]) -> None:
        thinking = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thinking, str) and thinking:
            events.extend(self._count_all([ReasoningDelta(whole_characters(thinking))]))
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                events.extend(self._text(self._joiner.feed(content)))
        elif isinstance(content, list):
            self._parts(content, events)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._answered += len(refusal)
            events.append(RefusalDelta(whole_characters(refusal)))
        calls = delta.get("tool_calls")
        if calls:
            events.extend(self._calls.feed(calls))

    def _parts(self, parts: list[Any], events: list[ModelEvent]) -> None:
        """Content as a list of parts, thinking among them (Mistral)."""
        for part in parts:
            if not isinstance(part, dict):
                continue
            if isinstance(text := part.get("text"), str):
                events.extend(self._text(self._joiner.feed(text)))
            elif isinstance(thinking := part.get("thinking"), list):
                words = [each.get("text") for each in thinking if isinstance(each, dict)]
                thought = "".join(word for word in words if isinstance(word, str))
                if thought:
                    events.extend(self._count_all([ReasoningDelta(whole_characters(thought))]))

    def _text(self, text: str) -> list[TextDelta | ReasoningDelta]:
        return self._count_all(self._splitter.feed(text)) if text else []

    def _count_all(
        self, events: list[TextDelta | ReasoningDelta]
    ) -> list[TextDelta | ReasoningDelta]:
        for event in events:
            self._answered += len(event.text)
            if isinstance(event, ReasoningDelta):
                self._thought += len(event.text)
            elif len(self._opening) < 200:
                self._opening += event.text[:200]
        return events
