"""The messages that wait for the answer that is being written, above the message box."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui.commands import bindings
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList

if TYPE_CHECKING:
    from services.outbox import Outbox

MOST_SHOWN = 5


class QueueList(RowList):
    """Numbered in the order in which they will be sent; not there without any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("queue"),
        Binding("escape", "screen.focus_pane('composer')", "Back", show=False),
    ]
    DEFAULT_CSS = """
    QueueList {
        display: none;
        height: auto;
        border: round $border-blurred;
        border-title-color: $footer-description-foreground;
        border-subtitle-color: $footer-description-foreground;
        &:focus { border: heavy $border; border-title-color: $accent; }
        &.-paused { border-title-color: $warning; }
        &.-open { display: block; }
    }
    """

    class Wanted(Message):
        """Something is wanted of the queued message at ``at``; ``step`` is for moving it."""

        def __init__(self, queue: QueueList, what: str, at: int, step: int = 0) -> None:
            super().__init__()
            self.queue = queue
            self.what = what
            self.at = at
            self.step = step

    def show_outbox(self, outbox: Outbox) -> None:
        """Show what waits, and why it does not go on if it does not."""
        count = len(outbox.queue)
        self.set_class(bool(count), "-open")
        self.set_class(bool(outbox.paused), "-paused")
        waits = f"{count} message{'s' if count > 1 else ''}"
        if outbox.paused:
            self.border_title = f"Queue paused: {outbox.paused}"
            self.border_subtitle = "Enter in the empty box sends the next"
        else:
            self.border_title = f"Queue: {waits}, sent after the answer"
            self.border_subtitle = ""
        self.show_rows(
            [
                Row(
                    str(at),
                    f"{at + 1}  {safe_line(message.text or message.wording, 300)}",
                    aside=_aside(outbox, at),
                    tone="warning" if at == outbox.editing else "",
                )
                for at, message in enumerate(outbox.queue)
            ]
        )
        self.styles.height = min(count, MOST_SHOWN) + 2

    def action_edit(self) -> None:
        self._want("edit")

    def action_select(self) -> None:
        self._want("edit")

    def action_move(self, step: int) -> None:
        self._want("move", step)

    def action_drop(self) -> None:
        self._want("drop")

    def action_clear(self) -> None:
        self._want("clear")

    def _want(self, what: str, step: int = 0) -> None:
        if self.rows:
            self.post_message(self.Wanted(self, what, self.cursor, step))


def _aside(outbox: Outbox, at: int) -> str:
    if at == outbox.editing:
        return "in the box"
    files = len(outbox.queue[at].files)
    return f"{files} file{'s' if files > 1 else ''}" if files else ""
