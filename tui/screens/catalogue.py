"""The assistants of the app: what their list shows and what it allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.records import Assistant, AssistantDraft, ImportReport, ServiceError
from tui.widgets.assistant_list import AssistantList

if TYPE_CHECKING:
    from services.workspace import Workspace


class Observer(Protocol):
    """Who has to know what happened to what the lists show."""

    def assistants_changed(self) -> None:
        """There are other assistants, or another one answers next."""


class Catalogue:
    """Assistants, and which of them answers next."""

    def __init__(
        self,
        workspace: Workspace,
        assistant_list: AssistantList,
        observer: Observer,
    ) -> None:
        self.assistants: tuple[Assistant, ...] = ()
        self._chosen: str | None = None
        self._deleted: list[Assistant] = []
        self._workspace = workspace
        self._assistant_list = assistant_list
        self._observer = observer

    # Reading

    async def load(self) -> None:
        """Read the assistants. Raises ServiceError."""
        await self._load_assistants(None)

    async def _load_assistants(self, chosen: str | None) -> None:
        self.assistants = await self._workspace.assistants.list()
        if chosen is not None:
            self._chosen = chosen
        self.paint_assistants()

    def paint_assistants(self) -> None:
        answering = self.answering
        self._assistant_list.show_assistants(self.assistants, answering.id if answering else None)
        self._observer.assistants_changed()

    # Looking up

    @property
    def answering(self) -> Assistant | None:
        """The assistant that answers the next message: the chosen one, else the first."""
        return self.assistant(self._chosen) or (self.assistants[0] if self.assistants else None)

    def assistant(self, id: str | None) -> Assistant | None:
        return next((one for one in self.assistants if one.id == id), None)

    @property
    def names(self) -> dict[str, str]:
        """Assistants' names by id, as they came."""
        return {one.id: one.name or one.model for one in self.assistants}

    # Changing

    def choose(self, id: str | None) -> None:
        """This assistant answers next; unknown ids change nothing."""
        if self.assistant(id) is not None:
            self._chosen = id
            self.paint_assistants()

    def suggest(self, id: str | None) -> None:
        """This assistant answers next unless one was chosen before."""
        if self._chosen is None:
            self.choose(id)

    async def ensure_assistant(self) -> Assistant:
        """The answering assistant; the very first message makes one with the default model.

        Raises:
            ServiceError: it could not be made.
        """
        if (answering := self.answering) is not None:
            return answering
        made = await self._workspace.assistants.create(
            AssistantDraft(name="Assistant", model=self._workspace.connection.default_model)
        )
        await self._load_assistants(made.id)
        return made

    async def save(self, assistant: Assistant | None, draft: AssistantDraft) -> Assistant:
        """Make an assistant, or change ``assistant``. Raises ServiceError."""
        if assistant is None:
            saved = await self._workspace.assistants.create(draft)
        else:
            saved = await self._workspace.assistants.update(assistant.id, draft, assistant)
        await self._load_assistants(saved.id)
        return saved

    async def duplicate(self, assistant: Assistant) -> Assistant:
        """Make another one like it, and highlight it. Raises ServiceError."""
        made = await self._workspace.assistants.duplicate(assistant.id)
        await self._load_assistants(None)
        self._assistant_list.move_cursor_to(made.id)
        return made

    async def bring_in(self, path: Path) -> ImportReport:
        """Make the assistants of a file, and highlight the first. Raises ServiceError."""
        report = await self._workspace.assistant_files.bring_in(path)
        await self._load_assistants(None)
        for made in report.made[:1]:
            self._assistant_list.move_cursor_to(made.id)
        return report

    # Deleting

    @property
    def deleted(self) -> Assistant | None:
        """The assistant deleted last, while it can be brought back."""
        return self._deleted[-1] if self._deleted else None

    def delete(self, assistant: Assistant, failed: Callable[[ServiceError], None]) -> None:
        """Take the assistant out of the list; the server is told a while later.

        ``failed`` hears of it when the server refuses.
        """
        self._workspace.assistants.delete_later(assistant.id, failed)
        self._deleted.append(assistant)
        self.assistants = tuple(one for one in self.assistants if one.id != assistant.id)
        self.paint_assistants()

    async def undelete(self) -> Assistant | None:
        """Bring back the assistant deleted last, None when it is too late. Raises ServiceError."""
        while self._deleted:
            assistant = self._deleted.pop()
            if self._workspace.assistants.undelete(assistant.id):
                await self._load_assistants(None)
                self._assistant_list.move_cursor_to(assistant.id)
                return assistant
        return None
