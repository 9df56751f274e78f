"""A text field in which Enter finishes and Ctrl+J breaks the line."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from tui.commands import bindings
from tui.text import content, safe


def typed(event: events.Key) -> str:
    """The character a key writes, empty for one that writes nothing.

    A plain terminal sends Alt with a letter as Escape and the letter: a key, and no text.
    """
    written = event.is_printable and not event.key.startswith("alt+")
    return (event.character or "") if written else ""


class EntryField(TextArea):
    """Grows with its text up to ``max-height``. The keys of a text editor are TextArea's."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("composer")
    DEFAULT_CSS = """
    EntryField {
        height: auto;
        max-height: 12;
        border: round $border-blurred;
        padding: 0 1;
        background: $background;
        scrollbar-size-vertical: 1;
        &:focus { border: heavy $border; }
        & .text-area--placeholder { color: $footer-description-foreground; }
    }
    """

    class Submitted(Message):
        """Enter was pressed; the text is still in the field."""

        def __init__(self, field: EntryField, text: str) -> None:
            super().__init__()
            self.field = field
            self.text = text

        @property
        def control(self) -> EntryField:
            return self.field

    def __init__(self, *, hint: str = "", id: str | None = None) -> None:
        super().__init__(
            id=id,
            placeholder=content(hint),
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            tab_behavior="focus",
        )
        self.settled = asyncio.Event()
        """Clear from Enter until whoever took the text is done with it, and sets it again."""
        self.settled.set()

    def hint(self, text: str) -> None:
        """What the empty field says. As content: a plain string would be read as markup."""
        self.placeholder = content(text)

    def render_line(self, y: int) -> Strip:
        if self.scrollable_content_region.width < 1:
            return Strip.blank(0)  # TextArea cannot wrap its placeholder into nothing
        return super().render_line(y)

    # These keys overtake the letters typed before them, which still wait in this field's queue
    # when they come in one burst: so what they do waits at the end of the same queue.

    def action_send(self) -> None:
        self.settled.clear()
        self.call_later(self._send)

    def action_newline(self) -> None:
        self.call_later(self._break_line)

    def _send(self) -> None:
        self.post_message(self.Submitted(self, self.text))

    def _break_line(self) -> None:
        self.insert("\n")
        self.scroll_cursor_visible()

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and not typed(event):
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        """What is pasted is shown as it will be sent: control characters do not get in."""
        event.prevent_default()
        event.stop()
        pasted = safe(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        self.replace(pasted, *self.selection, maintain_selection_offset=False)
        self.focus()
