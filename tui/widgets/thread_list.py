"""The threads there are, newest activity first, each with its age and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from services.records import Thread
from tui.commands import bindings
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList

UNTITLED = "New thread"
NEAR = 30
"""Rows from the end at which the next threads are asked for."""


class ThreadList(RowList):
    """Marks: ``!`` waits for a decision, ``●`` is being answered, ``×`` failed, ``*`` has news."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("threads")
    BORDER_TITLE = "Threads"

    class MoreWanted(Message):
        """The reader is near the end, and there are more threads."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._more = False

    def show_threads(
        self,
        threads: Sequence[Thread],
        *,
        shown: str | None,
        now: float,
        query: str = "",
        archived: bool = False,
        more: bool = False,
        news: Set[str] = frozenset(),
    ) -> None:
        """Show these threads; ``now`` is seconds since the epoch.

        ``query`` and ``archived`` say how they were chosen, ``more`` that there are others after
        them, ``news`` which of them have something that was not seen.
        """
        self._more = more
        empty = (
            "No such title" if query else "None put away" if archived else "None yet: just write"
        )
        self.border_title = "Threads put away" if archived else "Threads"
        kept, line = self.cursor_key, self.cursor - self.scroll_offset.y
        self.show_rows(
            [_row(thread, shown, now, thread.id in news) for thread in threads], empty=empty
        )
        if kept is not None and kept == self.cursor_key and self.has_focus:
            # Rows that came in above must not move the one that the reader is at.
            self.scroll_to(y=self.cursor - line, animate=False, force=True, immediate=True)
        self._ask_for_more()

    def watch_cursor(self) -> None:
        super().watch_cursor()
        self._ask_for_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        last = max(self.cursor, self.scroll_offset.y + self.size.height)
        if self._more and self.is_mounted and last + NEAR >= len(self.rows):
            self._more = False  # asked; the answer says whether there are more
            self.post_message(self.MoreWanted())


def _row(thread: Thread, shown: str | None, now: float, news: bool) -> Row:
    mark, tone = "", ""
    if thread.waits_for_decision:
        mark, tone = "! ", "warning"
    elif thread.busy:
        mark, tone = "● ", "running"
    elif thread.failed:
        mark, tone = "× ", "error"
    elif news and thread.id != shown:
        mark, tone = "* ", "news"
    return Row(
        thread.id,
        thread_title(thread),
        aside=f"{mark}{age(now - thread.active_at)}",
        tone=tone,
        current=thread.id == shown,
    )


def thread_title(thread: Thread) -> str:
    """The thread's title, safe for one line."""
    return safe_line(thread.title, 200) or UNTITLED


def age(seconds: float) -> str:
    """An age in at most three characters: ``now``, ``2m``, ``1h``, ``3d``, ``5w``, ``2y``."""
    if seconds < 60:
        return "now"
    for size, unit in ((31_557_600, "y"), (604_800, "w"), (86_400, "d"), (3_600, "h")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // 60)}m"
