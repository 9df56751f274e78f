"""The line above the message box in which text of the conversation is looked for."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from tui.text import content, safe_line


class FindBar(Vertical):
    """A field and how many matches there are; Esc closes it and leaves the view where it is."""

    DEFAULT_CSS = """
    FindBar {
        height: 3;
        border: round $border;
        border-title-color: $accent;
        border-title-style: bold;
        border-subtitle-color: $footer-description-foreground;
        padding: 0 1;
        background: $background;
        Input, Input:focus {
            border: none;
            height: 1;
            padding: 0;
            background: $background;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+enter", "step(-1)", "Previous", show=False),
        Binding("down", "step(1)", "Next", show=False),
        Binding("escape", "close", "Close", show=False),
    ]

    class Changed(Message):
        """Another text is looked for."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Step(Message):
        """The next match is wanted (1), or the previous one (-1)."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    class Closed(Message):
        """Nothing is looked for any more."""

    def compose(self) -> ComposeResult:
        self.border_title = "Find"
        yield Input(id="find-text", max_length=1_000)

    @property
    def field(self) -> Input:
        return self.query_one(Input)

    def open(self, query: str) -> None:
        """Take the focus, with ``query`` selected so that typing replaces it."""
        if query and not self.field.value:
            self.field.value = safe_line(query)
        # At once, not by way of the app's queue: what is typed with the key already waits there.
        self.screen.set_focus(self.field)
        self.field.select_all()

    def tell(self, text: str) -> None:
        """Say where one is; ``text`` need not be safe."""
        self.border_subtitle = content(text) if text else Content()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Step(1))

    def action_step(self, direction: int) -> None:
        self.post_message(self.Step(direction))

    def action_close(self) -> None:
        self.post_message(self.Closed())
