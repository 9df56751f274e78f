"""Long text to read: wrapped, scrolled, selected; only the lines on the screen are drawn."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.text import safe

_BREAK = "\\n"
"""A line end inside a JSON string. The line is broken behind it, which a long prompt needs."""
_INDENT = 2
_LONG = 4000
"""Characters from which words are cut: looking for gaps in megabytes would be felt."""


def _broken(text: str, first: int, room: int) -> list[str]:
    """``text`` in rows of ``room`` cells, the first of ``first``; between words where it can be."""
    if len(text) <= first and text.isascii():
        return [text]
    if len(text) > _LONG and text.isascii():
        rest = range(first, len(text), room)
        return [text[:first], *(text[start : start + room] for start in rest)]
    if len(text) > _LONG:
        return chop_cells(text, room)
    rows: list[str] = []
    while cell_len(text) > first:
        head = chop_cells(text[: first + 1], first)[0]
        gap = head.rfind(" ") + 1  # one in the second half of the row
        head = head[:gap] if gap > len(head) // 2 else head
        rows.append(head)
        text = text[len(head) :]
        first = room
    return [*rows, text]


class TextPane(ScrollView, can_focus=True):
    """Shows text that need not be safe. A line broken by the pane begins with an arrow."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-pane--text",
        "text-pane--heading",
        "text-pane--gutter",
    }
    DEFAULT_CSS = """
    TextPane {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        padding: 0 1;
        & > .text-pane--text { color: $foreground; }
        & > .text-pane--heading { color: $accent; text-style: bold; }
        & > .text-pane--gutter { color: $footer-description-foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown,space", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "Start", show=False),
        Binding("end,G", "scroll_end", "End", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[str] = []
        self._headings: frozenset[str] = frozenset()
        self._starts: list[int] = [0]
        self._pieces: dict[int, list[str]] = {}
        self._room = 0

    def show(self, text: str, headings: frozenset[str] = frozenset()) -> None:
        """Replace the text; lines that are one of ``headings`` stand out."""
        self._lines = safe(text).split("\n")
        self._headings = headings
        self._wrap()
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    @property
    def line_count(self) -> int:
        """Lines at the current width."""
        return self._starts[-1]

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._room:
            self._wrap()
            self.refresh()

    def _wrap(self) -> None:
        """Count each line's rows; their texts are made when they are drawn."""
        self._room = max(_INDENT + 2, self.scrollable_content_region.width)
        self._pieces.clear()
        self._starts = [0, *accumulate(map(self._rows_of, self._lines))]
        self.virtual_size = Size(self._room, self.line_count)

    def _rows_of(self, line: str) -> int:
        if _BREAK not in line and line.isascii() and len(line) <= self._room:
            return 1
        return len(self._broken(line))

    def _broken(self, line: str) -> list[str]:
        parts = [part + _BREAK for part in line.split(_BREAK)]
        parts[-1] = parts[-1].removesuffix(_BREAK)
        if len(parts) > 1 and len(parts[-1]) < 3:  # only the end of the JSON string
            last = parts.pop()
            parts[-1] += last
        rows: list[str] = []
        for part in parts:
            rows += _broken(part, self._room - (_INDENT if rows else 0), self._room - _INDENT)
        return rows

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if row >= self.line_count:
            return Strip.blank(width, self.rich_style)
        number = bisect_right(self._starts, row) - 1
        line = self._lines[number]
        if number not in self._pieces:
            if len(self._pieces) > 200:
                self._pieces.clear()
            self._pieces[number] = self._broken(line)
        at = row - self._starts[number]
        text = self._pieces[number][at]
        name = "text-pane--heading" if line in self._headings else "text-pane--text"
        style = self.get_component_rich_style(name)
        segments = [Segment(text, style)]
        if at:
            segments.insert(0, Segment("↪ ", self.get_component_rich_style("text-pane--gutter")))
        strip = Strip(segments).adjust_cell_length(width, style)
        return self._selected(strip, row).apply_offsets(0, row)

    def _selected(self, strip: Strip, row: int) -> Strip:
        if (selection := self.text_selection) is None or (span := selection.get_span(row)) is None:
            return strip
        start, end = span
        end = strip.cell_length if end == -1 else min(end, strip.cell_length)
        if start >= end:
            return strip
        before, marked, after = strip.divide([start, end, strip.cell_length])
        style = self.screen.get_component_rich_style("screen--selection")
        return Strip.join([before, marked.apply_style(style), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        rows = [row for line in self._lines for row in self._marked(line)]
        return selection.extract("\n".join(rows)), "\n"

    def _marked(self, line: str) -> list[str]:
        first, *rest = self._broken(line)
        return [first, *(f"↪ {row}" for row in rest)]

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
