"""The flow of a conversation: opening it, paging through it, steering its run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from services.records import (
    ApprovalRequest,
    Conversation,
    Decision,
    Deny,
    Message,
    ServiceError,
    Thought,
    Thread,
    ToolStep,
)
from tui.screens import entries
from tui.screens.page import Page
from tui.screens.sending import Sending
from tui.screens.stopwatch import worked

PAGE = 60
"""Messages a thread opens with, and as many again each time older ones are wanted."""


class ConversationFlow(Sending):
    """Everything the conversation does, without a widget of its own."""

    # Opening

    def start_new(self) -> None:
        """An empty conversation; its thread is made when the first message is sent."""
        self.page = Page(outbox=self.workspace.writing.begin_new())
        self.transcript.clear()
        self.transcript.older = False
        self.stage.conversation_changed()

    async def open(self, thread: Thread, through: str | None = None) -> None:
        """Show a thread, then follow its run if one is active.

        ``through`` is a message that has to be among those shown, however old it is.

        Raises:
            ServiceError: the thread cannot be read.
        """
        page = self.page = Page(thread, outbox=self.workspace.writing.outbox(thread.id))
        self.transcript.clear()
        self.transcript.older = False
        self.stage.conversation_changed()
        conversation = await self.workspace.threads.open(thread.id, limit=PAGE, through=through)
        if self.page is not page:
            return
        conversation = self._named(conversation)
        self.footnoting.read(conversation.items)
        page.thread = conversation.thread
        if conversation.older and thread.title:
            # The first message names a thread, and it is not among the newest.
            page.thread = replace(conversation.thread, title=thread.title)
        self._remember(page, conversation.items)
        shown = entries.entries_of(conversation, self.names, self.footnoting.name)
        self.transcript.show(shown)
        self.transcript.older = conversation.older
        if (run := conversation.last_run) is not None:
            page.usage = run.usage
            page.seconds = worked(run, conversation.items)
        self.stage.conversation_changed()
        session = self.workspace.runs.session(thread.id)
        if session is None and (run is None or run.active):
            session = await self.workspace.runs.resume(thread.id)
        if session is not None and self.page is page:
            self._attach(page, session)

    def _named(self, conversation: Conversation) -> Conversation:
        """The conversation with attached files called by their names; the names of others are
        asked for, and shown when they are known."""
        page, known = self.page, self.workspace.files.names
        messages = [item for item in conversation.items if isinstance(item, Message)]
        attached = {each.file_id for message in messages for each in message.attachments}
        if attached - known.keys():

            async def ask() -> None:
                with contextlib.suppress(ServiceError):  # ids are shown instead
                    await self.workspace.files.list()
                if self.page is page:
                    self._show_names(messages)

            self.stage.spawn(ask, "names of files")
        return replace(
            conversation,
            items=tuple(
                self.with_names(item) if isinstance(item, Message) else item
                for item in conversation.items
            ),
        )

    def _show_names(self, messages: Sequence[Message]) -> None:
        for message in messages:
            named = self.with_names(message)
            if named is not message and self.transcript.entry(message.id) is not None:
                author = entries.author_of(named, self.names)
                self.footnoting.put(named, author)
        names = self.workspace.files.names
        self.page.attachments = [
            replace(each, name=names.get(each.file_id, each.name)) for each in self.page.attachments
        ]
        self.stage.conversation_changed()

    def _remember(self, page: Page, items: tuple[Message | ToolStep | Thought, ...]) -> None:
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
        conversation = self._named(conversation)
        self.footnoting.read(conversation.items)
        answer = page.answer
        self._remember(page, conversation.items)
        page.answer = answer or page.answer
        older = entries.item_entries(conversation.items, self.names, self.footnoting.name)
        self.transcript.prepend(list(older))
        self.transcript.older = conversation.older

    # Steering the run

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
