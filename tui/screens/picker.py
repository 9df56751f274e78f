"""Finding one of many by some letters of its name: type, move, Enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.text import content, safe_line
from tui.widgets.row_list import Row, RowList

DIM = "$footer-description-foreground"


@dataclass(frozen=True, slots=True)
class Pick:
    """One to choose: ``value`` is handed back, ``name`` is found by, ``aside`` says more."""

    value: str
    name: str
    aside: str = ""


def ranked(picks: Sequence[Pick], query: str) -> list[Pick]:
    """The picks that fit, best first; among equals, and without a query, in their own order."""
    if not query:
        return [*picks]
    matcher = Matcher(query)
    scored = [(matcher.match(pick.name), pick) for pick in picks]
    fitting = [each for each in scored if each[0] > 0]
    fitting.sort(key=lambda each: (-each[0], len(each[1].name)))
    return [pick for _, pick in fitting]


class PickScreen(ModalScreen[str | None]):
    """Ends with the value of what was chosen, None when the user went back."""

    DEFAULT_CSS = """
    PickScreen {
        align: center middle;
        background: $background 60%;
        #picker {
            width: 72;
            max-width: 96%;
            height: 70%;
            min-height: 9;
            max-height: 96%;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            background: $surface;
        }
        Input { border: round $border-blurred; background: $background; padding: 0 1; height: 3; }
        Input:focus { border: heavy $border; }
        RowList { padding: 0 1; }
        RowList > .row-list--cursor { background: $block-cursor-background; text-style: bold; }
        #picker-note { height: auto; padding: 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False),
        Binding("down", "rows('cursor', 1)", "Next", show=False, priority=True),
        Binding("up", "rows('cursor', -1)", "Previous", show=False, priority=True),
        Binding("pagedown", "rows('page', 1)", "Page down", show=False, priority=True),
        Binding("pageup", "rows('page', -1)", "Page up", show=False, priority=True),
    ]

    def __init__(
        self,
        picks: Sequence[Pick] = (),
        *,
        current: str = "",
        title: str,
        placeholder: str = "Some letters of the name",
    ) -> None:
        """``current`` is the value that holds now; it is marked and highlighted."""
        super().__init__()
        self._title_said = title
        self._placeholder = placeholder
        self.picks: tuple[Pick, ...] = tuple(picks)
        self.current = current

    def compose(self) -> ComposeResult:
        with Vertical(id="picker") as box:
            box.border_title = Content(self._title_said)
            box.border_subtitle = "Enter chooses · Esc goes back"
            yield Input(placeholder=self._placeholder, max_length=256)
            yield RowList(empty="Nothing fits", id="picks")
            yield Static("", id="picker-note", markup=False)

    def on_mount(self) -> None:
        self.rows.can_focus = False  # one place to type, one list below it
        self.offer()
        self.rows.move_cursor_to(self.current)

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    @property
    def query_text(self) -> str:
        """What is typed, without the space around it."""
        return self.query_one(Input).value.strip()

    def fitting(self) -> list[Pick]:
        """What is offered for what is typed."""
        return ranked(self.picks, self.query_text)

    def offer(self) -> None:
        """Show what fits."""
        self.rows.show_rows(
            [
                Row(
                    pick.value,
                    safe_line(pick.name, 200),
                    safe_line(pick.aside, 60),
                    current=pick.value == self.current,
                )
                for pick in self.fitting()
            ]
        )

    def note(self, sentence: str) -> None:
        self.query_one("#picker-note", Static).update(content(sentence, DIM))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.offer()
        self.rows.action_edge(-1)

    def action_rows(self, action: str, step: int) -> None:
        getattr(self.rows, f"action_{action}")(step)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (value := self.rows.cursor_key) is not None:
            self.dismiss(value)

    @on(RowList.Selected)
    def _selected(self, event: RowList.Selected) -> None:
        event.stop()
        self.dismiss(event.key)
