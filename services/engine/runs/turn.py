"""One call of the model, written down and announced as it comes.

Text becomes a message (with its message_creation step), calls become one tool_calls step. Store,
then announce: an event leaves only after what it tells is committed; the text of a delta is the one
exception, and is saved every quarter of a second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from services.engine.ids import new_id
from services.engine.models.base import (
    CallArguments,
    CallStarted,
    ModelEvent,
    ModelUsage,
    RefusalDelta,
    TextDelta,
)
from services.engine.runs.ending import InFlight
from services.engine.runs.feed import Feed
from services.engine.runs.joining import Joiner
from services.engine.runs.saving import Saver
from services.engine.runs.usage import usage_object
from services.engine.store import messages, steps
from services.engine.store.database import Database


class Turn:
    """Takes the events of one model call in order; ``close`` when no more come."""

    def __init__(self, database: Database, run: Mapping[str, Any], feed: Feed):
        self._database = database
        self._run = run
        self._feed = feed
        self._message: _OpenMessage | None = None
        self._step_id: str | None = None
        self.calls: list[dict[str, Any]] = []
        self._arguments: list[list[str]] = []
        self._joiner: Joiner | None = None
        self._joined: tuple[str, int] | None = None
        self.characters = 0

    async def take(self, event: ModelEvent) -> None:
        match event:
            case TextDelta(text):
                await self._text("text", text)
            case RefusalDelta(text):
                await self._text("refusal", text)
            case CallStarted(index, call_id, name):
                await self._start_call(index, call_id, name)
            case CallArguments(index, fragment):
                self._arguments[index].append(fragment)
                self.characters += len(fragment)
                self._join("arguments", index).add(fragment)
            case _:
                pass  # reasoning is no part of the answer

    async def ensure_message(self) -> None:
        """An answer of nothing is still a message: clients read the newest one's first part."""
        if self._message is None and not self.calls:
            message = await self._open_message()
            self._announce_text("text", message.part("text"), "")
            await self.close()

    async def close(self) -> None:
        """Says what was held back and stops saving; nothing is ended in the store."""
        if self._joiner is not None:
            self._joiner.flush()
        if self._message is not None:
            await self._message.saver.stop()

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
    def step_id(self) -> str | None:
        return self._step_id

    def step_details(self) -> dict[str, Any]:
        return {
            "type": "tool_calls",
            "tool_calls": [
                {**call, "function": {**call["function"], "arguments": "".join(pieces)}}
                for call, pieces in zip(self.calls, self._arguments, strict=True)
            ],
        }

    # --- text ---------------------------------------------------------------------------------

    async def _text(self, kind: str, text: str) -> None:
        if not text:
            return
        message = self._message or await self._open_message()
        index = message.part(kind)
        message.pieces[index].append(text)
        self.characters += len(text)
        self._join(kind, index).add(text)
        message.saver.mark()

    async def _open_message(self) -> _OpenMessage:
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
        self._message = _OpenMessage(message_id, step_id)
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
        call = {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": "", "output": None},
        }
        self.calls.append(call)
        self._arguments.append([])
        self._announce_call({"index": index, **call})

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
                "step_details": details,
            },
        )

    # --- deltas -------------------------------------------------------------------------------

    def _join(self, kind: str, index: int) -> Joiner:
        """The joiner of this part; what another part still held leaves first."""
        if self._joined != (kind, index) or self._joiner is None:
            self._flush()
            self._joined = (kind, index)
            if kind == "arguments":
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
            part = {"index": index, "type": "text", "text": value}
        else:
            part = {"index": index, "type": "refusal", "refusal": text}
        message.announced.add(index)
        self._feed.publish(
            "thread.message.delta",
            {"id": message.id, "object": "thread.message.delta", "delta": {"content": [part]}},
        )

    def _announce_arguments(self, index: int, fragment: str) -> None:
        self._announce_call(
            {"index": index, "type": "function", "function": {"arguments": fragment}}
        )

    def _announce_call(self, call: dict[str, Any]) -> None:
        self._feed.publish(
            "thread.run.step.delta",
            {
                "id": self._step_id,
                "object": "thread.run.step.delta",
                "delta": {"step_details": {"type": "tool_calls", "tool_calls": [call]}},
            },
        )


class _OpenMessage:
    """A message being written: its parts as pieces, so that adding to one costs nothing."""

    saver: Saver

    def __init__(self, message_id: str, step_id: str):
        self.id = message_id
        self.step_id = step_id
        self.kinds: list[str] = []
        self.pieces: list[list[str]] = []
        self.announced: set[int] = set()

    def part(self, kind: str) -> int:
        """The index of the part of that kind, new at the end if there is none."""
        if kind not in self.kinds:
            self.kinds.append(kind)
            self.pieces.append([])
        return self.kinds.index(kind)

    def content(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for kind, pieces in zip(self.kinds, self.pieces, strict=True):
            text = "".join(pieces)
            if kind == "text":
                parts.append({"type": "text", "text": {"value": text, "annotations": []}})
            else:
                parts.append({"type": "refusal", "refusal": text})
        return parts
