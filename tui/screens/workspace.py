"""The one screen of the app: what happens when a key, a list or a run says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.binding import BindingType
from textual.content import Content

from services.records import (
    Assistant,
    ConnectionState,
    RunStatus,
    ServiceError,
    Thread,
)
from tui.attention import AttentiveApp
from tui.commands import bindings
from tui.screens import entries
from tui.screens.assistant_desk import AssistantDesk
from tui.screens.branch_desk import BranchDesk
from tui.screens.catalogue import Catalogue
from tui.screens.connecting import Connecting
from tui.screens.conversation import ConversationFlow
from tui.screens.page import Page
from tui.screens.panes import Pane
from tui.screens.reading_desk import ReadingDesk
from tui.screens.stray_keys import begins_message, lacking, takes_stray_keys
from tui.screens.thread_shelf import ThreadShelf
from tui.screens.writing_desk import WritingDesk
from tui.text import content, safe
from tui.transcript.entries import NoticeEntry
from tui.transcript.view import Transcript
from tui.widgets.composer import Composer
from tui.widgets.entry_field import typed
from tui.widgets.status_header import State
from tui.widgets.thread_list import thread_title

if TYPE_CHECKING:
    from services.workspace import Workspace


WELCOME = "Write a message below to begin."


class WorkspaceScreen(WritingDesk, AssistantDesk, BranchDesk, ReadingDesk):
    """Actions and messages; what a conversation does is in ``ConversationFlow``."""

    # Toasts at the top: at the bottom they would cover the message they speak of.
    DEFAULT_CSS = """
    WorkspaceScreen ToastRack {
        dock: top;
        align: right top;
        margin: 1 1 0 0;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("workspace")
    stop_again: ClassVar[float] = 3.0
    """Seconds in which a second Esc stops a run that waits for a decision."""

    def __init__(
        self, workspace: Workspace, *, thread_id: str | None = None, resume: bool = False
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self._open_first = thread_id
        self._resume = resume
        self._stop_armed_at = float("-inf")

    def on_mount(self) -> None:
        self.flow = ConversationFlow(self._workspace, self.transcript, self, self.clock)
        self.catalogue = Catalogue(self._workspace, self.assistant_list, self)
        self.shelf = ThreadShelf(self._workspace, self.thread_list, self)
        self.connecting = Connecting(
            self,
            self._workspace,
            changed=self.conversation_changed,
            opened=self._opened,
            failed=self._offline,
        )
        self.begin_writing()
        self.fold(self.app.size.width)
        self.transcript.placeholder = WELCOME
        self.set_interval(30, self.keep_threads_honest)
        self.call_after_refresh(self.connecting.start)

    # Connecting

    async def _opened(self, state: ConnectionState) -> None:
        await asyncio.gather(self.catalogue.load(), self.shelf.load())
        for newest in self.shelf.threads[:1]:
            self.catalogue.suggest(newest.assistant_id)
        self.transcript.remove("connection")
        self.transcript.placeholder = f"{WELCOME}\n\n{safe(state.note)}".rstrip()
        await self._open_at_start()

    def _offline(self, error: ServiceError) -> None:
        told = f"{error.sentence} Your next message tries again."
        self.transcript.put(NoticeEntry("connection", told, "error"))

    async def _open_at_start(self) -> None:
        first, self._open_first = self._open_first, None
        if self.flow.page.thread is not None or self.flow.busy:
            return
        if first is not None:
            try:
                await self.open_by_id(first)
            except ServiceError as error:
                self.say(f"There is no thread {first} here. {error.sentence}", "error")
        elif self._resume and self.shelf.threads:
            self.show_thread(self.shelf.threads[0])

    async def _who_answers(self) -> Assistant:
        """Wait for the connection, then the assistant that answers. Raises ServiceError."""
        await self.connecting.ready()
        return await self.catalogue.ensure_assistant()

    # What the flow tells

    def conversation_changed(self) -> None:
        page = self.flow.page
        if self.shelf.shown != page.thread_id:
            self.shelf.show_thread(page.thread_id)
        self.flow.names = self.catalogue.names
        self.transcript.border_title = self._title(page)
        self._tell_title(page)
        self.footer.figures = entries.figures(page.usage, page.seconds)
        self.header.state = self._state()
        self.show_model()
        self.files.show_files(page.attachments)
        self.show_decision()
        self.show_outbox()

    def _tell_title(self, page: Page) -> None:
        if isinstance(self.app, AttentiveApp):
            title = thread_title(page.thread) if page.thread is not None else ""
            self.app.attention.shows(title)

    def thread_changed(self, thread_id: str, status: RunStatus | None) -> None:
        super().thread_changed(thread_id, status)
        if isinstance(self.app, AttentiveApp):
            thread = self.shelf.thread(thread_id)
            title = thread_title(thread) if thread is not None else ""
            self.app.attention.thread_changed(thread_id, title, status)

    def _title(self, page: Page) -> Content:
        return content(thread_title(page.thread) if page.thread is not None else "New thread")

    def _state(self) -> State:
        if self.connecting.error is not None:
            return "offline"
        if self.flow.page.stopping:
            return "stopping"
        if self.flow.pending:
            return "waiting"
        if self.flow.busy:
            return "answering"
        return "ready" if self.connecting.done else "starting"

    # What the catalogue tells

    def thread_renamed(self, thread: Thread) -> None:
        page = self.flow.page
        if page.thread is not None and page.thread.id == thread.id:
            page.thread = thread
            self.transcript.border_title = self._title(page)

    # Messages of the widgets

    def on_key(self, event: events.Key) -> None:
        """What is typed before anything has the focus is for the message; the box may have it by
        now, but what it was given itself does not come here."""
        if not typed(event):
            return
        if lack := lacking(self, event.key):
            self.say(lack)
        elif self.focused in (None, self.composer) or begins_message(self, event.key):
            event.stop()
            self._take_up_writing()
            self.composer.insert(typed(event))

    def _take_up_writing(self) -> None:
        """The box has the focus at once: what is typed next must not be a command any more."""
        self.unfold("conversation")
        self.set_focus(self.composer)

    def on_paste(self, event: events.Paste) -> None:
        if self.focused in (None, self.composer) or takes_stray_keys(self.focused):
            event.stop()
            self._take_up_writing()
            self.composer.post_message(events.Paste(event.text))

    @on(Composer.PageWanted)
    def _page_wanted(self, event: Composer.PageWanted) -> None:
        up, down = self.transcript.action_page_up, self.transcript.action_page_down
        (up if event.direction < 0 else down)()

    @on(Transcript.OlderWanted)
    def _older_wanted(self) -> None:
        self.attempt(self.flow.show_older, "older")

    @on(Transcript.CopyRequested)
    def _copy_requested(self, event: Transcript.CopyRequested) -> None:
        self.copy(event.text, event.what)

    # Actions

    def action_copy_text(self) -> None:
        """Textual's own for Ctrl+C: the app's command says what became of it."""
        raise SkipAction

    def action_connect(self) -> None:
        self.connecting.start()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        match action:
            case "escape":
                editing = self.outbox_shown.editing is not None
                return editing or (self.flow.active and not self.flow.page.stopping)
            case "retry":
                page = self.flow.page
                return page.thread is not None and not self.flow.busy
            case "return_to_decision":
                card = self.card
                return card is not None and bool(card.request) and not card.has_focus_within
            case "copy_answer":
                return bool(self.flow.page.answer)
            case "connect":
                return self.connecting.error is not None
        return super().check_action(action, parameters)

    def action_escape(self) -> None:
        """Leave a queued message as it was; else stop the run. One that waits for a decision
        takes a second Esc."""
        if self.leave_editing():
            return
        if self.flow.pending and self.clock() - self._stop_armed_at > self.stop_again:
            self._stop_armed_at = self.clock()
            self.say("A decision is waiting. Esc again stops the whole run; F4 decides.", "warning")
            return
        self.attempt(self.flow.cancel)

    def action_leave_pane(self) -> None:
        self.clear_selection()
        self.go_to("composer")

    def action_retry(self) -> None:
        self.attempt(self._retry, "retry")

    async def _retry(self) -> None:
        await self.flow.retry(await self._who_answers())

    def action_copy_answer(self) -> None:
        self.copy(self.flow.page.answer, "the last answer")

    def action_new_thread(self) -> None:
        self.workers.cancel_group(self, "open")
        self.flow.start_new()
        self.go_to("composer")

    def action_focus_pane(self, name: str) -> None:
        self.go_to(name)

    def action_toggle_pane(self, pane: Pane) -> None:
        self.toggle(pane)
