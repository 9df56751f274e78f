"""The part of the workspace on which messages are written and sent."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import on

from services.records import Assistant, Outgoing, Run, ServiceError
from tui.commands import COMMANDS
from tui.screens.attaching_desk import AttachingDesk
from tui.screens.page import Work
from tui.text import safe_line
from tui.transcript.entries import NoticeEntry
from tui.widgets.composer import Composer
from tui.widgets.queue_list import QueueList

if TYPE_CHECKING:
    from services.outbox import Delivery, Outbox
    from services.workspace import Workspace

STOPPED: dict[str, str] = {
    "cancelled": "you stopped the answer",
    "failed": "the run failed",
    "expired": "the run expired",
    "incomplete": "the answer was cut off",
}
"""Why the queue does not go on after a run; after one that completed it does."""


class WritingDesk(AttachingDesk):
    """Box, queue and drafts. What is written belongs to its thread, and goes and comes with it."""

    _workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._shown_outbox: Outbox | None = None
        self._failures = 0
        self._on_the_way = 0
        """Messages that are being sent, in all threads: leaving waits for them."""

    async def _who_answers(self) -> Assistant:
        raise NotImplementedError

    def begin_writing(self) -> None:
        """Connect the box; read what was kept, beside the first paint."""
        writing = self._workspace.writing
        self._box = self.composer
        self.composer.past = lambda: writing.sent
        self.composer.taken_as_files = self.take_as_files
        self.show_outbox()
        recall: Work = self._recall
        self.run_worker(recall, group="recall")

    async def _recall(self) -> None:
        # No key is lost in between: nothing else runs from the reading to the showing.
        if self.outbox_shown in await self._workspace.writing.open():
            self.composer.show(self.outbox_shown.message)
        self._paint_outbox()

    # The outbox of the thread on the screen

    @property
    def outbox(self) -> Outbox:
        found = self.flow.page.outbox
        assert found is not None, "every page of the flow has one"
        return found

    def _in_the_box(self) -> Outgoing:
        # The screen itself no longer finds the box when both are being taken down.
        return replace(self._box.draft, files=self.outbox_shown.message.files)

    @property
    def outbox_shown(self) -> Outbox:
        """The one whose message is in the box."""
        return self._shown_outbox or self.outbox

    def show_outbox(self) -> None:
        """Bring the box to the thread on the screen, with its draft, its files and its queue."""
        outbox, before = self.outbox, self._shown_outbox
        if outbox is not before:
            if before is not None:
                before.message = self._in_the_box()
                before.ask = None
                before.touch()
                self._keep_now()
            self._shown_outbox = outbox
            self.composer.show(outbox.message)
            outbox.ask = self._in_the_box
        self._paint_outbox()

    def _paint_outbox(self) -> None:
        if not self.is_attached or not self.query(Composer):
            return  # the app is leaving
        outbox = self.outbox_shown
        self.show_attachments(outbox.message.files)
        if outbox.queue and self.queue_list is None:
            self.queue_list = QueueList(id="queue")
            self.query_one("#conversation").mount(
                self.queue_list, before=self.attachment_list or self.composer
            )
        if self.queue_list is not None:
            self.queue_list.show_outbox(outbox)
            if not outbox.queue and self.queue_list.has_focus:
                self.composer.focus()
        at = outbox.editing
        self.composer.border_subtitle = (
            ""
            if at is None
            else f"Queued message {at + 1}: Enter keeps it, Esc leaves it as it was"
        )
        self.refresh_bindings()

    @on(Composer.Changed, "#composer")
    def _typed(self) -> None:
        if self._shown_outbox is not None:
            self._shown_outbox.touch()

    def on_descendant_blur(self) -> None:
        self._keep_now()

    def on_app_blur(self) -> None:
        self._keep_now()

    def _keep_now(self) -> None:
        flush: Work = self._workspace.writing.flush
        self.run_worker(flush, group="drafts")

    def on_unmount(self) -> None:
        """The end, in order or not: what is in the box is on disk after this."""
        if self._shown_outbox is not None:
            self._shown_outbox.message = self._in_the_box()
            self._shown_outbox.ask = None
            self._shown_outbox.touch()
        self._workspace.writing.flush_now()

    # Sending

    @on(Composer.Submitted, "#composer")
    def _submitted(self, event: Composer.Submitted) -> None:
        outbox = self.outbox_shown
        written = replace(event.written, files=outbox.message.files)
        if outbox.editing is not None:
            self._end_editing(written)
        elif self._is_command(written.text):
            self._run_typed(written.text)
        elif written:
            if written.text.startswith("//"):
                written = replace(written, text=written.text[1:])
            self._send_or_queue(outbox, written)
            return
        elif outbox.queue and outbox.paused:
            self.action_resume_queue()
            return
        self._settle()

    def _settle(self) -> None:
        if not self._on_the_way and self.query(Composer):
            self.composer.settled.set()

    def _send_or_queue(self, outbox: Outbox, written: Outgoing) -> None:
        answering = self.catalogue.answering
        outbox.message = Outgoing()
        self._workspace.writing.remember(written)
        if self.flow.busy:
            meant = replace(written, assistant_id=answering.id if answering else "")
            outbox.enqueue(meant)
            self._settle()
        else:
            self._send_off(outbox, outbox.take(written))
        self._paint_outbox()

    def _send_off(self, outbox: Outbox, delivery: Delivery) -> None:
        self._on_the_way += 1
        self.composer.settled.clear()
        self.attempt(partial(self._send, outbox, delivery))

    async def _send(self, outbox: Outbox, delivery: Delivery) -> None:
        async def who() -> Assistant:
            return await self._meant(delivery.message)

        started = False
        try:
            started = await self.flow.send(outbox, delivery, who)
            if not started:
                outbox.pause("the answer to the last message could not be started")
        except ServiceError as error:
            self._come_back(outbox, delivery, error)
        finally:
            # Not in the middle of leaving: what is on its way then is kept as a draft.
            self._on_the_way -= 1
            self._settle()
            self._paint_outbox()

    async def _meant(self, message: Outgoing) -> Assistant:
        """Who is to answer: the one it was queued for, while there is that one."""
        chosen = await self._who_answers()
        return self.catalogue.assistant(message.assistant_id) or chosen

    def _come_back(self, outbox: Outbox, delivery: Delivery, error: ServiceError) -> None:
        """A message that was not sent: into the box, or to the front of the queue."""
        outbox.over(delivery)
        if delivery.queued:
            outbox.put_back(delivery.message)
        elif outbox is self._shown_outbox:
            files = delivery.message.joined(Outgoing(files=outbox.message.files)).files
            outbox.message = replace(outbox.message, files=files)
            self.composer.give_back(replace(delivery.message, files=()))
        else:
            outbox.message = delivery.message.joined(outbox.message)
        outbox.pause("the last message could not be sent")
        outbox.touch()
        if outbox is self._shown_outbox:
            self._failures += 1
            self.transcript.put(NoticeEntry(f"send/{self._failures}", error.sentence, "error"))
        else:
            self.say(f"{error.sentence} The message is in its thread's box.", "error")

    # Commands

    @staticmethod
    def _is_command(text: str) -> bool:
        return text.startswith("/") and not text.startswith("//")

    def _run_typed(self, text: str) -> None:
        """A command by its name; anything else stays in the box, and is said."""
        name = " ".join(text[1:].split()).casefold()
        for command in COMMANDS:
            if name in (command.id, command.title.casefold()):
                self.composer.take()
                self.run_command(command.id)
                return
        shown = safe_line(text.split("\n", 1)[0], 40)
        self.say(
            f"There is no command {shown}. To send the text as it is, begin it with two slashes.",
            "warning",
        )

    # The queue

    def run_over(self, thread_id: str, run: Run) -> None:
        """The next queued message of the thread goes out, unless its run did not end well."""
        outbox = self._workspace.writing.outbox(thread_id)
        if not outbox.queue:
            return
        if run.status == "completed":
            self._send_next(outbox)
        elif not outbox.paused:
            reason = STOPPED.get(run.status, "the run ended early")
            outbox.pause(reason)
            self.say(f"The queue waits, because {reason}. Enter in the empty box sends the next.")
        self._paint_outbox()

    def _send_next(self, outbox: Outbox) -> None:
        session = self._workspace.runs.session(outbox.thread_id) if outbox.thread_id else None
        if session is not None or outbox.sending:
            return
        if (delivery := outbox.next()) is not None:
            self._send_off(outbox, delivery)
        self._paint_outbox()

    def action_resume_queue(self) -> None:
        outbox = self.outbox_shown
        outbox.resume()
        self._send_next(outbox)
        self._settle()
        self._paint_outbox()

    def action_go_to_queue(self) -> None:
        if self.queue_list is not None:
            self.unfold("conversation")
            self.queue_list.focus()

    @on(QueueList.Wanted)
    def _queue_wanted(self, event: QueueList.Wanted) -> None:
        outbox = self.outbox_shown
        if event.at >= len(outbox.queue):
            return
        match event.what:
            case "edit":
                self._edit_queued(event.at)
            case "move":
                to = outbox.move(event.at, event.step)
                self._paint_outbox()
                event.queue.cursor = to
            case "drop":
                self._leave_editing_of(event.at)
                outbox.drop(event.at)
            case "clear":
                self._leave_editing_of(outbox.editing)
                outbox.clear()
        self._paint_outbox()

    def _edit_queued(self, at: int) -> None:
        outbox = self.outbox_shown
        self.leave_editing()
        message = outbox.begin_editing(at, self._in_the_box())
        outbox.message = message
        self.composer.put_message(message)
        self._paint_outbox()
        self.go_to("composer")

    def _leave_editing_of(self, at: int | None) -> None:
        if at is not None and self.outbox_shown.editing == at:
            self.leave_editing()

    def leave_editing(self) -> bool:
        """The queued message in the box stays as it was; whether there was one."""
        if self.outbox_shown.editing is None:
            return False
        self._end_editing(None)
        return True

    def _end_editing(self, written: Outgoing | None) -> None:
        outbox = self.outbox_shown
        first = outbox.editing == 0
        before = outbox.end_editing(written)
        outbox.message = before
        self.composer.put_message(before)
        if first and not outbox.paused and not self.flow.busy:
            self._send_next(outbox)  # its turn came while it was in the box
        self._paint_outbox()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        match action:
            case "go_to_queue":
                return bool(self.outbox_shown.queue)
            case "resume_queue":
                return bool(self.outbox_shown.queue and self.outbox_shown.paused)
            case "go_to_attachments":
                return bool(self.outbox_shown.message.files)
        return super().check_action(action, parameters)

    # History, editor

    def action_search_sent(self) -> None:
        from tui.screens.sent_search import SentSearch

        def chosen(message: Outgoing | None) -> None:
            if message is not None:
                self.composer.put_message(message)
            self.go_to("composer")

        writing, keymap = self._workspace.writing, self._workspace.settings.keymap
        self.app.push_screen(SentSearch(writing, self.composer.text, keymap), chosen)

    def action_open_editor(self) -> None:
        self.spawn(self._edit, "editor")

    async def _edit(self) -> None:
        from tui.screens.editor import EditorError, edit

        try:
            self.composer.put(await edit(self.app, self.composer.written.expanded))
        except EditorError as error:
            self.say(str(error), "error")
