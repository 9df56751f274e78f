"""The part of the workspace that looks after threads: opening, finding, deleting, putting away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import on

from services.records import ApprovalRequest, Assistant, RunStatus, SearchHit, ServiceError, Thread
from tui.commands import BY_ID, keys_text
from tui.screens.decision_desk import DecisionDesk
from tui.screens.thread_shelf import ThreadShelf
from tui.text import safe_line
from tui.transcript.entries import NoticeEntry
from tui.widgets.row_list import RowList
from tui.widgets.thread_list import ThreadList, thread_title

if TYPE_CHECKING:
    from services.workspace import Workspace
    from tui.widgets.thread_filter import ThreadFilter

FILTER_PAUSE = 0.15
"""Seconds without a key before the filter is looked up in the threads that were not read."""


class ThreadDesk(DecisionDesk):
    """Actions on threads; ``ThreadShelf`` has what the list shows."""

    shelf: ThreadShelf
    _workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._title_asked: set[str] = set()
        self._shown_when_deleted: str | None = None

    # Opening

    @on(RowList.Selected, "#threads")
    def _thread_selected(self, event: RowList.Selected) -> None:
        if (thread := self.shelf.thread(event.key)) is not None:
            self.show_thread(thread)
            self.go_to("composer")

    def show_thread(self, thread: Thread) -> None:
        """Open a thread; who answered in it answers next."""
        self.catalogue.choose(thread.assistant_id)
        self.attempt(partial(self._open, thread), "open")

    async def _open(self, thread: Thread, through: str | None = None) -> None:
        try:
            await self.flow.open(thread, through)
        except ServiceError as error:
            self.transcript.put(NoticeEntry("open", error.sentence, "error"))
        await self._workspace.seen.save()

    async def open_by_id(self, thread_id: str, through: str | None = None) -> None:
        """Open a thread that need not be in the list. Raises ServiceError."""
        thread = self.shelf.thread(thread_id) or await self._workspace.threads.get(thread_id)
        self.catalogue.choose(thread.assistant_id)
        await self._open(thread, through)

    def show_place(self, hit: SearchHit) -> None:
        """Open a thread at one of its messages."""
        self.attempt(partial(self._show_place, hit), "open")

    async def _show_place(self, hit: SearchHit) -> None:
        if self.flow.page.thread_id != hit.thread_id or not self.transcript.entry(hit.message_id):
            await self.open_by_id(hit.thread_id, hit.message_id)
        if self.flow.page.thread_id != hit.thread_id:
            return
        self.go_to("transcript")
        if self.transcript.entry(hit.message_id) is None:
            self.say("The message is not in the thread any more.", "warning")
        else:
            self.transcript.show_entry(hit.message_id)

    # What the flow tells

    def thread_changed(self, thread_id: str, status: RunStatus | None) -> None:
        self.shelf.set_status(thread_id, status)
        if status == "completed" and thread_id not in self._title_asked:
            self._title_asked.add(thread_id)
            self.spawn(partial(self._give_title, thread_id), f"title/{thread_id}")

    def threads_changed(self) -> None:
        self.attempt(self.shelf.load_threads, "threads")

    def waits_elsewhere(self, thread_id: str, request: ApprovalRequest) -> None:
        if any(each.id == thread_id for each in self._workspace.deletions.pending):
            return
        thread = self.shelf.thread(thread_id)
        title = thread_title(thread) if thread is not None else "Another thread"
        self.app.bell()
        self.say(f"{title} waits for a decision.", "warning")

    def keep_threads_honest(self) -> None:
        """Ages grow; and runs that another app on the same data carries out end unannounced."""
        self.shelf.paint()
        if self._connected and any(
            thread.busy and self._workspace.runs.session(thread.id) is None
            for thread in self.shelf.threads
        ):
            self.threads_changed()
        self.spawn(self._workspace.seen.save, "seen")

    async def _give_title(self, thread_id: str) -> None:
        """Has the model name a thread after its first answer, once; nobody waits for it."""
        thread = self.shelf.thread(thread_id)
        if not self._workspace.settings.model_titles or (thread is not None and thread.titled):
            return
        try:
            title = await self._workspace.threads.make_title(thread_id)
        except ServiceError:
            return  # the engine's log has it; the first line goes on naming the thread
        if title:
            await self.shelf.load_threads()

    # The list: filter, view, pages

    async def action_filter_threads(self) -> None:
        from tui.widgets.thread_filter import ThreadFilter

        self.unfold("lists")
        if not self.query(ThreadFilter):
            await self.query_one("#lists").mount(ThreadFilter(id="filter"), before=self.thread_list)
        self.query_one(ThreadFilter).open()

    def on_thread_filter_wanted(self, event: ThreadFilter.Wanted) -> None:
        self._look_up(self.shelf.filter(event.query))

    def on_thread_filter_left(self, event: ThreadFilter.Left) -> None:
        if event.chosen:
            self.thread_list.action_select()
        else:
            self.thread_list.focus()

    def action_show_archived(self) -> None:
        """The threads that were put away, and back."""
        self.go_to("threads")
        self._look_up(self.shelf.show_archived(not self.shelf.archived))

    def _look_up(self, wanted: bool) -> None:
        self.workers.cancel_group(self, "find threads")
        asked = (self.shelf.query, self.shelf.archived)
        if wanted and self.shelf.query:
            self.set_timer(FILTER_PAUSE, partial(self._look_up_now, asked))
        elif wanted:
            self._look_up_now(asked)

    def _look_up_now(self, asked: tuple[str, bool]) -> None:
        if asked == (self.shelf.query, self.shelf.archived):
            self.attempt(self.shelf.find, "find threads")

    @on(ThreadList.MoreWanted)
    def _more_wanted(self) -> None:
        self.attempt(self.shelf.load_more, "more threads")

    # Deleting, putting away, renaming

    def thread_meant(self) -> Thread | None:
        """The highlighted thread while the list has the focus, else the one on the screen."""
        if self.thread_list.has_focus:
            return self.shelf.thread(self.thread_list.cursor_key)
        page = self.flow.page
        return self.shelf.thread(page.thread_id) or page.thread

    def action_delete_thread(self) -> None:
        if (thread := self.thread_meant()) is not None:
            self.attempt(partial(self._delete, thread))

    async def _delete(self, thread: Thread) -> None:
        self.shelf.hide(thread.id)
        try:
            await self._workspace.deletions.delete(thread)
        except ServiceError:
            self.shelf.bring_back(thread)
            raise
        if self.flow.page.thread_id == thread.id:
            self._shown_when_deleted = thread.id
            self.flow.start_new()
        undo = keys_text(BY_ID["thread.undo_delete"], self._workspace.settings.keymap)
        self.say(f"Deleted: {_title(thread)}. {undo or 'The palette'} brings it back for a while.")
        self.refresh_bindings()

    def action_undo_delete(self) -> None:
        self.attempt(self._undo)

    async def _undo(self) -> None:
        thread = await self._workspace.deletions.undo()
        if thread is None:
            self.say("There is no deleted thread to bring back.", "warning")
            return
        self.shelf.bring_back(thread)
        self.say(f"Back again: {_title(thread)}.")
        if self.thread_list.has_focus:
            self.thread_list.move_cursor_to(thread.id)
        if self._shown_when_deleted == thread.id and self.flow.page.thread is None:
            self.show_thread(thread)
        self.refresh_bindings()

    def action_archive_thread(self) -> None:
        if (thread := self.thread_meant()) is not None:
            self.attempt(partial(self._archive, thread))

    async def _archive(self, thread: Thread) -> None:
        changed = await self._workspace.threads.archive(thread.id, not thread.archived)
        kept = _with_state_of(thread, changed)
        self.shelf.replace(kept)
        if kept.archived:
            self.say(f"Put away: {_title(thread)}.")
        else:
            self.shelf.bring_back(kept)
            self.say(f"Among the threads again: {_title(thread)}.")
        self.thread_renamed(kept)

    def action_rename_thread(self) -> None:
        if (thread := self.thread_meant()) is not None:
            self.attempt(partial(self._rename, thread))

    async def _rename(self, thread: Thread) -> None:
        from tui.screens.dialogs import LineScreen

        title = await self.app.push_screen_wait(
            LineScreen("Rename thread", thread.title, hint="Enter renames, Esc leaves it")
        )
        if title and title != thread.title:
            changed = await self._workspace.threads.rename(thread.id, title)
            renamed = _with_state_of(thread, changed)
            self.shelf.replace(renamed)
            self.thread_renamed(renamed)

    def thread_renamed(self, thread: Thread) -> None:
        raise NotImplementedError

    def conversation_changed(self) -> None:
        raise NotImplementedError

    async def _who_answers(self) -> Assistant:
        raise NotImplementedError

    # Searching, exporting

    def action_search_threads(self) -> None:
        from tui.screens.search import SearchScreen

        def chosen(hit: SearchHit | None) -> None:
            if hit is not None:
                self.show_place(hit)

        self.app.push_screen(SearchScreen(self._workspace.threads.search), chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        match action:
            case "rename_thread" | "delete_thread" | "archive_thread" | "export_thread":
                return self.thread_meant() is not None
            case "undo_delete":
                return bool(self._connected and self._workspace.deletions.pending)
            case "show_archived" | "search_threads":
                return self._connected
        return super().check_action(action, parameters)

    @property
    def _connected(self) -> bool:
        return self._workspace.connection.ready


def _title(thread: Thread) -> str:
    return safe_line(thread_title(thread), 60)


def _with_state_of(before: Thread, changed: Thread) -> Thread:
    """What a change of metadata brought, with what only the list tells of a thread."""
    return replace(
        before,
        title=changed.title or before.title,
        titled=changed.titled,
        archived=changed.archived,
        gone_at=changed.gone_at,
    )
