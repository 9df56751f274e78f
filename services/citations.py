"""Where an answer's citations come from: names of files, and the passages that were found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from services.connection.resources import threads_of
from services.connection.speaking import speaking
from services.records import Passage, ServiceError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONTENTS: Final = "step_details.tool_calls[*].file_search.results[*].content"
RUNS_BACK = 20
"""Runs before the citing one that are looked through: an answer may repeat an earlier marker."""
_MARKER = re.compile(r"【(\d{1,9}):(\d{1,9})†")


class Sources:
    """Every method raises ``ServiceError``; names are remembered, passages are not."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client
        self._threads = threads_of(client)
        self._names: dict[str, str] = {}

    def learn(self, file_id: str, name: str) -> None:
        """A name that was told by the way, as the results of a search do."""
        if name:
            self._names[file_id] = name

    def known_name(self, file_id: str) -> str | None:
        """The file's name if it was told already."""
        return self._names.get(file_id)

    async def name(self, file_id: str) -> str:
        """The file's name; its id when the file is gone."""
        if (known := self._names.get(file_id)) is not None:
            return known
        try:
            async with speaking("look up a file's name"):
                found = (await self._client.files.retrieve(file_id)).filename
        except ServiceError as error:
            if error.status != 404:
                raise
            found = ""
        self._names[file_id] = name = found or file_id
        return name

    async def passages(
        self, thread_id: str, run_id: str, file_id: str, marker: str
    ) -> tuple[Passage, ...]:
        """What searches found in the cited file, the passage that ``marker`` means first.

        Looks at the run's own searches, and at those of earlier runs when these did not find the
        file. Empty when no step holds a passage of it any more.
        """
        async with speaking("read the passage"):
            found = await self._passages(thread_id, run_id, file_id, marker)
            if found:
                return found
            listed = await self._threads.runs.list(
                thread_id, after=run_id, order="desc", limit=RUNS_BACK
            )
            for run in listed.data:
                if found := await self._passages(thread_id, run.id, file_id, marker):
                    return found
        return ()

    async def _passages(
        self, thread_id: str, run_id: str, file_id: str, marker: str
    ) -> tuple[Passage, ...]:
        steps = self._threads.runs.steps.list(
            run_id, thread_id=thread_id, order="asc", limit=100, include=[CONTENTS]
        )
        searches: list[Sequence[Any]] = []
        async for step in steps:
            if step.step_details.type == "tool_calls":
                searches += [
                    call.file_search.results or ()
                    for call in step.step_details.tool_calls
                    if call.type == "file_search"
                ]
        return tuple(chosen(searches, file_id, marker))


def chosen(searches: Sequence[Sequence[Any]], file_id: str, marker: str) -> list[Passage]:
    """The passages of one file out of a run's searches, the one that ``marker`` means first.

    A marker ``【i:j†...】`` means result j of some search; which search has the number i is nowhere
    told, so the first one counts whose result j is of this file.
    """
    match = _MARKER.match(marker)
    meant = int(match[2]) if match else -1
    passages: list[Passage] = []
    cited = False
    for results in searches:
        for number, result in enumerate(results):
            if result.file_id != file_id:
                continue
            text = "\n".join(part.text or "" for part in result.content or ())
            if not text.strip():
                continue
            is_meant = number == meant and not cited
            cited = cited or is_meant
            passage = Passage(file_id, result.file_name or "", text, result.score or 0.0, is_meant)
            if passage not in passages:
                passages.append(passage)
    return sorted(passages, key=lambda passage: not passage.cited)
