"""The flow of a conversation: what the services tell becomes calls of the transcript.

One watcher follows each running session, whether or not its thread is on the screen. A watcher of
a thread that is not shown only keeps the thread list honest; showing the thread starts it anew,
and the session replays what there is.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from services.events import (
    ApprovalNeeded,
    ApprovalSettled,
    MessageEnded,
    MessageStarted,
    RunChanged,
    RunEnded,
    RunEvent,
    RunStarted,
    StepChanged,
    TextAdded,
    UsageReported,
)
from services.records import (
    ApprovalRequest,
    Assistant,
    Decision,
    Deny,
    Message,
    RunNotStarted,
    RunStatus,
    ServiceError,
    Thread,
    ToolStep,
)
from tui.screens import entries
from tui.screens.page import Page, Session, Stage
from tui.transcript.entries import MessageEntry, NoticeEntry
from tui.transcript.view import Transcript

if TYPE_CHECKING:
    from services.workspace import Workspace

PAGE = 60
"""Messages a thread opens with, and as many again each time older ones are wanted."""


class ConversationFlow:
    """Everything the conversation does, without a widget of its own."""

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
        self.page = Page()
        self.names: dict[str, str] = {}
        """Names of the assistants by id, for the authors of answers."""
        self._clock = clock
        self._sent = 0

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

    # Opening

    def start_new(self) -> None:
        """An empty conversation; its thread is made when the first message is sent."""
        self.page = Page()
        self.transcript.clear()
        self.transcript.older = False
        self.stage.conversation_changed()

    async def open(self, thread: Thread) -> None:
        """Show a thread, then follow its run if one is active.

        Raises:
            ServiceError: the thread cannot be read.
        """
        page = self.page = Page(thread)
        self.transcript.clear()
        self.transcript.older = False
        self.stage.conversation_changed()
        conversation = await self.workspace.threads.open(thread.id, limit=PAGE)
        if self.page is not page:
            return
        page.thread = conversation.thread
        if conversation.older and thread.title:
            # The first message names a thread, and it is not among the newest.
            page.thread = replace(conversation.thread, title=thread.title)
        self._remember(page, conversation.items)
        self.transcript.show(entries.entries_of(conversation, self.names))
        self.transcript.older = conversation.older
        if (run := conversation.last_run) is not None:
            page.usage = run.usage
            if run.started_at is not None and run.ended_at is not None:
                page.seconds = float(run.ended_at - run.started_at)
        self.stage.conversation_changed()
        session = self.workspace.runs.session(thread.id)
        if session is None and (run is None or run.active):
            session = await self.workspace.runs.resume(thread.id)
        if session is not None and self.page is page:
            self._attach(page, session)

    def _remember(self, page: Page, items: tuple[Message | ToolStep, ...]) -> None:
        messages = [item for item in items if isinstance(item, Message)]
        if messages:
            page.oldest = messages[0].id
        for message in messages:
            page.attachments.extend(message.attachments)
            if message.role == "assistant" and message.text:
                page.answer = message.text
        page.steps.update({item.id: item for item in items if isinstance(item, ToolStep)})

    async def show_older(self) -> None:
        """Put the messages before the oldest one above it.

        Raises:
            ServiceError: they cannot be read; asking again is possible.
        """
        page = self.page
        if page.thread is None or page.oldest is None:
            return
        self.transcript.older = False
        try:
            conversation = await self.workspace.threads.open(
                page.thread.id, before=page.oldest, limit=PAGE
            )
        except ServiceError:
            if self.page is page:
                self.transcript.older = True
            raise
        if self.page is not page:
            return
        answer = page.answer
        self._remember(page, conversation.items)
        page.answer = answer or page.answer
        self.transcript.prepend(list(entries.item_entries(conversation.items, self.names)))
        self.transcript.older = conversation.older

    # Sending

    async def send(self, text: str, who: Callable[[], Awaitable[Assistant]]) -> None:
        """Store the user's message, making the thread first where there is none, and run.

        ``who`` waits until the app is connected and tells who answers.

        Raises:
            ServiceError: nothing was sent; the caller still has the text. When only the run could
                not be started, the message stays shown, and nothing is raised.
        """
        page = self.page
        self._sent += 1
        entry = MessageEntry(
            key=f"sending/{self._sent}",
            author="You",
            own=True,
            when=entries.clock_time(time.time(), time.time()),
            text=text,
            state="done",
            note="Sending",
        )
        self.transcript.put(entry)
        self.transcript.scroll_end(animate=False)
        page.sending = True
        self.stage.conversation_changed()
        try:
            assistant = await who()
            if page.thread is None:
                page.thread = await self.workspace.threads.create()
            session = await self.workspace.runs.send(page.thread.id, assistant.id, text)
        except RunNotStarted as error:
            self._keep_unanswered(page, entry, error)
            return
        except ServiceError:
            self._sending_over(page, entry.key)
            raise
        self._sending_over(page, entry.key)
        self._follow_new(page, session)

    async def retry(self, assistant: Assistant) -> None:
        """Run again on the shown thread, without a new message.

        Raises:
            ServiceError: no run was started.
        """
        page = self.page
        if page.thread is None:
            return
        page.sending = True
        try:
            session = await self.workspace.runs.start(page.thread.id, assistant.id)
        finally:
            page.sending = False
        self._follow_new(page, session)

    def _sending_over(self, page: Page, key: str) -> None:
        page.sending = False
        if self.page is page:
            self.transcript.remove(key)
            self.stage.conversation_changed()

    def _keep_unanswered(self, page: Page, entry: MessageEntry, error: RunNotStarted) -> None:
        """The message is in the thread, only its answer is not on the way."""
        page.sending = False
        if self.page is page:
            self.transcript.put(replace(entry, note=""))
            self.transcript.put(
                NoticeEntry(
                    f"{entry.key}/run", f"{error.sentence} {entries.how_to_retry()}", "error"
                )
            )
            self.stage.conversation_changed()
        self.stage.threads_changed()

    def _put_question(self, session: Session) -> None:
        if session.question is not None:
            self.transcript.put(entries.message_entry(session.question, "You"))

    def _follow_new(self, page: Page, session: Session) -> None:
        if self.page is page:
            self._attach(page, session)
        else:
            self._follow(session)
        self.stage.threads_changed()

    async def cancel(self) -> None:
        """Stop the shown thread's run.

        Raises:
            ServiceError: the server did not take the cancellation.
        """
        page, session = self.page, self.page.session
        if session is None or not session.active:
            return
        page.stopping = True
        self.stage.conversation_changed()
        try:
            await session.cancel()
        except ServiceError:
            page.stopping = False
            self.stage.conversation_changed()
            raise

    async def decide(self, request: ApprovalRequest, decision: Decision) -> None:
        """Hand over a decision; one that comes too late changes nothing.

        Raises:
            ServiceError: the decision was not taken; the call still waits.
        """
        session = self.workspace.runs.session(request.thread_id)
        if session is None or not any(
            waiting.call_id == request.call_id for waiting in session.pending
        ):
            self.stage.say("That call does not wait for a decision any more.", "warning")
            return
        if isinstance(decision, Deny):
            self.page.denied.add(request.call_id)
        try:
            await session.decide(request.call_id, decision)
        except ServiceError:
            self.page.denied.discard(request.call_id)
            raise
        self._paint_steps(self.page)

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
        began = self._clock()
        try:
            async for event in session.watch():
                shown = self.page.session is session
                self._note(session, event, shown)
                if shown:
                    self._play(self.page, event, began)
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
            case ApprovalNeeded(requests):
                self.stage.thread_changed(session.thread_id, "requires_action")
                if not shown and requests:
                    self.stage.waits_elsewhere(session.thread_id, requests[0])

    def _play(self, page: Page, event: RunEvent, began: float) -> None:
        match event:
            case TextAdded(message_id, text):
                self.transcript.add_text(message_id, text)
            case MessageStarted(message):
                page.streaming.add(message.id)
                author = entries.author_of(message, self.names)
                self.transcript.put(entries.message_entry(message, author))
            case MessageEnded(message):
                page.streaming.discard(message.id)
                page.answer = message.text or page.answer
                page.written = page.written or bool(message.text)
                author = entries.author_of(message, self.names)
                self.transcript.put(entries.message_entry(message, author))
            case StepChanged(step):
                page.steps[step.id] = step
                self._paint_step(page, step)
            case ApprovalNeeded() | ApprovalSettled():
                self._paint_steps(page)
                self.stage.conversation_changed()
            case UsageReported(usage):
                page.usage = usage
                self.stage.conversation_changed()
            case RunEnded():
                self._end(page, event, began)
            case RunStarted() | RunChanged():
                self.stage.conversation_changed()

    def _paint_step(self, page: Page, step: ToolStep) -> None:
        waiting = {request.call_id for request in self.pending}
        for entry in entries.step_entries(step, waiting=waiting, denied=page.denied):
            self.transcript.put(entry)

    def _paint_steps(self, page: Page) -> None:
        for step in page.steps.values():
            if step.status == "in_progress" or any(call.id in page.denied for call in step.calls):
                self._paint_step(page, step)

    def _end(self, page: Page, event: RunEnded, began: float) -> None:
        run = event.run
        page.stopping = False
        page.usage = run.usage or page.usage
        page.seconds = self._clock() - began
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
