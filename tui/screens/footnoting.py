"""What belongs to messages besides their text: footnotes, pictures, thoughts.

Names of cited files come from the results of the run's own searches, from what is known of
attached files, and else are asked for; until then the file's id is shown.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from services.records import Citation, ImageFilePart, Message, ServiceError, Thought, ToolStep
from tui.screens import entries
from tui.screens.page import Stage
from tui.transcript.entries import MessageEntry, PictureEntry
from tui.transcript.footnotes import footnotes_of
from tui.transcript.view import Transcript

if TYPE_CHECKING:
    from services.workspace import Workspace

PAUSE = 0.15
"""Seconds between two looks at a thought that grows; nobody reads it faster."""


class Footnoting:
    """Puts messages with all that belongs to them into the transcript."""

    def __init__(
        self,
        workspace: Workspace,
        transcript: Transcript,
        stage: Stage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._transcript = transcript
        self._stage = stage
        self._clock = clock
        self._runs: dict[str, str] = {}
        self._citations: dict[str, list[Citation]] = {}
        self._asked: set[str] = set()
        self._thoughts: dict[str, list[str]] = {}
        self._told = float("-inf")

    def run_of(self, message_id: str) -> str | None:
        """The run that wrote a message."""
        return self._runs.get(message_id)

    def name(self, file_id: str) -> str | None:
        """A file's name, if it is known."""
        return self._workspace.sources.known_name(file_id) or self._workspace.files.names.get(
            file_id
        )

    # Stored

    def read(self, items: Iterable[Message | ToolStep | Thought]) -> None:
        """Take note of what was read of a thread, before its entries are made."""
        for item in items:
            if isinstance(item, ToolStep):
                self.learn(item)
            elif isinstance(item, Message):
                self._note(item)

    def learn(self, step: ToolStep) -> None:
        """The names of files that a search tells with what it found."""
        self._ask({file_id for call in step.calls for file_id in call.images})
        for call in step.calls:
            for found in call.found or ():
                self._workspace.sources.learn(found.file_id, found.file_name)

    def put(self, message: Message, author: str) -> None:
        """A message as it is stored now, with its pictures."""
        self._note(message)
        self._citations.pop(message.id, None)
        for entry in entries.message_entries(message, author, self.name):
            self._transcript.put(entry)

    def _note(self, message: Message) -> None:
        if message.run_id is not None:
            self._runs[message.id] = message.run_id
        images = {part.file_id for part in message.parts if isinstance(part, ImageFilePart)}
        self._ask({citation.file_id for citation in message.citations} | images)

    # Streamed

    def cite(self, message_id: str, citations: Iterable[Citation]) -> None:
        """Citations of a message that is being written."""
        found = self._citations.setdefault(message_id, [])
        found += citations
        entry = self._transcript.entry(message_id)
        if isinstance(entry, MessageEntry):
            self._transcript.put(replace(entry, footnotes=footnotes_of(found, self.name)))
        self._ask({citation.file_id for citation in found})

    def think(self, thought_id: str, text: str) -> None:
        """More of a thought."""
        pieces = self._thoughts.setdefault(thought_id, [])
        pieces.append(text)
        if len(pieces) == 1 or self._clock() - self._told >= PAUSE:
            self._told = self._clock()
            pieces[:] = ["".join(pieces)]
            self._transcript.put(entries.thinking_entry(thought_id, pieces[0]))

    def thought(self, thought: Thought) -> None:
        """A thought is complete."""
        self._thoughts.pop(thought.id, None)
        self._transcript.put(entries.thought_entry(thought))

    # Names that nobody told

    def _ask(self, file_ids: set[str]) -> None:
        unknown = {each for each in file_ids if self.name(each) is None} - self._asked
        if unknown:
            self._asked |= unknown
            self._stage.spawn(partial(self._look_up, sorted(unknown)), f"names/{min(unknown)}")

    async def _look_up(self, file_ids: list[str]) -> None:
        for file_id in file_ids:
            with contextlib.suppress(ServiceError):  # the id goes on being shown
                await self._workspace.sources.name(file_id)
        looked_up = set(file_ids)
        for key in self._transcript.keys:
            entry = self._transcript.entry(key)
            if isinstance(entry, PictureEntry) and entry.file_id in looked_up:
                title = self.name(entry.file_id) or entry.file_id
                self._transcript.put(replace(entry, title=title))
            elif isinstance(entry, MessageEntry) and any(
                each.file_id in looked_up for each in entry.footnotes
            ):
                named = (
                    replace(each, label=self.name(each.file_id) or each.file_id)
                    for each in entry.footnotes
                )
                self._transcript.put(replace(entry, footnotes=tuple(named)))
