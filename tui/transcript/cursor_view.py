"""The cursor over messages and their blocks, and the selection that keys make."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.selection import Selection

from tui.transcript.block_parts import Block, blocks_of
from tui.transcript.entries import MessageEntry
from tui.transcript.find_view import FindView
from tui.transcript.row_lines import Place
from tui.transcript.rows import Row
from tui.transcript.window_view import GUTTER, Bar

FAR = 100_000
"""A column beyond the end of any line."""


class CursorView(FindView):
    """The cursor is on an entry as a whole, or on one of its blocks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+pageup", "select('page', -1)", show=False, id="transcript.select_page_up"),
        Binding(
            "shift+pagedown", "select('page', 1)", show=False, id="transcript.select_page_down"
        ),
        Binding("shift+home", "select('end', -1)", show=False, id="transcript.select_home"),
        Binding("shift+end", "select('end', 1)", show=False, id="transcript.select_end"),
        Binding("shift+left", "select('cell', -1)", show=False, id="transcript.select_left"),
        Binding("shift+right", "select('cell', 1)", show=False, id="transcript.select_right"),
    ]

    _cursor: str | None = None
    _block: int | None = None  # which block of the entry; None is the entry as a whole
    _selecting: tuple[Offset, Offset] | None = None  # where a selection by keys began, and is now

    @property
    def cursor(self) -> str | None:
        """The key of the entry under the cursor."""
        return self._cursor

    def marked(self) -> tuple[Row, Block | None] | None:
        """The entry and the block under the cursor; None while it is nowhere."""
        row = self.window.keys.get(self._cursor or "")
        if row is None:
            return None
        if self._block is None:
            return row, None
        if row.pieces is None:
            row.build(self.window.width)
        blocks = blocks_of(row)
        return row, blocks[min(self._block, len(blocks) - 1)] if blocks else None

    def mark(self, key: str | None, block: int | None = None) -> None:
        """Put the cursor on an entry or one of its blocks; nothing scrolls."""
        self._cursor, self._block = key, block
        self._selecting = None
        self.refresh()
        self.post_message_when_marked()

    def post_message_when_marked(self) -> None:
        """Called when the cursor moved."""

    def bar(self, place: Place) -> Bar | None:
        palette = self.window.palette
        row = place.row
        if row.entry.key == self._cursor:
            marked = self.marked()
            block = marked[1] if marked is not None else None
            if block is None or (
                block.first <= place.piece <= block.last and not self._before(place, block)
            ):
                return ("▌ ", palette.accent)
        if isinstance(row.entry, MessageEntry) and row.entry.own:
            return ("▎ ", palette.secondary)
        return None

    @staticmethod
    def _before(place: Place, block: Block) -> bool:
        """Whether this is a blank line before the block."""
        pieces = place.row.pieces
        return (
            pieces is not None
            and place.piece == block.first
            and place.line < pieces[block.first].gap
        )

    def action_cursor(self, step: int) -> None:
        """Move the cursor over the entries; from the end of the view when it is nowhere."""
        window = self.window
        if not window.rows:
            return
        row = window.keys.get(self._cursor or "")
        if row is None:
            row = window.shown[-1].place.row if window.shown else window.rows[-1]
        elif self._block is not None and step < 0:
            pass  # first out of the block, to its message
        else:
            row = window.rows[min(max(0, row.index + step), len(window.rows) - 1)]
        self.mark(row.entry.key)
        self.reveal(row)

    def action_block(self, step: int) -> None:
        """Move the cursor from block to block, and from message to message at their ends."""
        window = self.window
        row = window.keys.get(self._cursor or "")
        if row is None:
            self.action_cursor(step)
            return
        window.build_row(row)
        blocks = blocks_of(row)
        at = -1 if self._block is None else min(self._block, len(blocks) - 1)
        if at + step < -1:
            if row.index == 0:
                return
            row = window.rows[row.index - 1]
            window.build_row(row)
            at = len(blocks_of(row)) - 1
        elif at + step >= len(blocks):
            if row.index + 1 >= len(window.rows):
                return
            row = window.rows[row.index + 1]
            at = -1
        else:
            at += step
        self.mark(row.entry.key, None if at < 0 else at)
        self._reveal_marked()

    def _reveal_marked(self) -> None:
        marked = self.marked()
        if marked is None:
            return
        row, block = marked
        if block is None:
            self.reveal(row)
            return
        window = self.window
        lines = [
            Place(row, piece, line)
            for piece in range(block.first, block.last + 1)
            for line in range(len(window.lines(row, piece)))
        ]
        gap = row.pieces[block.first].gap if row.pieces else 0
        lines = lines[gap:] or lines
        # Its end first, then its beginning: of what is longer than the view one sees the beginning.
        if len(lines) <= window.height:
            window.reveal_line(lines[-1])
        window.reveal_line(lines[0])
        self._tell_place()
        self.refresh()
        self.settled()

    # Selecting by keys

    def action_select(self, unit: str, direction: int) -> None:
        """Extend the selection by a line, a page, a character, or to the end of everything."""
        window = self.window
        if not window.rows or not window.shown:
            return
        selection = self.text_selection
        if self._selecting is None or selection is None:
            self._selecting = self._beginning(direction)
        start, head = self._selecting
        last = window.total - 1
        line = head.y - window.origin
        x = head.x
        if unit == "cell":
            length = GUTTER + len(self._text_at(line).rstrip())
            x = min(x, length) + direction
            if x < GUTTER and line > 0:
                line, x = line - 1, FAR
            elif x > length and line < last:
                line, x = line + 1, GUTTER
            x = max(GUTTER, x)
        elif unit == "end":
            line, x = (0, 0) if direction < 0 else (last, FAR)
        else:
            step = 1 if unit == "line" else max(1, window.height - 1)
            line += direction * step
            if line < 0 or line > last:
                x = 0 if line < 0 else FAR
            line = min(max(0, line), last)
        head = Offset(x, line + window.origin)
        self._selecting = (start, head)
        first, end = sorted((start, head), key=lambda at: (at.y, at.x))
        self.screen.selections = {self: Selection(first, end)}
        self._show_line(line)

    def _beginning(self, direction: int) -> tuple[Offset, Offset]:
        """Where a selection by keys begins: at the marked block, else at the edge of the view."""
        window = self.window
        marked = self.marked()
        if marked is not None and any(each.place.row is marked[0] for each in window.shown):
            row, block = marked
            piece = block.first if block is not None else 0
            gap = row.pieces[piece].gap if row.pieces else 0
            line = window.number_of(Place(row, piece, gap))
        else:
            line = window.top if direction > 0 else window.top + len(window.shown) - 1
        at = Offset(GUTTER if direction > 0 else FAR, line + window.origin)
        return at, at

    def _text_at(self, line: int) -> str:
        row, piece, number = self.window.place_of(line)
        lines = self.window.lines(row, piece)
        return lines[number].text if number < len(lines) else ""

    def _show_line(self, line: int) -> None:
        window = self.window
        if line < window.top:
            self.go(line)
        elif line >= window.top + window.height:
            self.go(line - window.height + 1)
