"""The threads there are, newest activity first, each with its age and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from services.records import Thread
from tui.commands import bindings
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList

UNTITLED = "New thread"


class ThreadList(RowList):
    BINDINGS: ClassVar[list[BindingType]] = bindings("threads")
    BORDER_TITLE = "Threads"

    def show_threads(
        self, threads: Sequence[Thread], *, shown: str | None, now: float, query: str = ""
    ) -> None:
        """Show the threads whose title holds ``query``; ``now`` is seconds since the epoch."""
        wanted = query.casefold()
        rows = [_row(thread, shown, now) for thread in threads if wanted in thread.title.casefold()]
        empty = "No such title" if query else "None yet"
        self.show_rows(rows, empty=empty)


def _row(thread: Thread, shown: str | None, now: float) -> Row:
    mark, tone = "", ""
    if thread.waits_for_decision:
        mark, tone = "! ", "warning"
    elif thread.busy:
        mark, tone = "● ", "running"
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
