"""Following runs: what the services tell of them becomes calls of the transcript.

One watcher follows each running session, whether or not its thread is on the screen. A watcher of
a thread that is not shown only keeps the thread list honest; showing the thread starts it anew,
and the session replays what there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from services.events import (
    ApprovalNeeded,
    ApprovalSettled,
    MessageEnded,
    MessageStarted,
    ReasoningAdded,
    ReasoningEnded,
    RunChanged,
    RunEnded,
    RunEvent,
    RunStarted,
    StepChanged,
    TextAdded,
    UsageReported,
)
from services.records import ApprovalRequest, Message, RunStatus, ServiceError, ToolStep
from tui.screens import entries
from tui.screens.footnoting import Footnoting
from tui.screens.page import Page, Session, Stage
from tui.screens.stopwatch import Stopwatch
from tui.transcript.entries import MessageEntry, NoticeEntry
from tui.transcript.view import Transcript

if TYPE_CHECKING:
    from services.workspace import Workspace


class Following:
    """The page that is shown, and the runs that play on it."""

    def __init__(
        self,
        workspace: Workspace,
        transcript: Transcript,
        stage: Stage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workspace = workspace
        self.transcript = transcript
        self.stage = stage
        self.page = Page(outbox=workspace.writing.outbox(None))
        self.names: dict[str, str] = {}
        """Names of the assistants by id, for the authors of answers."""
        self.footnoting = Footnoting(workspace, transcript, stage, clock)
        self._clock = clock
        self._sent = 0
        self._watches: WeakKeyDictionary[Session, Stopwatch] = WeakKeyDictionary()

    # What there is

    @property
    def active(self) -> bool:
        """Whether a run of the shown thread is active."""
        session = self.page.session
        return session is not None and session.active

    @property
    def pending(self) -> tuple[ApprovalRequest, ...]:
        """The calls of the shown thread that wait for a decision."""
        session = self.page.session
        return session.pending if session is not None and session.active else ()

    def with_names(self, message: Message) -> Message:
        """The message with its files called by their names, as far as these are known."""
        names = self.workspace.files.names
        if not any(each.file_id in names for each in message.attachments):
            return message
        attachments = (
            replace(each, name=names.get(each.file_id, each.name)) for each in message.attachments
        )
        return replace(message, attachments=tuple(attachments))

    def _put_question(self, session: Session) -> None:
        if session.question is not None:
            question = self.with_names(session.question)
            self.page.attachments.extend(
                each for each in question.attachments if each not in self.page.attachments
            )
            self.transcript.put(entries.message_entry(question, "You"))

    # Following

    def _attach(self, page: Page, session: Session) -> None:
        page.session = session
        page.stopping = page.written = False
        page.usage, page.seconds = None, None
        self._put_question(session)
        self._follow(session)
        self.stage.conversation_changed()

    def _follow(self, session: Session) -> None:
        self.stage.spawn(partial(self._watch, session), f"run/{session.thread_id}")

    async def _watch(self, session: Session) -> None:
        # Kept by session: a thread that is left and shown again goes on counting.
        watch = self._watches.setdefault(session, Stopwatch(self._clock))
        try:
            async for event in session.watch():
                watch.note(event)
                shown = self.page.session is session
                self._note(session, event, shown)
                if shown:
                    self._play(self.page, event, watch)
        except ServiceError as error:
            if self.page.session is session:
                self.transcript.put(
                    NoticeEntry(f"watch/{session.thread_id}", error.sentence, "error")
                )
            else:
                self.stage.say(error.sentence, "error")
        if self.page.session is session:
            self.stage.conversation_changed()

    def _note(self, session: Session, event: RunEvent, shown: bool) -> None:
        """What the thread list has to know, shown or not."""
        match event:
            case RunStarted(run) | RunChanged(run):
                self.stage.thread_changed(session.thread_id, run.status)
            case RunEnded(run):
                self.stage.thread_changed(session.thread_id, run.status)
                self.stage.threads_changed()
                self.stage.run_over(session.thread_id, run)
            case ApprovalNeeded(requests):
                self.stage.thread_changed(session.thread_id, "requires_action")
                if not shown and requests:
                    self.stage.waits_elsewhere(session.thread_id, requests[0])

    def _play(self, page: Page, event: RunEvent, watch: Stopwatch) -> None:
        match event:
            case TextAdded(message_id, text, citations):
                if citations:
                    self.footnoting.cite(message_id, citations)
                self.transcript.add_text(message_id, text)
            case ReasoningAdded(thought_id, text):
                self.footnoting.think(thought_id, text)
            case ReasoningEnded(thought):
                self.footnoting.thought(thought)
            case MessageStarted(message):
                page.streaming.add(message.id)
                author = entries.author_of(message, self.names)
                self.transcript.put(entries.message_entry(message, author))
            case MessageEnded(message):
                page.streaming.discard(message.id)
                page.answer = message.text or page.answer
                page.written = page.written or bool(message.text)
                author = entries.author_of(message, self.names)
                self.footnoting.put(message, author)
            case StepChanged(step):
                page.steps[step.id] = step
                self.footnoting.learn(step)
                self._paint_step(page, step)
            case ApprovalNeeded() | ApprovalSettled():
                self._paint_steps(page)
                self.stage.conversation_changed()
            case UsageReported(usage):
                page.usage = usage
                self.stage.conversation_changed()
            case RunEnded():
                self._end(page, event, watch)
            case RunStarted() | RunChanged():
                self.stage.conversation_changed()

    def _paint_step(self, page: Page, step: ToolStep) -> None:
        waiting = {request.call_id for request in self.pending}
        for entry in entries.step_entries(
            step, waiting=waiting, denied=page.denied, file_name=self.footnoting.name
        ):
            self.transcript.put(entry)

    def _paint_steps(self, page: Page) -> None:
        for step in page.steps.values():
            if step.status == "in_progress" or any(call.id in page.denied for call in step.calls):
                self._paint_step(page, step)

    def _end(self, page: Page, event: RunEnded, watch: Stopwatch) -> None:
        run = event.run
        page.stopping = False
        page.usage = run.usage or page.usage
        page.seconds = watch.seconds
        kept = self._close_open_answers(page, run.status)
        if run.status in ("failed", "expired", "incomplete"):
            self.transcript.put(entries.run_failed_notice(run, event.sentence))
        elif run.status == "cancelled" and not kept:
            said = f"Stopped before anything was written. {entries.how_to_retry()}"
            self.transcript.put(NoticeEntry(f"run/{run.id}", said, "information"))
        self.stage.conversation_changed()

    def _close_open_answers(self, page: Page, status: RunStatus) -> bool:
        """Close answers that no ``MessageEnded`` closed; whether any text of this run was kept."""
        for message_id in page.streaming:
            entry = self.transcript.entry(message_id)
            if isinstance(entry, MessageEntry) and entry.state == "streaming":
                page.answer = entry.text or page.answer
                self.transcript.put(entries.cut_off(entry, status))
                page.written = True
        page.streaming.clear()
        return page.written
