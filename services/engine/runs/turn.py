"""One call of the model, written down and announced as it comes.

Text becomes a message (with its message_creation step), calls become one tool_calls step. Store,
then announce: an event leaves only after what it tells is committed; the text of a delta is the one
exception, and is saved every quarter of a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from services.engine.ids import new_id
from services.engine.models.base import (
    CallArguments,
    CallStarted,
    ModelEvent,
    ModelUsage,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from services.engine.runs.citations import CitationScanner, annotation
from services.engine.runs.ending import InFlight
from services.engine.runs.feed import Feed
from services.engine.runs.joining import Joiner
from services.engine.runs.open_message import OpenMessage
from services.engine.runs.saving import Saver
from services.engine.runs.usage import usage_object
from services.engine.store import messages, steps
from services.engine.store.database import Database
from services.engine.tools.toolbox import Toolbox

# Characters of thinking that are kept of one call.
MOST_THOUGHT = 200_000
# Pieces of one delta until others get their turn.
YIELD_AFTER = 200


class Turn:
    """Takes the events of one model call in order; ``close`` when no more come."""

    def __init__(
        self,
        database: Database,
        run: Mapping[str, Any],
        feed: Feed,
        toolbox: Toolbox,
        citations: Mapping[str, str],
    ):
        self._database = database
        self._run = run
        self._feed = feed
        self._toolbox = toolbox
        self._scanner = CitationScanner(citations) if citations else None
        self._message: OpenMessage | None = None
        self._step_id: str | None = None
        self.calls: list[dict[str, Any]] = []
        self._thought: list[str] = []
        self._thought_characters = 0
        self._names: list[str] = []
        self._arguments: list[list[str]] = []
        self._joiner: Joiner | None = None
        self._joined: tuple[str, int] | None = None
        self.characters = 0

    async def take(self, event: ModelEvent) -> None:
        match event:
            case TextDelta(text):
                await self._answer(text)
            case RefusalDelta(text):
                await self._text("refusal", text)
            case CallStarted(index, call_id, name):
                await self._start_call(index, call_id, name)
            case CallArguments(index, fragment):
                self._arguments[index].append(fragment)
                self.characters += len(fragment)
                if self.calls[index]["type"] == "function":
                    self._join("arguments", index).add(fragment)
            case ReasoningDelta(text):
                self._think(text)
            case _:
                pass

    async def ensure_message(self) -> None:
        """An answer of nothing is still a message: clients read the newest one's first part."""
        if self._message is None and not self.calls:
            message = await self._open_message()
            self._announce_text("text", message.part("text"), "")
            await self.close()

    async def close(self) -> None:
        """Says what was held back and stops saving; nothing is ended in the store."""
        await self._release()
        self._flush()
        if self._message is not None:
            await self._message.saver.stop()
        await self._keep_thought()

    def in_flight(self, turn_usage: ModelUsage | None, run_usage: ModelUsage | None) -> InFlight:
        message = self._message
        return InFlight(
            contents={message.id: message.content()} if message else {},
            step_details={self._step_id: self.step_details()} if self._step_id else {},
            turn_usage=turn_usage,
            run_usage=run_usage,
        )

    @property
    def begun(self) -> bool:
        """Whether anything of this turn was told already."""
        return self.characters > 0 or bool(self.calls)

    @property
    def run_id(self) -> str:
        return str(self._run["id"])

    @property
    def step_id(self) -> str | None:
        return self._step_id

    def step_details(self) -> dict[str, Any]:
        return {
            "type": "tool_calls",
            "tool_calls": [
                _as_told(call, "".join(pieces))
                for call, pieces in zip(self.calls, self._arguments, strict=True)
            ],
        }

    def made(self) -> list[tuple[str, str]]:
        """The calls as the model made them: name and arguments."""
        arguments = ("".join(pieces) for pieces in self._arguments)
        return list(zip(self._names, arguments, strict=True))

    def announce_call(self, index: int, part: Mapping[str, Any]) -> None:
        """Announces more of a call; ``part`` is what its type's object says."""
        kind = self.calls[index]["type"]
        self._announce({"index": index, "type": kind, kind: dict(part)})

    # --- thinking -----------------------------------------------------------------------------

    def _think(self, text: str) -> None:
        """No part of the answer: told to those who asked for it, and kept with the step."""
        room = MOST_THOUGHT - self._thought_characters
        if room > 0:
            self._thought.append(text[:room])
            self._thought_characters += len(text)
        if self._feed.included.reasoning:
            self._join("thought", 0).add(text)

    def _announce_thought(self, text: str) -> None:
        self._feed.publish(
            "thread.understudy.reasoning.delta",
            {
                "id": self.run_id,
                "object": "thread.understudy.reasoning.delta",
                "delta": {"text": text},
            },
        )

    async def _keep_thought(self) -> None:
        step_id = self._step_id or (self._message.step_id if self._message else None)
        if self._thought and step_id is not None:
            thought = "".join(self._thought)
            self._thought = []
            async with self._database.write(durable=False) as connection:
                await steps.change(connection, step_id, {"reasoning": thought})

    # --- text ---------------------------------------------------------------------------------

    async def _answer(self, text: str) -> None:
        """Text of the answer, with the citations in it."""
        if self._scanner is None:
            await self._text("text", text)
            return
        for number, (piece, file_id) in enumerate(self._scanner.feed(text), start=1):
            await (self._text("text", piece) if file_id is None else self._cite(piece, file_id))
            if number % YIELD_AFTER == 0:
                await asyncio.sleep(0)

    async def _release(self) -> None:
        """No more text comes: what looked like the beginning of a marker was none."""
        if self._scanner is not None:
            for piece, _ in self._scanner.close():
                await self._text("text", piece)

    async def _cite(self, marker: str, file_id: str) -> None:
        message = self._message or await self._open_message()
        index = message.part("text")
        self._flush()
        made = annotation(marker, file_id, message.lengths[index])
        message.add(index, marker)
        message.annotations.append(made)
        self.characters += len(marker)
        number = len(message.annotations) - 1
        cited = {"index": number, **made, "file_citation": {"file_id": file_id, "quote": ""}}
        message.announced.add(index)
        text = {"value": marker, "annotations": [cited]}
        self._announce_part(message.id, index, {"type": "text", "text": text})
        message.saver.mark()

    async def _text(self, kind: str, text: str) -> None:
        if not text:
            return
        message = self._message or await self._open_message()
        index = message.part(kind)
        message.add(index, text)
        self.characters += len(text)
        self._join(kind, index).add(text)
        message.saver.mark()

    async def _open_message(self) -> OpenMessage:
        now = int(time.time())
        message_id, step_id = new_id("msg"), new_id("step")
        async with self._database.write(durable=False) as connection:
            stored_message = await messages.add(
                connection,
                {
                    "id": message_id,
                    "thread_id": self._run["thread_id"],
                    "created_at": now,
                    "role": "assistant",
                    "status": "in_progress",
                    "content": [],
                    "assistant_id": self._run["assistant_id"],
                    "run_id": self._run["id"],
                    "attachments": [],
                    "metadata": {},
                },
            )
            details = {
                "type": "message_creation",
                "message_creation": {"message_id": message_id},
            }
            stored_step = await self._add_step(connection, step_id, "message_creation", details)
        for event in ("thread.run.step.created", "thread.run.step.in_progress"):
            self._feed.publish(event, stored_step)
        for event in ("thread.message.created", "thread.message.in_progress"):
            self._feed.publish(event, stored_message)
        self._message = OpenMessage(message_id, step_id)
        self._message.saver = Saver(self._save_text)
        return self._message

    async def _save_text(self) -> None:
        message = self._message
        if message is not None:
            async with self._database.write(durable=False) as connection:
                await messages.change(connection, message.id, {"content": message.content()})

    async def _end_message(self) -> None:
        """The text is over because calls follow; the whole turn's tokens count for their step."""
        message = self._message
        if message is None:
            return
        await message.saver.stop()
        self._message = None
        now = int(time.time())
        ended = {"status": "completed", "completed_at": now}
        async with self._database.write(durable=False) as connection:
            stored_message = await messages.change(
                connection, message.id, {**ended, "content": message.content()}
            )
            stored_step = await steps.change(
                connection, message.step_id, {**ended, "usage": usage_object(ModelUsage())}
            )
        if stored_message is not None:
            self._feed.publish("thread.message.completed", stored_message)
        if stored_step is not None:
            self._feed.publish("thread.run.step.completed", stored_step)

    # --- calls --------------------------------------------------------------------------------

    async def _start_call(self, index: int, call_id: str, name: str) -> None:
        await self._release()
        self._flush()
        await self._end_message()
        if self._step_id is None:
            step_id = new_id("step")
            async with self._database.write(durable=False) as connection:
                stored = await self._add_step(
                    connection, step_id, "tool_calls", {"type": "tool_calls", "tool_calls": []}
                )
            self._step_id = step_id
            self._feed.publish("thread.run.step.created", stored)
            self._feed.publish("thread.run.step.in_progress", stored)
        tool = self._toolbox.built_in(name)
        if tool is None:
            opening: Mapping[str, Any] = {"name": name, "arguments": "", "output": None}
        else:
            opening = tool.opening
        kind = "function" if tool is None else tool.kind
        call = {"id": call_id, "type": kind, kind: dict(opening)}
        self.calls.append(call)
        self._names.append(name)
        self._arguments.append([])
        self._announce({"index": index, **call})

    async def _add_step(
        self, connection: Any, step_id: str, kind: str, details: dict[str, Any]
    ) -> dict[str, Any]:
        return await steps.add(
            connection,
            {
                "id": step_id,
                "run_id": self._run["id"],
                "thread_id": self._run["thread_id"],
                "assistant_id": self._run["assistant_id"],
                "created_at": int(time.time()),
                "type": kind,
                "status": "in_progress",
                "expires_at": self._run["expires_at"],
                "step_details": details,
            },
        )

    # --- deltas -------------------------------------------------------------------------------

    def _join(self, kind: str, index: int) -> Joiner:
        """The joiner of this part; what another part still held leaves first."""
        if self._joined != (kind, index) or self._joiner is None:
            self._flush()
            self._joined = (kind, index)
            if kind == "thought":
                self._joiner = Joiner(self._announce_thought)
            elif kind == "arguments":
                self._joiner = Joiner(lambda text: self._announce_arguments(index, text))
            else:
                self._joiner = Joiner(lambda text: self._announce_text(kind, index, text))
        return self._joiner

    def _flush(self) -> None:
        if self._joiner is not None:
            self._joiner.flush()

    def _announce_text(self, kind: str, index: int, text: str) -> None:
        message = self._message
        if message is None:
            return
        if kind == "text":
            value: dict[str, Any] = {"value": text}
            if index not in message.announced:
                value["annotations"] = []
            part = {"type": "text", "text": value}
        else:
            part = {"type": "refusal", "refusal": text}
        message.announced.add(index)
        self._announce_part(message.id, index, part)

    def _announce_part(self, message_id: str, index: int, part: Mapping[str, Any]) -> None:
        content = [{"index": index, **part}]
        self._feed.publish(
            "thread.message.delta",
            {"id": message_id, "object": "thread.message.delta", "delta": {"content": content}},
        )

    def _announce_arguments(self, index: int, fragment: str) -> None:
        self.announce_call(index, {"arguments": fragment})

    def _announce(self, call: Mapping[str, Any]) -> None:
        self._feed.publish(
            "thread.run.step.delta",
            {
                "id": self._step_id,
                "object": "thread.run.step.delta",
                "delta": {"step_details": {"type": "tool_calls", "tool_calls": [call]}},
            },
        )


def _as_told(call: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    """A call with what the wire tells of its arguments: those of a function."""
    if call["type"] != "function":
        return dict(call)
    return {**call, "function": {**call["function"], "arguments": arguments}}
