"""Assistants, over the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from services import reading
from services.connection.resources import assistants_of
from services.connection.speaking import speaking
from services.records import Assistant, AssistantDraft, ServiceError, Tool

if TYPE_CHECKING:
    from openai import AsyncOpenAI

UNDO_SECONDS = 20.0
"""How long a deleted assistant can be brought back."""
COPY = " (copy)"
_NAME = 256
_READ_ONLY = frozenset({"id", "object", "created_at"})
_SAMPLING = 1.0
"""The wire's own temperature and top_p: what a cleared field goes back to, as it takes no null."""


class Assistants:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client
        self._assistants = assistants_of(client)
        self._going: dict[str, asyncio.Task[None]] = {}
        self._asked: set[str] = set()
        """Assistants the server was told to delete: nothing brings these back."""

    async def list(self) -> tuple[Assistant, ...]:
        """All assistants, the newest first, without those on their way out."""
        async with speaking("list the assistants"):
            found = [reading.assistant(each) async for each in self._assistants.list(limit=100)]
        return tuple(each for each in found if each.id not in self._going)

    async def get(self, assistant_id: str) -> Assistant:
        async with speaking("read the assistant"):
            return reading.assistant(await self._assistants.retrieve(assistant_id))

    async def create(self, draft: AssistantDraft) -> Assistant:
        async with speaking("create the assistant"):
            fields = _fields(draft)
            return reading.assistant(await self._assistants.create(**fields))

    async def update(
        self, assistant_id: str, draft: AssistantDraft, before: Assistant | None = None
    ) -> Assistant:
        """Saves the draft; of an assistant as it was read ``before``, only what is different.

        So fields that this app does not know, or that another program changed, stay as they are.
        """
        async with speaking("save the assistant"):
            fields = _fields(draft) if before is None else _changes(before, draft)
            if not fields:
                return reading.assistant(await self._assistants.retrieve(assistant_id))
            return reading.assistant(await self._assistants.update(assistant_id, **fields))

    # --- whole objects ------------------------------------------------------------------------

    async def whole(self, assistant_id: str) -> dict[str, Any]:
        """The assistant's JSON as the server has it, with fields this app does not know."""
        async with speaking("read the assistant"):
            path = f"/assistants/{quote(assistant_id, safe='')}"
            return cast("dict[str, Any]", await self._client.get(path, cast_to=object))

    async def all_whole(self) -> Sequence[dict[str, Any]]:
        """The JSON of every assistant, the newest first."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 100}
        async with speaking("read the assistants"):
            while True:
                answer = await self._client.get(
                    "/assistants", cast_to=object, options={"params": query}
                )
                page = cast("dict[str, Any]", answer)
                found += page["data"]
                if not page.get("has_more") or not page.get("last_id"):
                    return [each for each in found if each["id"] not in self._going]
                query = {**query, "after": page["last_id"]}

    async def create_whole(self, fields: Mapping[str, Any]) -> Assistant:
        """An assistant of these fields of the wire."""
        from openai.types.beta import Assistant as WireAssistant

        async with speaking("create the assistant"):
            made = await self._client.post("/assistants", cast_to=WireAssistant, body=dict(fields))
            return reading.assistant(made)

    async def duplicate(self, assistant_id: str) -> Assistant:
        """Another one with the same fields, all of them, under a name that tells it apart."""
        read = await self.whole(assistant_id)
        fields = {name: value for name, value in read.items() if name not in _READ_ONLY}
        fields = {name: value for name, value in fields.items() if value is not None}
        name = str(fields.get("name") or fields.get("model") or "Assistant")
        fields["name"] = name[: _NAME - len(COPY)] + COPY
        return await self.create_whole(fields)

    # --- deleting -----------------------------------------------------------------------------

    async def delete(self, assistant_id: str) -> None:
        """Its threads and their messages stay."""
        async with speaking("delete the assistant"):
            await self._assistants.delete(assistant_id)

    def delete_later(
        self,
        assistant_id: str,
        failed: Callable[[ServiceError], None],
        seconds: float = UNDO_SECONDS,
    ) -> None:
        """Takes the assistant out of the list now and deletes it after ``seconds``, or at the end.

        Until then ``undelete`` brings it back as it was. A program that is killed meanwhile has
        deleted nothing. ``failed`` is told when the server refuses; then it is in the list again.
        """
        if assistant_id not in self._going:
            work = self._delete_after(assistant_id, seconds, failed)
            self._going[assistant_id] = asyncio.create_task(work, name=f"delete {assistant_id}")

    def undelete(self, assistant_id: str) -> bool:
        """Whether it could still be brought back."""
        if assistant_id in self._asked or assistant_id not in self._going:
            return False
        return self._going.pop(assistant_id).cancel()

    async def close(self) -> None:
        """Deletes at once what was to be deleted later."""
        going, self._going = self._going, {}
        for assistant_id, task in going.items():
            if task.done():
                continue
            task.cancel()
            with suppress(ServiceError):  # nobody is there any more to be told: it stays
                await self.delete(assistant_id)

    async def _delete_after(
        self, assistant_id: str, seconds: float, failed: Callable[[ServiceError], None]
    ) -> None:
        await asyncio.sleep(seconds)
        self._asked.add(assistant_id)
        try:
            await self.delete(assistant_id)
        except ServiceError as error:
            self._asked.discard(assistant_id)
            self._going.pop(assistant_id, None)
            failed(error)


def _fields(draft: AssistantDraft) -> dict[str, Any]:
    """What makes an assistant; what is not set is left to the server."""
    fields: dict[str, Any] = {
        "name": draft.name,
        "model": draft.model,
        "instructions": draft.instructions,
        "description": draft.description,
        "tools": [reading.tool_object(tool) for tool in draft.tools],
    }
    for name in ("temperature", "top_p", "reasoning_effort"):
        if (value := getattr(draft, name)) is not None:
            fields[name] = value
    if draft.response_format != "auto":
        fields["response_format"] = draft.response_format
    if draft.metadata:
        fields["metadata"] = dict(draft.metadata)
    resources: dict[str, Any] = {}
    if draft.vector_store_ids:
        resources["file_search"] = {"vector_store_ids": [*draft.vector_store_ids]}
    if draft.file_ids:
        resources["code_interpreter"] = {"file_ids": [*draft.file_ids]}
    if resources:
        fields["tool_resources"] = resources
    return fields


def _changes(before: Assistant, draft: AssistantDraft) -> dict[str, Any]:
    """The fields of an update in which the draft differs from what was read."""
    fields: dict[str, Any] = {}
    for name in ("name", "model", "instructions", "description", "response_format"):
        if getattr(draft, name) != getattr(before, name):
            fields[name] = getattr(draft, name)
    for name in ("temperature", "top_p"):
        value = getattr(draft, name)
        if value != getattr(before, name):
            fields[name] = _SAMPLING if value is None else value
    if draft.reasoning_effort != before.reasoning_effort:
        fields["reasoning_effort"] = draft.reasoning_effort
    if _unordered(draft.tools) != _unordered(before.tools):
        fields["tools"] = [reading.tool_object(tool) for tool in draft.tools]
    resources: dict[str, Any] = {}
    if draft.vector_store_ids != before.vector_store_ids:
        resources["file_search"] = {"vector_store_ids": [*draft.vector_store_ids]}
    if draft.file_ids != before.file_ids:
        resources["code_interpreter"] = {"file_ids": [*draft.file_ids]}
    if resources:
        fields["tool_resources"] = resources
    # The server merges: a pair cannot be taken out, only emptied.
    there = {name: value for name, value in before.metadata.items() if value}
    if dict(draft.metadata) != there:
        fields["metadata"] = {
            **dict.fromkeys(there.keys() - draft.metadata.keys(), ""),
            **draft.metadata,
        }
    return fields


def _unordered(tools: Sequence[Tool]) -> list[str]:
    return sorted(json.dumps(reading.tool_object(tool), sort_keys=True) for tool in tools)
