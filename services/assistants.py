"""Assistants, over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import reading
from services.connection.resources import assistants_of
from services.connection.speaking import speaking
from services.records import Assistant, AssistantDraft

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class Assistants:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI):
        self._assistants = assistants_of(client)

    async def list(self) -> tuple[Assistant, ...]:
        """All assistants, the newest first."""
        async with speaking("list the assistants"):
            return tuple(
                [reading.assistant(each) async for each in self._assistants.list(limit=100)]
            )

    async def get(self, assistant_id: str) -> Assistant:
        async with speaking("read the assistant"):
            return reading.assistant(await self._assistants.retrieve(assistant_id))

    async def create(self, draft: AssistantDraft) -> Assistant:
        async with speaking("create the assistant"):
            fields = _fields(draft)
            return reading.assistant(await self._assistants.create(**fields))

    async def update(self, assistant_id: str, draft: AssistantDraft) -> Assistant:
        async with speaking("save the assistant"):
            return reading.assistant(await self._assistants.update(assistant_id, **_fields(draft)))

    async def delete(self, assistant_id: str) -> None:
        """Its threads and their messages stay."""
        async with speaking("delete the assistant"):
            await self._assistants.delete(assistant_id)


def _fields(draft: AssistantDraft) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": draft.name,
        "model": draft.model,
        "instructions": draft.instructions,
        "description": draft.description,
        "tools": [reading.tool_object(tool) for tool in draft.tools],
    }
    for name in ("temperature", "top_p"):
        if (value := getattr(draft, name)) is not None:
            fields[name] = value
    return fields
