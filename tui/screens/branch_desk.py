"""The part of the workspace that goes back in a conversation: forks, and answers anew.

Nothing here changes a message: what is asked or answered differently goes into a new thread.
"""

from __future__ import annotations

from functools import partial

from services.records import Thread
from tui.screens.page import Work
from tui.screens.thread_desk import ThreadDesk
from tui.transcript.entries import MessageEntry
from tui.widgets.thread_list import thread_title

GO_ON = (
    "Your last answer in this conversation was cut off. Go on exactly where it stops, without "
    "repeating any of it and without a word about the interruption."
)
BRANCHING = ("fork_thread", "edit_message", "regenerate")


class BranchDesk(ThreadDesk):
    """Works on the message that the transcript's cursor marks, or on the last one."""

    def action_fork_thread(self) -> None:
        if (entry := self.transcript.message_meant()) is not None:
            self._branch_off(partial(self._fork, entry))

    def _branch_off(self, work: Work) -> None:
        # Stopping the first attempt would not stop the server: its copy would stay, unasked for.
        if any(each.group == "branch" and not each.is_finished for each in self.workers):
            self.say("A fork is being made already.")
        else:
            self.attempt(work, "branch")

    async def _fork(self, entry: MessageEntry) -> None:
        if (made := await self._branch(entry, keep=True)) is not None:
            self.say(f"This is {thread_title(made)} now; the thread it is from stays as it was.")
            self.go_to("composer")

    def action_edit_message(self) -> None:
        if (entry := self.transcript.question_meant()) is not None:
            self._branch_off(partial(self._edit_question, entry))

    async def _edit_question(self, entry: MessageEntry) -> None:
        thread_id = self.flow.page.thread_id
        if thread_id is None:
            return
        written = await self._workspace.threads.written(thread_id, entry.key)
        made = await self._branch(entry, keep=False)
        outbox = self.flow.page.outbox
        if made is None or outbox is None:
            return
        outbox.message = written.joined(outbox.message)
        self.composer.show(outbox.message)
        self.conversation_changed()
        self.go_to("composer")
        self.say(f"Send it in {thread_title(made)}; the thread it is from stays as it was.")

    def action_regenerate(self) -> None:
        if (entry := self.transcript.question_meant()) is not None:
            self._branch_off(partial(self._answer_anew, entry))

    async def _answer_anew(self, entry: MessageEntry) -> None:
        if (made := await self._branch(entry, keep=True)) is not None:
            await self.flow.retry(await self._who_answers())
            self.say(f"Answered anew in {thread_title(made)}; the old answer stays where it was.")

    def action_continue_answer(self) -> None:
        self.attempt(self._continue_answer, "retry")

    async def _continue_answer(self) -> None:
        await self.flow.retry(await self._who_answers(), GO_ON)

    async def _branch(self, entry: MessageEntry, *, keep: bool) -> Thread | None:
        """Make a fork and show it; None when another thread was opened meanwhile.

        Raises ServiceError, with nothing made.
        """
        page = self.flow.page
        if page.thread is None:
            return None
        made = await self._workspace.threads.fork(page.thread, entry.key, keep=keep)
        await self._workspace.thread_models.inherit(made.id, page.thread.id)
        self.shelf.bring_back(made)
        if self.flow.page is not page:
            self.say(f"{thread_title(made)} is in the list.")
            return None
        await self.flow.open(made)
        return made

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.is_mounted and action in (*BRANCHING, "continue_answer"):
            return self._can(action)
        return super().check_action(action, parameters)

    def _can(self, action: str) -> bool:
        if self.flow.page.thread is None:
            return False
        if action == "continue_answer":
            free = not self.flow.active and not self.flow.page.sending
            return free and self.transcript.cut_off_answer() is not None
        if action == "fork_thread":
            return self.transcript.message_meant() is not None
        return self.transcript.question_meant() is not None

    # Exporting

    def action_export_thread(self) -> None:
        if (thread := self.thread_meant()) is not None:
            from tui.screens.export import ExportScreen

            self.app.push_screen(ExportScreen(self._workspace, thread))
