"""The files that go with the message, above the message box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui.commands import bindings
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList

if TYPE_CHECKING:
    from services.records import PendingFile

MOST_SHOWN = 4


class AttachmentList(RowList):
    """One line a file: its name, its size and what it is for; not there without any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("attachments"),
        Binding("escape", "screen.focus_pane('composer')", "Back", show=False),
    ]
    DEFAULT_CSS = """
    AttachmentList {
        display: none;
        height: auto;
        padding: 0 1;
        & > .row-list--cursor { background: $background; }
        &:focus > .row-list--cursor { background: $block-cursor-background; text-style: bold; }
        &.-open { display: block; }
    }
    """

    class Wanted(Message):
        """Something is wanted of the file with this key."""

        def __init__(self, what: str, key: str) -> None:
            super().__init__()
            self.what = what
            self.key = key

    def show_files(self, files: Sequence[PendingFile]) -> None:
        self.set_class(bool(files), "-open")
        self.show_rows(
            [
                Row(
                    file.key,
                    f"+ {safe_line(file.name, 200)}",
                    aside=f"{file.shown_size} → {file.shown_use}",
                    tone="running" if file.file_id else "",
                )
                for file in files
            ]
        )
        self.styles.height = min(len(files), MOST_SHOWN)

    def action_switch(self) -> None:
        self._want("switch")

    def action_select(self) -> None:
        self._want("switch")

    def action_remove(self) -> None:
        self._want("remove")

    def _want(self, what: str) -> None:
        if (key := self.cursor_key) is not None:
            self.post_message(self.Wanted(what, key))
