"""The one screen of the app: what happens when a key, a list or a run says so."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content

from services.records import (
    ApprovalRequest,
    Assistant,
    AssistantDraft,
    ConnectionState,
    RunStatus,
    ServiceError,
    Thread,
)
from tui.commands import bindings
from tui.screens import entries
from tui.screens.catalogue import Catalogue
from tui.screens.connecting import Connecting
from tui.screens.conversation import ConversationFlow
from tui.screens.decision_desk import DecisionDesk
from tui.screens.page import Page
from tui.screens.panes import Pane
from tui.text import content, for_clipboard, safe
from tui.transcript.entries import NoticeEntry
from tui.transcript.view import Transcript
from tui.widgets.composer import Composer
from tui.widgets.entry_field import EntryField, typed
from tui.widgets.row_list import RowList
from tui.widgets.status_header import State
from tui.widgets.thread_list import thread_title

if TYPE_CHECKING:
    from services.workspace import Workspace
    from tui.widgets.thread_filter import ThreadFilter


WELCOME = "Write a message below to begin."


class WorkspaceScreen(DecisionDesk):
    """Actions and messages; what a conversation does is in ``ConversationFlow``."""

    # Toasts at the top: at the bottom they would cover the message they speak of.
    DEFAULT_CSS = """
    WorkspaceScreen ToastRack {
        dock: top;
        align: right top;
        margin: 1 1 0 0;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("workspace"),
        Binding("escape", "leave_pane", show=False),
    ]
    stop_again: ClassVar[float] = 3.0
    """Seconds in which a second Esc stops a run that waits for a decision."""

    def __init__(
        self, workspace: Workspace, *, thread_id: str | None = None, resume: bool = False
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self._open_first = thread_id
        self._resume = resume
        self._sending = False
        self._stop_armed_at = float("-inf")
        self._told = 0

    def on_mount(self) -> None:
        self.flow = ConversationFlow(self._workspace, self.transcript, self, self.clock)
        self.catalogue = Catalogue(
            self.app, self._workspace, self.assistant_list, self.thread_list, self
        )
        self.connecting = Connecting(
            self,
            self._workspace,
            changed=self.conversation_changed,
            opened=self._opened,
            failed=self._offline,
        )
        self.fold(self.app.size.width)
        self.transcript.placeholder = WELCOME
        self.set_interval(30, self.keep_threads_honest)
        self.call_after_refresh(self.connecting.start)

    # Connecting

    async def _opened(self, state: ConnectionState) -> None:
        await self.catalogue.load()
        self.transcript.remove("connection")
        self.transcript.placeholder = f"{WELCOME}\n\n{safe(state.note)}".rstrip()
        self._open_at_start()

    def _offline(self, error: ServiceError) -> None:
        told = f"{error.sentence} Your next message tries again."
        self.transcript.put(NoticeEntry("connection", told, "error"))

    def _open_at_start(self) -> None:
        first, self._open_first = self._open_first, None
        if self.flow.page.thread is not None or self._sending:
            return
        if first is not None:
            if (thread := self.catalogue.thread(first)) is not None:
                self.show_thread(thread)
            else:
                self.say(f"There is no thread {first} here.", "error")
        elif self._resume and self.catalogue.threads:
            self.show_thread(self.catalogue.threads[0])

    async def _who_answers(self) -> Assistant:
        """Wait for the connection, then the assistant that answers. Raises ServiceError."""
        await self.connecting.ready()
        return await self.catalogue.ensure_assistant()

    def keep_threads_honest(self) -> None:
        """Ages grow; and runs that another app on the same data carries out end unannounced."""
        self.catalogue.paint_threads()
        if self.connecting.done and any(
            thread.busy and self._workspace.runs.session(thread.id) is None
            for thread in self.catalogue.threads
        ):
            self.threads_changed()

    # What the flow tells

    def thread_changed(self, thread_id: str, status: RunStatus | None) -> None:
        self.catalogue.set_status(thread_id, status)

    def threads_changed(self) -> None:
        self.attempt(self.catalogue.load_threads, "threads")

    def waits_elsewhere(self, thread_id: str, request: ApprovalRequest) -> None:
        thread = self.catalogue.thread(thread_id)
        title = thread_title(thread) if thread is not None else "Another thread"
        self.app.bell()
        self.say(f"{title} waits for a decision.", "warning")

    def conversation_changed(self) -> None:
        page = self.flow.page
        if self.catalogue.shown != page.thread_id:
            self.catalogue.show_thread(page.thread_id)
        self.flow.names = self.catalogue.names
        self.transcript.border_title = self._title(page)
        self.footer.figures = entries.figures(page.usage, page.seconds)
        self.header.state = self._state()
        self.files.show_files(page.attachments)
        self.show_decision()
        self.refresh_bindings()

    def _title(self, page: Page) -> Content:
        return content(thread_title(page.thread) if page.thread is not None else "New thread")

    def _state(self) -> State:
        if self.connecting.error is not None:
            return "offline"
        if self.flow.page.stopping:
            return "stopping"
        if self.flow.pending:
            return "waiting"
        if self.flow.active or self.flow.page.sending:
            return "answering"
        return "ready" if self.connecting.done else "starting"

    # What the catalogue tells

    def thread_renamed(self, thread: Thread) -> None:
        page = self.flow.page
        if page.thread is not None and page.thread.id == thread.id:
            page.thread = thread
            self.transcript.border_title = self._title(page)

    def thread_deleted(self, thread_id: str) -> None:
        if self.flow.page.thread_id == thread_id:
            self.flow.start_new()

    def assistants_changed(self) -> None:
        answering = self.catalogue.answering
        self.header.assistant = answering.name if answering else ""
        self.header.model = (
            answering.model if answering else self._workspace.connection.default_model
        )
        self.header.connection = self._workspace.connection.label
        self.composer.address(answering.name if answering else "")

    # Messages of the widgets

    def on_key(self, event: events.Key) -> None:
        """What is typed before anything has the focus is for the message; the box may have it by
        now, but what it was given itself does not come here."""
        if typed(event) and self.focused in (None, self.composer):
            event.stop()
            self.composer.insert(typed(event))
            self.composer.focus()

    def on_paste(self, event: events.Paste) -> None:
        if self.focused in (None, self.composer):
            event.stop()
            self.composer.post_message(events.Paste(event.text))

    @on(Composer.PageWanted)
    def _page_wanted(self, event: Composer.PageWanted) -> None:
        up, down = self.transcript.action_page_up, self.transcript.action_page_down
        (up if event.direction < 0 else down)()

    @on(EntryField.Submitted, "#composer")
    def _submitted(self, event: EntryField.Submitted) -> None:
        if event.text.strip() and (refusal := self._refusal()) is None:
            self._sending = True
            self.attempt(partial(self._send, self.composer.take()))
            return
        if event.text.strip():
            self.say(f"{refusal} Your text stays here.")
        if not self._sending:
            self.composer.settled.set()

    def _refusal(self) -> str | None:
        """Why no message can be sent now; None if one can."""
        if self.flow.pending:
            return "A function call waits for your decision first."
        if self.flow.active:
            return "An answer is still being written; Esc stops it."
        return "Your last message is still being sent." if self._sending else None

    async def _send(self, text: str) -> None:
        try:
            await self.flow.send(text, self._who_answers)
        except ServiceError as error:
            self.composer.give_back(text)
            self._told += 1
            self.transcript.put(NoticeEntry(f"send/{self._told}", error.sentence, "error"))
        finally:
            self._sending = False
            self.composer.settled.set()

    @on(RowList.Selected, "#assistants")
    def _assistant_selected(self, event: RowList.Selected) -> None:
        self.catalogue.choose(event.key)
        self.go_to("composer")

    @on(RowList.Selected, "#threads")
    def _thread_selected(self, event: RowList.Selected) -> None:
        if (thread := self.catalogue.thread(event.key)) is not None:
            self.show_thread(thread)
            self.go_to("composer")

    def show_thread(self, thread: Thread) -> None:
        """Open a thread; who answered in it answers next."""
        self.catalogue.choose(thread.assistant_id)
        self.attempt(partial(self._open, thread), "open")

    async def _open(self, thread: Thread) -> None:
        try:
            await self.flow.open(thread)
        except ServiceError as error:
            self.transcript.put(NoticeEntry("open", error.sentence, "error"))

    def on_thread_filter_wanted(self, event: ThreadFilter.Wanted) -> None:
        self.catalogue.filter(event.query)

    def on_thread_filter_left(self, event: ThreadFilter.Left) -> None:
        if event.chosen:
            self.thread_list.action_select()
        else:
            self.thread_list.focus()

    @on(Transcript.OlderWanted)
    def _older_wanted(self) -> None:
        self.attempt(self.flow.show_older, "older")

    @on(Transcript.CopyRequested)
    def _copy_requested(self, event: Transcript.CopyRequested) -> None:
        self.copy(event.text)

    def copy(self, text: str) -> None:
        """To the clipboard, as far as a terminal lets one know."""
        self.app.copy_to_clipboard(for_clipboard(text))
        self.say("Sent to the terminal's clipboard.")

    # Actions

    def action_connect(self) -> None:
        self.connecting.start()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        match action:
            case "escape":
                return self.flow.active and not self.flow.page.stopping
            case "retry":
                page = self.flow.page
                return page.thread is not None and not self.flow.active and not self._sending
            case "return_to_decision":
                card = self.card
                return card is not None and bool(card.request) and not card.has_focus_within
            case "copy_answer":
                return bool(self.flow.page.answer)
            case "connect":
                return self.connecting.error is not None
            case "rename_thread" | "delete_thread":
                return self._thread_meant() is not None
            case "edit_assistant" | "delete_assistant":
                return self._assistant_meant() is not None
        return True

    def action_escape(self) -> None:
        """Stop the run; one that waits for a decision takes a second Esc."""
        if self.flow.pending and self.clock() - self._stop_armed_at > self.stop_again:
            self._stop_armed_at = self.clock()
            self.say("A decision is waiting. Esc again stops the whole run; F4 decides.", "warning")
            return
        self.attempt(self.flow.cancel)

    def action_leave_pane(self) -> None:
        self.go_to("composer")

    def action_retry(self) -> None:
        self.attempt(self._retry, "retry")

    async def _retry(self) -> None:
        await self.flow.retry(await self._who_answers())

    def action_copy_answer(self) -> None:
        self.copy(self.flow.page.answer)

    def action_new_thread(self) -> None:
        self.workers.cancel_group(self, "open")
        self.flow.start_new()
        self.go_to("composer")

    async def action_filter_threads(self) -> None:
        from tui.widgets.thread_filter import ThreadFilter

        self.unfold("lists")
        if not self.query(ThreadFilter):
            await self.query_one("#lists").mount(ThreadFilter(id="filter"), before=self.thread_list)
        self.query_one(ThreadFilter).open()

    def action_focus_pane(self, name: str) -> None:
        self.go_to(name)

    def action_toggle_pane(self, pane: Pane) -> None:
        self.toggle(pane)

    def _thread_meant(self) -> Thread | None:
        """The highlighted thread while the list has the focus, else the one on the screen."""
        if self.thread_list.has_focus:
            return self.catalogue.thread(self.thread_list.cursor_key)
        return self.catalogue.thread(self.flow.page.thread_id)

    def _assistant_meant(self) -> Assistant | None:
        if self.assistant_list.has_focus:
            return self.catalogue.assistant(self.assistant_list.cursor_key)
        return self.catalogue.answering

    def action_rename_thread(self) -> None:
        if (thread := self._thread_meant()) is not None:
            self.attempt(partial(self.catalogue.rename_thread, thread))

    def action_delete_thread(self) -> None:
        if (thread := self._thread_meant()) is not None:
            self.attempt(partial(self.catalogue.delete_thread, thread))

    def action_new_assistant(self) -> None:
        self._open_form(None)

    def action_edit_assistant(self) -> None:
        if (assistant := self._assistant_meant()) is not None:
            self._open_form(assistant)

    def action_delete_assistant(self) -> None:
        if (assistant := self._assistant_meant()) is not None:
            self.attempt(partial(self.catalogue.delete_assistant, assistant))

    def _open_form(self, assistant: Assistant | None) -> None:
        # The form is not needed at start, and neither is the time to import it.
        from tui.screens.assistant_form import AssistantForm

        async def save(draft: AssistantDraft) -> None:
            await self.catalogue.save(assistant, draft)

        self.app.push_screen(AssistantForm(self._workspace, assistant, save))

    def action_open_editor(self) -> None:
        self.spawn(self._edit, "editor")

    async def _edit(self) -> None:
        from tui.screens.editor import EditorError, edit

        try:
            self.composer.put(await edit(self.app, self.composer.text))
        except EditorError as error:
            self.say(str(error), "error")
