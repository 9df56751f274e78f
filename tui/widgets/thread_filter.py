"""The line in which the thread list is filtered; not there until it is wanted."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class ThreadFilter(Input):
    DEFAULT_CSS = """
    ThreadFilter {
        display: none;
        height: 3;
        border: round $border-blurred;
        background: $background;
        padding: 0 1;
        &:focus { border: heavy $border; }
        &.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close the filter", show=False),
        Binding("down", "leave", "To the threads", show=False),
    ]

    class Wanted(Message):
        """Only titles that hold ``query`` are wanted."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Left(Message):
        """The user goes on to the list; ``chosen`` when its highlighted thread is wanted."""

        def __init__(self, chosen: bool) -> None:
            super().__init__()
            self.chosen = chosen

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder="Find a title", id=id, max_length=200)

    def open(self) -> None:
        self.add_class("-open")
        self.focus()

    def action_close(self) -> None:
        self.value = ""
        self.remove_class("-open")
        self.post_message(self.Left(chosen=False))

    def action_leave(self) -> None:
        self.post_message(self.Left(chosen=False))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Wanted(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left(chosen=True))
