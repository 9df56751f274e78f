"""Rows one below the other: their lines, drawn when asked for, and ways from line to line.

Knows nothing of widgets, nor of what is in view. Heights of what nobody looked at are estimates;
each is corrected as soon as the piece is drawn.
"""

from __future__ import annotations

from typing import NamedTuple

from tui.transcript.layout import Heights
from tui.transcript.lines import Line
from tui.transcript.palette import Palette
from tui.transcript.rows import Row


class Place(NamedTuple):
    """A line of the transcript."""

    row: Row
    piece: int
    line: int


class RowLines:
    """The rows and their lines. ``drawn`` counts the pieces drawn so far."""

    def __init__(self, palette: Palette) -> None:
        self.rows: list[Row] = []
        self.keys: dict[str, Row] = {}
        self.palette = palette
        self.width = 80
        self.drawn = 0
        self._heights = Heights()
        self._recent: dict[Row, None] = {}

    @property
    def total(self) -> int:
        """The number of all lines, with estimates in it."""
        return self._heights.total

    def line_number(self, row: Row) -> int:
        """The first line of ``row``, the blank ones before it included."""
        return self._heights.offset(row.index)

    def row_height(self, row: Row) -> int:
        return self._heights[row.index]

    def draw_row(self, row: Row) -> int:
        """Draw all of ``row`` (it is known to be small or wanted whole); returns its height."""
        self._build(row)
        for piece in range(len(row.heights)):
            self.lines(row, piece)
        return self._heights[row.index]

    def lines(self, row: Row, piece: int) -> list[Line]:
        """The lines of a piece, drawn if need be; heights are corrected."""
        assert row.pieces is not None
        each = row.pieces[piece]
        if not each.drawn(self.width, self.palette):
            self.drawn += 1
        lines = each.lines(self.width, self.palette)
        if row.heights[piece] != len(lines):
            row.heights.set(piece, len(lines))
            self._heights.set(row.index, row.heights.total)
        return lines

    def place_of(self, line: int) -> Place:
        """What is at ``line`` as heights are known now. Raises ``IndexError`` without rows."""
        index, rest = self._heights.find(line)
        row = self.rows[index]
        self._build(row)
        piece, rest = row.heights.find(rest)
        return Place(row, piece, rest)

    def build_row(self, row: Row) -> None:
        """Make the row's pieces, or bring them up to date."""
        self._build(row)

    def _build(self, row: Row) -> None:
        row.build(self.width)
        self._heights.set(row.index, row.heights.total)
        self._recent[row] = None

    def _holds(self, place: Place) -> bool:
        row, piece, _ = place
        return (
            row.index < len(self.rows)
            and self.rows[row.index] is row
            and row.pieces is not None
            and piece < len(row.pieces)
        )

    def _valid(self, place: Place) -> Place:
        """``place``, or the nearest that still exists after the row was made anew."""
        row, piece, line = place
        if row.pieces is None:
            self._build(row)
        piece = min(piece, len(row.heights) - 1)
        height = row.heights[piece]
        lines = len(self.lines(row, piece))
        if lines != height and height > 1:
            line = line * lines // height
        if lines:
            return Place(row, piece, min(line, lines - 1))
        return self._forward(Place(row, piece, 0), 0)

    def _line_of(self, place: Place) -> int:
        row, piece, line = place
        return self._heights.offset(row.index) + row.heights.offset(piece) + line

    def _locate(self, line: int) -> Place:
        place = self.place_of(line)
        return self._valid(place)

    def _end(self) -> Place:
        row = self.rows[-1]
        self._build(row)
        piece = len(row.heights) - 1
        height = len(self.lines(row, piece))
        return Place(row, piece, max(0, height - 1))

    def _forward(self, place: Place, count: int) -> Place:
        """``count`` lines further down, or the last line."""
        row, piece, line = place
        while True:
            height = len(self.lines(row, piece))
            if line + count < height:
                return Place(row, piece, line + count)
            count -= height - line
            line = 0
            if piece + 1 < len(row.heights):
                piece += 1
            elif row.index + 1 < len(self.rows):
                row, piece = self.rows[row.index + 1], 0
                if row.pieces is None:
                    self._build(row)
            else:
                return self._end()

    def _back(self, place: Place, count: int) -> Place:
        """``count`` lines further up, or the first line."""
        row, piece, line = place
        while count > line:
            count -= line
            if piece > 0:
                piece -= 1
            elif row.index > 0:
                row = self.rows[row.index - 1]
                if row.pieces is None:
                    self._build(row)
                piece = len(row.heights) - 1
            else:
                return Place(row, 0, 0)
            line = len(self.lines(row, piece))
        return Place(row, piece, line - count)
