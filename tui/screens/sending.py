"""Sending messages: their files first, then the message, then the run that answers it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from services.records import Assistant, Outgoing, RunNotStarted, ServiceError
from tui.screens import entries
from tui.screens.following import Following
from tui.screens.page import Session
from tui.transcript.entries import MessageEntry, NoticeEntry

if TYPE_CHECKING:
    from services.outbox import Delivery, Outbox


class Sending(Following):
    """Messages on their way, to the thread on the screen or to another."""

    @property
    def busy(self) -> bool:
        """Whether the shown thread is answering or a message to it is on its way."""
        page = self.page
        return self.active or page.sending or bool(page.outbox and page.outbox.sending)

    async def send(
        self, outbox: Outbox, delivery: Delivery, who: Callable[[], Awaitable[Assistant]]
    ) -> bool:
        """Upload the files, store the message (making the thread first where there is none), run.

        ``who`` waits until the app is connected and tells who answers. Whether the run that
        answers has started: without it, the message is in the thread and stays shown.

        Raises:
            ServiceError: nothing was sent; ``delivery`` has the message, with those of its files
                that are uploaded by now.
        """
        self._sent += 1
        entry = self._entry_of(delivery.message, f"sending/{self._sent}")
        self._show(outbox, entry)
        if self._on_screen(outbox):
            self.transcript.scroll_end(animate=False)
        self.stage.conversation_changed()
        try:
            assistant = await who()
            await self._upload(outbox, delivery, entry)
            if outbox.thread_id is None:
                thread = await self.workspace.threads.create()
                if self._on_screen(outbox):
                    self.page.thread = thread
                self.workspace.writing.adopt(outbox, thread.id)
                await self.workspace.thread_models.begin(thread.id)
            assert outbox.thread_id is not None
            message = delivery.message
            session = await self.workspace.runs.send(
                outbox.thread_id, assistant.id, message.wording, message.files
            )
        except RunNotStarted as error:
            self._keep_unanswered(outbox, delivery, entry, error)
            return False
        except ServiceError:
            self._sending_over(outbox, delivery, entry.key)
            raise
        self._sending_over(outbox, delivery, entry.key)
        self._follow_new(outbox, session)
        return True

    async def retry(self, assistant: Assistant, instructions: str = "") -> None:
        """Run again on the shown thread, without a new message; ``instructions`` go along.

        Raises:
            ServiceError: no run was started.
        """
        page = self.page
        if page.thread is None or page.outbox is None:
            return
        page.sending = True
        try:
            session = await self.workspace.runs.start(page.thread.id, assistant.id, instructions)
        finally:
            page.sending = False
        self._follow_new(page.outbox, session)

    async def _upload(self, outbox: Outbox, delivery: Delivery, entry: MessageEntry) -> None:
        for file in delivery.message.files:
            if file.file_id:
                continue
            shown = ""

            def tell(sent: int, size: int, name: str = file.name) -> None:
                nonlocal shown
                note = f"Uploading {name}, {100 * sent // max(size, 1)} %"
                if note != shown:
                    shown = note
                    self._show(outbox, replace(entry, note=note))

            tell(0, file.size)
            stored = await self.workspace.files.upload(file.path, file.purpose, tell)
            delivery.uploaded(file.key, stored.id)
            outbox.touch()
        if entry.note and delivery.message.files:
            self._show(outbox, entry)

    def _entry_of(self, message: Outgoing, key: str) -> MessageEntry:
        """A message that is not stored yet, as it will look when it is."""
        text = message.wording
        files = [f"[attached file {file.name}]" for file in message.files]
        return MessageEntry(
            key=key,
            author="You",
            own=True,
            when=entries.clock_time(time.time(), time.time()),
            text="\n\n".join([text, *files] if text else files),
            state="done",
            note="Sending",
        )

    def _on_screen(self, outbox: Outbox) -> bool:
        return self.page.outbox is outbox

    def _show(self, outbox: Outbox, entry: MessageEntry) -> None:
        if self._on_screen(outbox):
            self.transcript.put(entry)

    def _sending_over(self, outbox: Outbox, delivery: Delivery, key: str) -> None:
        outbox.over(delivery)
        self.transcript.remove(key)
        self.stage.conversation_changed()

    def _keep_unanswered(
        self, outbox: Outbox, delivery: Delivery, entry: MessageEntry, error: RunNotStarted
    ) -> None:
        """The message is in the thread, only its answer is not on the way."""
        outbox.over(delivery)
        said = f"{error.sentence} {entries.how_to_retry()}"
        if self._on_screen(outbox):
            self.transcript.put(replace(entry, note=""))
            self.transcript.put(NoticeEntry(f"{entry.key}/run", said, "error"))
        else:
            self.stage.say(said, "error")
        self.stage.conversation_changed()
        self.stage.threads_changed()

    def _follow_new(self, outbox: Outbox, session: Session) -> None:
        if self._on_screen(outbox):
            self._attach(self.page, session)
        else:
            self._follow(session)
        self.stage.threads_changed()
