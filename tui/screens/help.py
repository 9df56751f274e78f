"""All commands and their keys, from the table of commands."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands import PLACES, grouped, keys_text

DIM = "$footer-description-foreground"
_SAID = ("assistants", "threads", "transcript")
"""Places named beside their commands; elsewhere the group's name says where."""


class HelpScreen(ModalScreen[None]):
    """Scrolls with the arrow keys; Esc or F1 closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: $background 60%;
        #help {
            width: 104;
            max-width: 95%;
            height: 90%;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            background: $surface;
        }
        VerticalScroll { padding: 1 2; overflow-y: scroll; scrollbar-size-vertical: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss(None)", "Close", show=False),
    ]

    def __init__(self, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with Vertical(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "Esc closes"
            with VerticalScroll():
                yield Static(id="help-text", markup=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        text = self.query_one("#help-text", Static)
        text.update(help_text(self._keymap, text.content_size.width))


def help_text(keymap: Mapping[str, str], width: int) -> Content:
    """The whole table, wrapped to ``width`` cells; every command of the app is in it."""
    lines: list[Content] = []
    indent = 51 if width >= 80 else 4
    for group, commands in grouped():
        lines.append(Content.assemble("\n" if lines else "", (group, "bold $accent")))
        for command in commands:
            keys = keys_text(command, keymap) or "palette"
            where = f" ({PLACES[command.where]})" if command.where in _SAID else ""
            told = textwrap.wrap(command.help + where, max(20, width - indent))
            head = Content.assemble((f"{keys:<20} ", "bold"), f"{command.title:<29} ")
            if width >= 80:
                lines.append(Content.assemble(head, (told[0], DIM)))
                told = told[1:]
            else:
                lines.append(Content.assemble((f"{keys}  ", "bold"), command.title))
            lines.extend(Content.assemble((" " * indent + line, DIM)) for line in told)
    return Content("\n").join(lines)
