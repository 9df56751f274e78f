"""Vector stores, over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.connection.speaking import speaking
from services.records import NamedResource

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MOST = 1000
"""Stores that are listed; the newest come first."""


class VectorStores:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client

    async def list(self) -> tuple[NamedResource, ...]:
        """The stores, the newest first, each with how many files it holds."""
        found: list[NamedResource] = []
        async with speaking("list the vector stores"):
            async for each in self._client.vector_stores.list(limit=100):
                count = each.file_counts.total if each.file_counts else 0
                note = f"{count:,} file{'' if count == 1 else 's'}"
                found.append(NamedResource(each.id, each.name or "", note))
                if len(found) == MOST:
                    break
        return tuple(found)
