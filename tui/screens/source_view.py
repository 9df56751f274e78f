"""The passages behind a citation, on a screen of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from services.records import Passage, ServiceError
from tui.text import content, for_clipboard, safe_line
from tui.transcript.entries import Footnote

DIM = "$footer-description-foreground"


class SourceScreen(ModalScreen[str | None]):
    """Reads the passages when it opens; closes with a text to copy, or None."""

    DEFAULT_CSS = """
    SourceScreen {
        align: center middle;
        background: $background 60%;
        #source {
            width: 100;
            max-width: 95%;
            height: 90%;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            background: $surface;
        }
        VerticalScroll { padding: 1 2; scrollbar-size-vertical: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss(None)", "Close", show=False),
        Binding("c", "copy", "Copy", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(
        self, footnote: Footnote, passages: Callable[[], Awaitable[tuple[Passage, ...]]]
    ) -> None:
        super().__init__()
        self._footnote = footnote
        self._passages = passages
        self._found: tuple[Passage, ...] = ()

    def compose(self) -> ComposeResult:
        footnote = self._footnote
        with Vertical(id="source") as box:
            box.border_title = content(f"[{footnote.number}] {safe_line(footnote.label, 70)}")
            box.border_subtitle = "c copies the passage · Esc closes"
            with VerticalScroll():
                yield Static(content("Reading the passage …", DIM), id="passages", markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        static = self.query_one("#passages", Static)
        try:
            self._found = await self._passages()
        except ServiceError as error:
            static.update(content(error.sentence, "$text-error"))
            return
        if not self._found:
            told = "The run that found this passage does not hold its text any more."
            static.update(content(told, DIM))
            return
        lines: list[Content] = []
        for number, passage in enumerate(self._found):
            if number:
                lines += [Content(""), Content("")]
            lines += [self._heading(number, passage), Content(""), content(passage.text.strip())]
        static.update(Content("\n").join(lines))

    def _heading(self, number: int, passage: Passage) -> Content:
        if passage.cited:
            told = "The passage that is cited"
        elif number == 0 or (number == 1 and not self._found[0].cited):
            told = "Passages of this file that the search found"
        else:
            told = "Another passage of this file that the search found"
        return content(f"{told} · score {passage.score:.2f}", "bold $accent")

    def action_copy(self) -> None:
        if self._found:
            self.dismiss(for_clipboard(self._found[0].text))

    def action_scroll(self, direction: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=direction, animate=False)
