"""Reverse search: what was sent before, found by some of its letters as they are typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from services.records import Outgoing
from tui.commands import BY_ID, keys_of, keys_text
from tui.screens.page import Work
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList

if TYPE_CHECKING:
    from services.writing import Writing

MOST_SHOWN = 200


class SentSearch(ModalScreen[Outgoing | None]):
    """Every word has to be in the message, in any order; the newest is first."""

    DEFAULT_CSS = """
    SentSearch {
        align: center bottom;
        background: $background 40%;
        #sent {
            width: 100%;
            max-width: 110;
            height: auto;
            max-height: 60%;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            background: $surface;
        }
        #sent-found { height: auto; max-height: 12; min-height: 1; }
        Input { border: none; background: $surface; height: 1; padding: 0 1; }
        Input:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False),
        Binding("up", "step(1)", show=False),
        Binding("down", "step(-1)", show=False),
    ]

    def __init__(self, writing: Writing, text: str, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._keymap = keymap
        self._writing = writing
        self._beginning = text if "\n" not in text and not text.startswith("/") else ""
        self._found: list[Outgoing] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="sent") as box:
            box.border_title = "What was sent"
            again = keys_text(BY_ID["message.search"], self._keymap) or "Up"
            box.border_subtitle = (
                f"Enter takes it, {safe_line(again)} the one before, Esc goes back"
            )
            yield RowList(empty="Nothing that was sent has these words", id="sent-found")
            yield Input(
                safe_line(self._beginning), placeholder="Some of its words", id="sent-query",
                max_length=300,
            )  # fmt: skip

    def on_mount(self) -> None:
        for key in keys_of(BY_ID["message.search"], self._keymap):
            self._bindings.bind(key, "step(1)", show=False, priority=True)
        self.query_one(Input).focus()
        self._show()
        work: Work = self._look_again
        self.run_worker(work)

    async def _look_again(self) -> None:
        await self._writing.look_again()
        self._show()

    @on(Input.Changed)
    def _show(self) -> None:
        words = self.query_one(Input).value.casefold().split()
        self._found = [
            message
            for message in self._writing.sent
            if all(word in message.expanded.casefold() for word in words)
        ][:MOST_SHOWN]
        # The newest is at the bottom, next to what is typed.
        rows = [
            Row(str(at), safe_line(message.text, 300)) for at, message in enumerate(self._found)
        ]
        found = self.query_one(RowList)
        found.show_rows(rows[::-1])
        found.cursor = len(rows) - 1

    def action_step(self, step: int) -> None:
        self.query_one(RowList).cursor -= step

    @on(Input.Submitted)
    @on(RowList.Selected)
    def _chosen(self) -> None:
        key = self.query_one(RowList).cursor_key
        if key is not None:
            self.dismiss(self._found[int(key)])
