"""Find in the conversation: which matches there are, which one is the current one."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import NamedTuple

from tui.transcript.lines import Line
from tui.transcript.matching import Match, Span, count_slices, matches_in
from tui.transcript.pieces import Piece
from tui.transcript.row_lines import Place
from tui.transcript.rows import Row
from tui.transcript.window import Window

PATIENCE = 0.008
"""Seconds of counting between two looks at what else is to do."""
MOST_MORE = 12
"""How many times more of a very long text is shown on the way to a match in it."""
KEPT = 400


class Found(NamedTuple):
    """A match: the row's key, the piece, and its number among the piece's matches."""

    key: str
    piece: int
    number: int


class Finder:
    """The matches of one pattern in the rows of a window.

    ``current`` is the match the reader is at. Counts of rows that nobody drew are of their source
    text; a row that is visited is counted as drawn.
    """

    def __init__(self, window: Window, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.current: Found | None = None
        self._window = window
        self._counts: dict[str, tuple[object, int]] = {}
        self._drawn: dict[Piece, tuple[list[Line], list[Match]]] = {}

    # Counting

    async def count(self) -> int:
        """Count in all rows, those of before only when their text changed; lets others work."""
        began = monotonic()
        for row in list(self._window.rows):
            stamp = self._stamp(row)
            if self._counts.get(row.entry.key, (None, 0))[0] == stamp:
                continue
            total = 0
            for found in count_slices(row.current(), self.pattern):
                total += found
                if monotonic() - began > PATIENCE:
                    await asyncio.sleep(0)
                    began = monotonic()
            self._counts[row.entry.key] = (stamp, total)
        return self.total

    @property
    def total(self) -> int:
        return sum(self._count(row) for row in self._window.rows)

    @property
    def position(self) -> int:
        """Which match the current one is, counted from the first; 0 without one."""
        current = self.current
        row = self._window.keys.get(current.key) if current is not None else None
        if current is None or row is None:
            return 0
        before = sum(self._count(each) for each in self._window.rows[: row.index])
        places = self._places(row)
        return before + (bisect_left(places, current) + 1 if current in places else 1)

    def _count(self, row: Row) -> int:
        return self._counts.get(row.entry.key, (None, 0))[1]

    @staticmethod
    def _stamp(row: Row) -> object:
        return (id(row.entry), row.length)

    # Where matches are

    def matches(self, piece: Piece, lines: list[Line]) -> list[Match]:
        """The matches in a drawn piece."""
        known = self._drawn.get(piece)
        if known is None or known[0] is not lines:
            if len(self._drawn) > KEPT:
                self._drawn.clear()
            known = self._drawn[piece] = (lines, matches_in(lines, self.pattern))
        return known[1]

    def spans(self, place: Place, lines: list[Line]) -> Iterator[tuple[Span, bool]]:
        """What to mark in a line, and whether it is the current match."""
        row, piece, line = place
        if row.pieces is None:
            return
        for number, match in enumerate(self.matches(row.pieces[piece], lines)):
            for span in match:
                if span.line == line:
                    yield span, self.current == (row.entry.key, piece, number)

    def _places(self, row: Row) -> list[Found]:
        """All matches of a row as it is drawn now."""
        window = self._window
        window.draw_row(row)
        key = row.entry.key
        return [
            Found(key, at, number)
            for at, piece in enumerate(row.pieces or ())
            if piece.searched
            for number in range(len(self.matches(piece, window.lines(row, at))))
        ]

    def _exact(self, row: Row) -> list[Found]:
        """The matches of a row that the reader comes to; what hides some of them is opened."""
        window = self._window
        wanted = self._count(row)
        if row.folds and not row.opened and wanted > len(self._places(row)):
            window.toggle(row)
        places = self._places(row)
        for _ in range(MOST_MORE):
            if len(places) >= wanted or not row.hidden:
                break
            window.show_more(row)
            places = self._places(row)
        self._counts[row.entry.key] = (self._stamp(row), len(places))
        return places

    # Going from match to match

    def begin(self) -> bool:
        """Go to the last match in view, else to the nearest above, else to the nearest below."""
        window = self._window
        shown = [each.place for each in window.shown]
        if not shown:
            return False
        seen = {(place.row.entry.key, place.piece, place.line) for place in shown}
        for row in dict.fromkeys(place.row for place in reversed(shown)):
            for found in reversed(self._exact(row) if self._count(row) else []):
                if (found.key, found.piece, self._line_of(row, found)) in seen:
                    self.current = found
                    return True
        top = shown[0].row.index
        return self._enter(reversed(range(top + 1)), -1) or self._enter(
            range(top, len(window.rows)), 1
        )

    def step(self, direction: int) -> bool:
        """Go to the next match (1) or the previous one (-1); False when there is none further."""
        window = self._window
        current = self.current
        row = window.keys.get(current.key) if current is not None else None
        if current is None or row is None:
            return self.begin()
        places = self._places(row)
        further = [place for place in places if (place > current) == (direction > 0)]
        further = [place for place in further if place != current]
        if further:
            self.current = further[0] if direction > 0 else further[-1]
            return True
        indexes: Sequence[int] = (
            range(row.index + 1, len(window.rows))
            if direction > 0
            else range(row.index - 1, -1, -1)
        )
        return self._enter(indexes, direction)

    def wrap(self, direction: int) -> bool:
        """Go on at the other end."""
        count = len(self._window.rows)
        indexes = range(count) if direction > 0 else range(count - 1, -1, -1)
        return self._enter(indexes, direction)

    def _enter(self, indexes: Sequence[int] | Iterator[int], direction: int) -> bool:
        """Go to the first match (the last one, going back) in the first row that has any."""
        rows = self._window.rows
        for index in indexes:
            if self._count(rows[index]) and (places := self._exact(rows[index])):
                self.current = places[0] if direction > 0 else places[-1]
                return True
        return False

    def place(self) -> Place | None:
        """The first line of the current match."""
        current = self.current
        row = self._window.keys.get(current.key) if current is not None else None
        if current is None or row is None:
            return None
        if row.pieces is None:
            row.build(self._window.width)
        return Place(row, current.piece, self._line_of(row, current))

    def _line_of(self, row: Row, found: Found) -> int:
        assert row.pieces is not None
        if found.piece >= len(row.pieces):
            return 0
        found_here = self.matches(row.pieces[found.piece], self._window.lines(row, found.piece))
        return found_here[found.number][0].line if found.number < len(found_here) else 0
