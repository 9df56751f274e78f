"""The assistants and threads of the app: what the two lists show and what they allow."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from textual.app import App
from textual.content import Content

from services.records import Assistant, AssistantDraft, RunStatus, Thread
from tui.text import content
from tui.widgets.assistant_list import AssistantList, assistant_name
from tui.widgets.thread_list import ThreadList, thread_title

if TYPE_CHECKING:
    from services.workspace import Workspace


class Observer(Protocol):
    """Who has to know what happened to what the lists show."""

    def thread_renamed(self, thread: Thread) -> None:
        """The thread has another title."""

    def thread_deleted(self, thread_id: str) -> None:
        """The thread is gone."""

    def assistants_changed(self) -> None:
        """There are other assistants, or another one answers next."""


class Catalogue:
    """Assistants, threads, and which assistant answers next."""

    def __init__(
        self,
        app: App[object],
        workspace: Workspace,
        assistant_list: AssistantList,
        thread_list: ThreadList,
        observer: Observer,
    ) -> None:
        self.assistants: tuple[Assistant, ...] = ()
        self.threads: tuple[Thread, ...] = ()
        self.query = ""
        """Text the threads' titles are filtered by."""
        self.shown: str | None = None
        """Id of the thread on the screen."""
        self._chosen: str | None = None
        self._app = app
        self._workspace = workspace
        self._assistant_list = assistant_list
        self._thread_list = thread_list
        self._observer = observer

    # Reading

    async def load(self) -> None:
        """Read both lists. Raises ServiceError."""
        self.assistants, self.threads = await asyncio.gather(
            self._workspace.assistants.list(), self._workspace.threads.list()
        )
        if self._chosen is None and self.threads:
            self.choose(self.threads[0].assistant_id)
        self.paint_assistants()
        self.paint_threads()

    async def load_threads(self) -> None:
        """Read the threads again. Raises ServiceError."""
        self.threads = await self._workspace.threads.list()
        self.paint_threads()
        if (thread := self.thread(self.shown)) is not None:
            self._observer.thread_renamed(thread)

    async def _load_assistants(self, chosen: str | None) -> None:
        self.assistants = await self._workspace.assistants.list()
        if chosen is not None:
            self._chosen = chosen
        self.paint_assistants()

    def paint_assistants(self) -> None:
        answering = self.answering
        self._assistant_list.show_assistants(self.assistants, answering.id if answering else None)
        self._observer.assistants_changed()

    def paint_threads(self) -> None:
        self._thread_list.show_threads(
            self.threads, shown=self.shown, now=time.time(), query=self.query
        )
        if self.shown is not None and not self._thread_list.has_focus:
            self._thread_list.move_cursor_to(self.shown)

    # Looking up

    @property
    def answering(self) -> Assistant | None:
        """The assistant that answers the next message: the chosen one, else the first."""
        return self.assistant(self._chosen) or (self.assistants[0] if self.assistants else None)

    def assistant(self, id: str | None) -> Assistant | None:
        return next((one for one in self.assistants if one.id == id), None)

    def thread(self, id: str | None) -> Thread | None:
        return next((one for one in self.threads if one.id == id), None)

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

    def set_status(self, thread_id: str, status: RunStatus | None) -> None:
        """A run changed; the list shows it at once, without reading anything."""
        if (thread := self.thread(thread_id)) is None or thread.run_status == status:
            return
        self._replace(replace(thread, run_status=status))

    def show_thread(self, thread_id: str | None) -> None:
        """Mark the thread that is on the screen."""
        self.shown = thread_id
        self.paint_threads()

    def filter(self, query: str) -> None:
        self.query = query
        self.paint_threads()

    def _replace(self, thread: Thread) -> None:
        self.threads = tuple(thread if one.id == thread.id else one for one in self.threads)
        self.paint_threads()

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
            saved = await self._workspace.assistants.update(assistant.id, draft)
        await self._load_assistants(saved.id)
        return saved

    async def delete_assistant(self, assistant: Assistant) -> None:
        """Delete after a question. Raises ServiceError."""
        from tui.screens.dialogs import ConfirmScreen

        question = Content.assemble(
            "Delete the assistant ",
            content(assistant_name(assistant), "bold"),
            "?\n\nIts instructions and settings go. Your conversations with it stay.",
        )
        ask = ConfirmScreen("Delete assistant", question, yes="Delete")
        if await self._app.push_screen_wait(ask):
            await self._workspace.assistants.delete(assistant.id)
            await self._load_assistants(None)

    async def rename_thread(self, thread: Thread) -> None:
        """Ask for another title. Raises ServiceError."""
        from tui.screens.dialogs import LineScreen

        title = await self._app.push_screen_wait(
            LineScreen("Rename thread", thread.title, hint="Enter renames, Esc leaves it")
        )
        if title and title != thread.title:
            renamed = await self._workspace.threads.rename(thread.id, title)
            self._replace(renamed)
            self._observer.thread_renamed(renamed)

    async def delete_thread(self, thread: Thread) -> None:
        """Delete after a question. Raises ServiceError."""
        from tui.screens.dialogs import ConfirmScreen

        active = "\nThe answer that is being written is stopped." if thread.busy else ""
        question = Content.assemble(
            "Delete the thread ",
            content(thread_title(thread), "bold"),
            f"?\n\nAll its messages go, for good.{active}\nAssistants and files stay.",
        )
        ask = ConfirmScreen("Delete thread", question, yes="Delete")
        if await self._app.push_screen_wait(ask):
            await self._workspace.threads.delete(thread.id)
            self.threads = tuple(one for one in self.threads if one.id != thread.id)
            self._observer.thread_deleted(thread.id)
            self.paint_threads()
