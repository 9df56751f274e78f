"""All commands and their keys, from the table of commands; what is typed filters them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.command import Command, Where
from tui.commands import COMMANDS, PLACES, grouped, keys_text

DIM = "$footer-description-foreground"
_SAID = ("assistants", "threads", "transcript", "queue", "attachments", "inspector")
"""Places named beside their commands; elsewhere the group's name says where."""
HERE = "Where you are"
MOVING = (
    ("Arrows, j, k", "Line by line; in the conversation j and k go from block to block"),
    ("PgUp, PgDn", "Page by page"),
    ("Ctrl+U, Ctrl+D", "Half a page"),
    ("Home, End, g, G", "To the beginning, to the end"),
    ("Tab, Shift+Tab", "To the next place, to the one before"),
    ("Letters", "Where no command has them, they begin a message"),
)
"""What moves in every list and in the conversation, wherever nothing is written."""


class HelpScreen(ModalScreen[None]):
    """Letters filter, arrows and pages scroll; Esc or F1 closes it."""

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
        #help-filter {
            height: 1;
            margin: 1 2 0 2;
            padding: 0;
            border: none;
            background: $surface;
        }
        VerticalScroll { padding: 1 2; overflow-y: scroll; scrollbar-size-vertical: 1; }
        VerticalScroll:focus { background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "close", "Close", show=False),
        *(
            Binding(key, f"move('{move}')", show=False, priority=True)
            for key, move in (
                ("up", "scroll_up"),
                ("down", "scroll_down"),
                ("pageup", "scroll_page_up"),
                ("pagedown", "scroll_page_down"),
                ("ctrl+home", "scroll_home"),
                ("ctrl+end", "scroll_end"),
            )
        ),
    ]

    def __init__(self, keymap: Mapping[str, str], place: Where = "workspace") -> None:
        """``place`` has the focus below; its commands are told first."""
        super().__init__()
        self._keymap = keymap
        self._place = place

    def compose(self) -> ComposeResult:
        with Vertical(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "Letters filter · arrows scroll · Esc closes"
            yield Input(
                placeholder="Filter: a word, a key, an id", max_length=100, id="help-filter"
            )
            with VerticalScroll(can_focus=False):
                yield Static(id="help-text", markup=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @on(Input.Changed)
    def _draw(self) -> None:
        text = self.query_one("#help-text", Static)
        wanted = self.query_one(Input).value
        text.update(help_text(self._keymap, text.content_size.width, wanted, self._place))

    def action_move(self, move: str) -> None:
        getattr(self.query_one(VerticalScroll), move)(animate=False)

    def action_close(self) -> None:
        """Esc takes the filter away first."""
        field = self.query_one(Input)
        if field.value:
            field.value = ""
        else:
            self.dismiss(None)


def help_text(
    keymap: Mapping[str, str], width: int, wanted: str = "", place: Where | None = None
) -> Content:
    """The table, wrapped to ``width`` cells: all of it, or the commands that ``wanted`` fits.

    The commands of ``place`` are told once more, before the others.
    """
    lines: list[Content] = []
    for name, commands in _sections(place if not wanted.strip() else None):
        fitting = [each for each in commands if fits(each, keymap, wanted)]
        if fitting:
            lines.append(Content.assemble("\n" if lines else "", (name, "bold $accent")))
            for command in fitting:
                lines.extend(_told(command, keymap, width))
    if not wanted.strip():
        lines.append(Content.assemble("\n", ("Moving, where nothing is written", "bold $accent")))
        lines.extend(_row(keys, "", told, width) for keys, told in MOVING)
    if not lines:
        return Content.styled("No command fits. Esc takes the filter away.", DIM)
    return Content("\n").join(lines)


def _sections(place: Where | None) -> Iterator[tuple[str, Iterable[Command]]]:
    if place is not None and place not in ("app", "workspace"):
        yield f"{HERE}: {PLACES[place]}", [each for each in COMMANDS if each.where == place]
    yield from grouped()


def fits(command: Command, keymap: Mapping[str, str], wanted: str) -> bool:
    """Whether every word of ``wanted`` is in what is told of the command."""
    told = (
        f"{command.title} {command.help} {command.group} {command.id} "
        f"{keys_text(command, keymap)} {PLACES[command.where]}"
    ).casefold()
    return all(word in told for word in wanted.casefold().split())


def _told(command: Command, keymap: Mapping[str, str], width: int) -> list[Content]:
    keys = keys_text(command, keymap) or "palette"
    where = f" ({PLACES[command.where]})" if command.where in _SAID else ""
    wide = width >= 80
    indent = 51 if wide else 4
    told = textwrap.wrap(command.help + where, max(20, width - indent))
    lines: list[Content] = []
    if wide:
        head = Content.assemble((f"{keys:<20} ", "bold"), f"{command.title:<29} ")
        if head.cell_length > indent:  # a long title has a line of its own
            lines.append(head)
            head = Content(" " * indent)
        lines.append(Content.assemble(head, (told[0], DIM)))
        told = told[1:]
    else:
        lines.append(Content.assemble((f"{keys}  ", "bold"), command.title))
    lines.extend(Content.assemble((" " * indent + line, DIM)) for line in told)
    lines.append(Content.assemble((" " * indent + command.id, f"{DIM} italic")))
    return lines


def _row(keys: str, title: str, told: str, width: int) -> Content:
    if width >= 80:
        return Content.assemble((f"{keys:<20} ", "bold"), f"{title:<29} " if title else "", told)
    lines = textwrap.wrap(told, max(20, width - 4))
    return Content.assemble((keys, "bold"), *((f"\n    {line}", DIM) for line in lines))
