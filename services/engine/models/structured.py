"""Answers that must match a schema, from endpoints that take a schema and do not keep to it.

OpenAI's own endpoint enforces a strict ``json_schema``; many compatible servers accept it and
answer as they like. Here such an answer is checked, and the model told once what is wrong with it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from services.engine.models.base import (
    CallStarted,
    Finished,
    Model,
    ModelEntry,
    ModelError,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUsage,
    ReasoningDelta,
    RefusalDelta,
    TextContent,
    TextDelta,
)
from services.engine.models.schema_check import SchemaCheck

log = logging.getLogger(__name__)

# Characters of an answer that are held at most: one that never ends must not fill the memory.
MOST_HELD = 1024 * 1024
_FENCE = re.compile(r"\s*```[\w+-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```\s*", re.DOTALL)
_LEAST_TOKENS = 16


class StructuredModel:
    """Passes everything on but the text of an answer that has to match a strict schema.

    What was streamed cannot be taken back, so that text is held until it is whole, and arrives in
    one piece: nobody can read half a JSON value, but nobody sees it grow either, and of a run that
    is cancelled meanwhile nothing is kept. An answer that breaks off, is cut at its token limit, or
    is refused goes on as it is, and so does text beside calls.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"StructuredModel({self._model!r})"

    @property
    def inner(self) -> Model:
        """The model that answers."""
        return self._model

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See ``Model.stream``."""
        schema = _strict_schema(request.response_format)
        if schema is None:
            return self._model.stream(request)
        return self._checked(request, schema)

    async def entries(self) -> Sequence[ModelEntry]:
        """See ``Model.entries``."""
        return await self._model.entries()

    async def aclose(self) -> None:
        await self._model.aclose()

    async def _checked(
        self, request: ModelRequest, schema: Mapping[str, Any]
    ) -> AsyncGenerator[ModelEvent, None]:
        held = _Held()
        finished: Finished | None = None
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        finished = event
                        continue
                    for each in held.take(event):
                        yield each
        except ModelError:
            for each in held.release():
                yield each
            raise
        if finished is None:
            return
        if not held.checkable or finished.reason != "stop":
            for each in held.release():
                yield each
            yield finished
            return
        text, usage = await self._matching(request, schema, held.text, finished.usage)
        if text:
            yield TextDelta(text)
        yield Finished("stop", usage)

    async def _matching(
        self, request: ModelRequest, schema: Mapping[str, Any], text: str, usage: ModelUsage
    ) -> tuple[str, ModelUsage]:
        """The answer to hand on, after one attempt to repair it if need be, and all its tokens."""
        check = SchemaCheck(schema)
        bare = unfenced(text)
        # A large value against a large schema takes its time.
        problem = await asyncio.to_thread(check.problem, bare)
        if problem is None:
            return bare, usage
        left = None if request.max_tokens is None else request.max_tokens - usage.completion_tokens
        if left is not None and left < _LEAST_TOKENS:
            log.info("an answer of %s does not match its schema", request.model)
            return text, usage
        log.info("an answer of %s does not match its schema; asking again", request.model)
        attempt = _Attempt()
        try:
            async with aclosing(
                self._model.stream(_repair(request, text, problem, left))
            ) as events:
                async for event in events:
                    attempt.take(event)
        except ModelError as error:
            log.info("%s could not be asked again: %s", request.model, error.message)
            return text, _sum(usage, attempt.usage)
        usage = _sum(usage, attempt.usage)
        again = unfenced(attempt.text)
        if attempt.whole and await asyncio.to_thread(check.problem, again) is None:
            return again, usage
        log.warning("%s did not answer in the schema asked for, twice", request.model)
        return text, usage


class _Held:
    """The text of one answer, held back as long as it may have to match."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self.checkable = True

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def take(self, event: ModelEvent) -> list[ModelEvent]:
        """What may pass already."""
        if isinstance(event, TextDelta) and self.checkable:
            self._pieces.append(event.text)
            self._size += len(event.text)
            if self._size <= MOST_HELD:
                return []
            self.checkable = False
            return self.release()
        if isinstance(event, RefusalDelta | CallStarted):
            self.checkable = False
            return [*self.release(), event]
        return [event]

    def release(self) -> list[ModelEvent]:
        text, self._pieces = self.text, []
        return [TextDelta(text)] if text else []


@dataclass(slots=True)
class _Attempt:
    """A second answer; ``whole`` if it is text and nothing else, to its end."""

    pieces: list[str] = field(default_factory=list)
    usage: ModelUsage = field(default_factory=ModelUsage)
    whole: bool = False
    _mixed: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def take(self, event: ModelEvent) -> None:
        if isinstance(event, TextDelta):
            self.pieces.append(event.text)
        elif isinstance(event, Finished):
            self.usage = event.usage
            self.whole = event.reason == "stop" and not self._mixed
        elif not isinstance(event, ReasoningDelta):
            self._mixed = True


def unfenced(text: str) -> str:
    """An answer without the Markdown fence around all of it, if it has one."""
    fence = _FENCE.fullmatch(text)
    return fence.group(1) if fence else text


def _strict_schema(wanted: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if wanted is None or wanted.get("type") != "json_schema":
        return None
    described = wanted.get("json_schema")
    if not isinstance(described, Mapping) or described.get("strict") is not True:
        return None
    schema = described.get("schema")
    return schema if isinstance(schema, Mapping) else None


def _repair(request: ModelRequest, text: str, problem: str, left: int | None) -> ModelRequest:
    """The conversation with the answer and what is wrong with it."""
    complaint = (
        f"That answer does not match the JSON schema asked for: {problem}. Answer again, with the "
        "corrected JSON value and nothing else."
    )
    return replace(
        request,
        messages=[
            *request.messages,
            ModelMessage("assistant", (TextContent(text),)),
            ModelMessage("user", (TextContent(complaint),)),
        ],
        tool_choice="none" if request.tools else None,
        max_tokens=left,
    )


def _sum(one: ModelUsage, other: ModelUsage) -> ModelUsage:
    return ModelUsage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.cached_tokens + other.cached_tokens,
        one.reasoning_tokens + other.reasoning_tokens,
        one.estimated or other.estimated,
    )
