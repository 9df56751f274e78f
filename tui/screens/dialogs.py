"""Small questions: a yes before something is deleted, a line of text for a new title."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui.text import content, safe_line
from tui.widgets.choice import Choice

DIALOG_CSS = """
    align: center middle;
    background: $background 60%;
    #dialog {
        width: 64;
        max-width: 95%;
        height: auto;
        max-height: 95%;
        border: round $border;
        border-title-color: $accent;
        border-title-style: bold;
        padding: 1 2;
        background: $surface;
    }
    #dialog-buttons { height: 1; margin: 1 0 0 0; }
    Input { border: round $border-blurred; background: $background; padding: 0 1; height: 3; }
    Input:focus { border: heavy $border; }
"""


class ConfirmScreen(ModalScreen[bool]):
    """A question with a yes; the focus is on the answer that changes nothing."""

    DEFAULT_CSS = "ConfirmScreen {" + DIALOG_CSS + "}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "dismiss(False)", "No", show=False),
        Binding("y", "dismiss(True)", "Yes", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, title: str, question: Content, *, yes: str, no: str = "Keep") -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Static(self._question, markup=False)
            with Horizontal(id="dialog-buttons"):
                yield Choice(self._no, "n", id="no")
                yield Choice(self._yes, "y", id="yes")

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class LineScreen(ModalScreen[str | None]):
    """Asks for one line of text; None when the user went back."""

    DEFAULT_CSS = "LineScreen {" + DIALOG_CSS + "}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False),
    ]

    def __init__(self, title: str, value: str, *, hint: str) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Input(safe_line(self._value), id="line", max_length=256)
            yield Static(content(self._hint, "$footer-description-foreground"), markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(safe_line(event.value).strip())
