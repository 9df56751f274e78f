"""The message box: takes keys from the first paint on, and never loses what it was given."""

from __future__ import annotations

from textual.message import Message

from tui.text import safe, safe_line
from tui.widgets.entry_field import EntryField


class Composer(EntryField):
    DEFAULT_CSS = """
    Composer {
        margin: 0;
    }
    """

    class PageWanted(Message):
        """A page key in a message that is wholly in view: the conversation is meant."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(hint="Message", id=id)

    def address(self, name: str) -> None:
        """Say in the empty box who would read the message; ``name`` need not be safe."""
        shown = safe_line(name, 60)
        self.hint(f"Message {shown}" if shown else "Message")

    def take(self) -> str:
        """The text, out of the box."""
        text = self.text
        self.clear()
        return text

    def put(self, text: str) -> None:
        """Replace the text, as an editor does; ``text`` need not be safe."""
        self.text = safe(text)
        self.move_cursor(self.document.end)
        self.focus()

    def give_back(self, text: str) -> None:
        """Put text back that could not be sent, before whatever was typed since."""
        typed = self.text
        self.text = f"{text}\n\n{typed}" if typed.strip() else text
        self.move_cursor(self.document.end)

    @property
    def _wholly_in_view(self) -> bool:
        return self.virtual_size.height <= self.scrollable_content_region.height

    def action_cursor_page_up(self) -> None:
        if self._wholly_in_view:
            self.post_message(self.PageWanted(-1))
        else:
            super().action_cursor_page_up()

    def action_cursor_page_down(self) -> None:
        if self._wholly_in_view:
            self.post_message(self.PageWanted(1))
        else:
            super().action_cursor_page_down()
