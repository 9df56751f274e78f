"""Text shown literally: nothing is left out, hidden characters are visible escapes.

For what somebody has to judge before it runs. Long text scrolls; only visible lines are drawn.
"""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.errors import NoWidget
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.text import visible

_GUTTER = 2
"""Cells at the left that tell a line broken by the view from one broken by the text."""
_ESCAPE = re.compile(r"(\\u\{[0-9A-Fa-f]+\})")


def broken(line: str, room: int) -> list[str]:
    """``line`` in pieces of at most ``room`` cells; an escape stays in one piece where it fits."""
    if cell_len(line) <= room:
        return [line]
    pieces, used = [""], 0
    for number, part in enumerate(_ESCAPE.split(line)):
        escape = number % 2 == 1 and len(part) <= room
        if escape and used + len(part) > room:
            pieces.append("")
            used = 0
        if part and not escape:
            head = chop_cells(part, room - used)[0] if used < room else ""
            if used + cell_len(head) > room:
                head = ""
            pieces[-1] += head
            rest = part[len(head) :]
            pieces += chop_cells(rest, room) if rest else []
        else:
            pieces[-1] += part
        used = cell_len(pieces[-1])
    return pieces


class LiteralView(ScrollView, can_focus=True):
    """Shows ``text`` wrapped to its width, and says once when its last line was on screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "literal-view--text",
        "literal-view--escape",
        "literal-view--gutter",
    }
    DEFAULT_CSS = """
    LiteralView {
        height: auto;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        background: $surface;
        padding: 0 1;
        & > .literal-view--text { color: $foreground; }
        & > .literal-view--gutter { color: $footer-description-foreground; }
        & > .literal-view--escape { color: $warning; text-style: bold underline; }
        &:focus { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown,space", "page_down", "Page down", show=False),
        Binding("ctrl+u", "half_page(-1)", "Half a page up", show=False),
        Binding("ctrl+d", "half_page(1)", "Half a page down", show=False),
        Binding("home,g", "scroll_home", "Start", show=False),
        Binding("end,G", "scroll_end", "End", show=False),
    ]

    def action_half_page(self, direction: int) -> None:
        half = max(1, self.scrollable_content_region.height // 2)
        self.scroll_relative(y=direction * half, animate=False)

    class EndShown(Message):
        """The last line was on screen."""

    class Moved(Message):
        """Other lines than before are on screen."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._source = text
        self._lines: list[str] = []
        self._starts: list[bool] = []
        self._wrapped_to = 0
        self.end_shown = False

    @property
    def line_count(self) -> int:
        """Lines at the current width."""
        return len(self._lines)

    @property
    def shown_lines(self) -> tuple[int, int]:
        """First and last line on screen, counted from 1."""
        top = self.scroll_offset.y
        bottom = min(self.line_count, top + self._height_in_view)
        return min(top + 1, self.line_count), bottom

    def show(self, text: str) -> None:
        """Replace the text; its end counts as not shown."""
        self._source = text
        self._wrapped_to = 0
        self.end_shown = False
        self.scroll_to(y=0, animate=False, force=True)
        self._wrap()
        self.refresh(layout=True)
        self.call_after_refresh(self.look)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        if width != self._wrapped_to:
            self._wrap(width)
        return max(1, self.line_count)

    def on_resize(self) -> None:
        self._wrap()
        self.call_after_refresh(self.look)

    def _wrap(self, width: int | None = None) -> None:
        room = max(1, width if width is not None else self.scrollable_content_region.width)
        if room != self._wrapped_to:
            self._wrapped_to = room
            self._lines, self._starts = [], []
            for line in self._source.split("\n"):
                pieces = broken(visible(line), max(1, room - _GUTTER))
                self._lines += pieces
                self._starts += [True] + [False] * (len(pieces) - 1)
        self.virtual_size = Size(room, self.line_count)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.look()

    @property
    def _height_in_view(self) -> int:
        """Lines that are really on the screen: on a low one, what is around may cut this off."""
        try:
            in_view = self.screen.find_widget(self).visible_region.height
        except NoWidget:
            return 0
        return min(self.scrollable_content_region.height, in_view)

    def look(self) -> None:
        """Note what is on the screen now."""
        height = self._height_in_view
        if not self.is_mounted or height < 1 or not self.display:
            return
        self.post_message(self.Moved())
        if not self.end_shown and self.scroll_offset.y + height >= self.line_count:
            self.end_shown = True
            self.post_message(self.EndShown())

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if index >= self.line_count:
            return Strip.blank(width, self.rich_style)
        plain = self.get_component_rich_style("literal-view--text")
        marked = self.get_component_rich_style("literal-view--escape")
        gutter = self.get_component_rich_style("literal-view--gutter")
        parts = _ESCAPE.split(self._lines[index])
        segments = [Segment("  " if self._starts[index] else "↪ ", gutter)]
        segments += [
            Segment(part, marked if number % 2 else plain)
            for number, part in enumerate(parts)
            if part
        ]
        return Strip(segments).adjust_cell_length(width, plain)
