"""Which lines are in view: rows, their heights, and what the reader looks at.

Knows nothing of widgets. Heights of what nobody looked at are estimates; they are corrected when it
comes into view, and the line at the top of the view stays where it is while that happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tui.transcript.entries import Entry, StepEntry
from tui.transcript.layout import Heights
from tui.transcript.lines import Line
from tui.transcript.palette import Palette
from tui.transcript.row_lines import Place, RowLines
from tui.transcript.rows import Row

KEPT = 96  # rows whose pieces are kept after they left the view
NEAR = 4  # views within which scrolling counts lines instead of trusting estimates


class Shown(NamedTuple):
    """A line in view: where it belongs, and what it is (None: nothing is there)."""

    place: Place
    line: Line


class Window(RowLines):
    """The rows, and the part of them that is in view.

    ``top`` is the first line in view, ``total`` the number of all lines (with estimates in it),
    ``shown`` the lines in view after :meth:`settle`. ``origin`` is added to a line's number to get
    one that stays with the text while heights above it are corrected. ``raw`` tells that Markdown
    is shown as it was written.
    """

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette)
        self.height = 24
        self.follows = True
        self.raw = False
        self.top = 0
        self.origin = 0
        self.shown: list[Shown] = []
        self._anchor: Place | None = None

    # What there is

    def show(self, entries: Sequence[Entry]) -> None:
        """Replace everything and go to the end."""
        self.rows = [Row(entry, index) for index, entry in enumerate(entries)]
        self.keys = {row.entry.key: row for row in self.rows}
        if len(self.keys) != len(self.rows):
            self.rows = list(self.keys.values())
            self._number()
        self._recent.clear()
        self._anchor = None
        self.follows = True
        self.origin = 0
        self.raw = False
        before: Entry | None = None
        for row in self.rows:
            row.gap = _gap(before, row.entry)
            before = row.entry
        self._measure()

    def prepend(self, entries: Iterable[Entry]) -> None:
        """Older rows above; those already here are left alone."""
        new = [Row(entry, 0) for entry in entries if entry.key not in self.keys]
        self.set_raw(new, self.raw)
        self.keys.update((row.entry.key, row) for row in new)
        self.rows[:0] = new
        self._number()
        before: Entry | None = None
        for row in self.rows[: len(new) + 1]:
            row.set_gap(_gap(before, row.entry))
            before = row.entry
        self._measure()

    def put(self, entry: Entry) -> Row:
        """Append ``entry``, or replace the one with its key where it stands."""
        row = self.keys.get(entry.key)
        if row is None:
            row = Row(entry, len(self.rows))
            row.gap = _gap(self.rows[-1].entry if self.rows else None, entry)
            row.raw = self.raw
            self.rows.append(row)
            self.keys[entry.key] = row
            self._heights.append(row.estimate(self.width))
            return row
        row.replace(entry)
        self._update(row)
        return row

    def add_text(self, key: str, text: str) -> Row:
        """More text of the message ``key``. Raises ``KeyError``."""
        row = self.keys[key]
        row.add(text)
        self._update(row)
        return row

    def remove(self, key: str) -> None:
        row = self.keys.pop(key, None)
        if row is None:
            return
        index = row.index
        anchor = self._anchor
        if anchor is not None and anchor.row is row:
            after = self.rows[index + 1] if index + 1 < len(self.rows) else None
            self._anchor = None if after is None else Place(after, 0, 0)
        del self.rows[index]
        self._recent.pop(row, None)
        self._number()
        if index < len(self.rows):
            before = self.rows[index - 1].entry if index else None
            self.rows[index].set_gap(_gap(before, self.rows[index].entry))
        self._measure()

    def toggle(self, row: Row) -> None:
        """Open or close a fold."""
        row.toggle()
        self._build(row)

    def set_raw(self, rows: Iterable[Row], raw: bool) -> None:
        """Show Markdown as it was written, or rendered again."""
        for row in rows:
            row.set_raw(raw)
            if row in self._recent:
                self._build(row)

    def show_more(self, row: Row) -> None:
        """Show the next part of a very long text."""
        row.show_more()
        self._build(row)

    def _number(self) -> None:
        for index, row in enumerate(self.rows):
            row.index = index

    def _measure(self) -> None:
        width = self.width
        self._heights = Heights(
            row.heights.total if row.pieces is not None else row.estimate(width)
            for row in self.rows
        )

    def _update(self, row: Row) -> None:
        if row.pieces is None and row not in self._recent and not row.streams:
            self._heights.set(row.index, row.estimate(self.width))
        else:
            self._build(row)

    def resize(self, width: int, height: int) -> None:
        """The view has another size; widths change every height."""
        self.height = max(1, height)
        if width == self.width:
            return
        self.width = width
        for row in self._recent:
            if row.pieces is not None:
                row.guess_heights(width)
        self._measure()

    # Where the reader is

    def settle(self) -> None:
        """Draw what is in view, correct heights, and find :attr:`top` and :attr:`shown`."""
        mark = self._anchor
        before = self.top
        if not self.rows:
            self.top, self.shown, self._anchor = 0, [], None
            return
        if self.follows or mark is None:
            place = self._back(self._end(), self.height - 1)
        else:
            place = self._valid(mark)
        shown = self._view(place)
        if len(shown) < self.height and place != (self.rows[0], 0, 0):
            place = self._back(self._end(), self.height - 1)
            shown = self._view(place)
        self._anchor, self.shown = place, shown
        self.top = self._line_of(place)
        if mark is not None and self._holds(mark):
            self.origin += before - self._line_of(mark)
        self._keep_few()

    def scroll_to(self, line: int) -> None:
        """The reader wants ``line`` at the top. Follows the end again when that is reached."""
        if not self.rows:
            return
        last = max(0, self.total - self.height)
        change = line - self.top
        anchor = self._anchor
        if line >= last:
            self.follows = True
        else:
            self.follows = False
            if line <= 0:
                place = Place(self.rows[0], 0, 0)
            elif anchor is not None and self._holds(anchor) and abs(change) <= NEAR * self.height:
                anchor = self._valid(anchor)
                place = self._forward(anchor, change) if change > 0 else self._back(anchor, -change)
            else:
                place = self._locate(line)
            self._rebase(place)
        self.settle()
        if self.top >= self.total - self.height:
            self.follows = True

    def reveal(self, row: Row) -> None:
        """Have ``row`` in view, its beginning unless all of it is."""
        lines = [number for number, each in enumerate(self.shown) if each.place.row is row]
        height = self.row_height(row)
        if not lines or (len(lines) < height and not row.gap <= lines[0] < self.height // 2):
            self._build(row)
            self.follows = False
            self._rebase(Place(row, 0, 0))
        self.settle()
        self.follows = self.top >= self.total - self.height

    def reveal_line(self, place: Place) -> None:
        """Have this one line in view, a third from the top unless it is there already."""
        row, piece, line = place
        if row.pieces is None:
            self._build(row)
        if not any(each.place == place for each in self.shown):
            self.follows = False
            height = len(self.lines(row, piece))
            start = Place(row, piece, min(line, max(0, height - 1)))
            self._rebase(self._back(start, self.height // 3))
        self.settle()
        self.follows = self.top >= self.total - self.height

    def number_of(self, place: Place) -> int:
        """The line's number, counted from the first row."""
        return self._line_of(place)

    def _rebase(self, place: Place) -> None:
        """Begin at ``place``; numbers that stay with the text go on from the old anchor."""
        mark, before = self._anchor, self.top
        if mark is not None and self._holds(mark):
            self.origin += before - self._line_of(mark)
        self._anchor = place
        self.top = self._line_of(place)

    def _view(self, place: Place) -> list[Shown]:
        """The lines from ``place`` on that are in view."""
        shown: list[Shown] = []
        row, piece, line = place
        while len(shown) < self.height:
            lines = self.lines(row, piece)
            stop = min(len(lines), line + self.height - len(shown))
            shown += [Shown(Place(row, piece, at), lines[at]) for at in range(line, stop)]
            line = 0
            if piece + 1 < len(row.heights):
                piece += 1
            elif row.index + 1 < len(self.rows):
                row, piece = self.rows[row.index + 1], 0
                if row.pieces is None:
                    self._build(row)
            else:
                break
        return shown

    def _keep_few(self) -> None:
        """Forget the pieces of rows long out of view; their heights stay."""
        for place, _ in self.shown:
            self._recent.pop(place.row, None)
            self._recent[place.row] = None
        if len(self._recent) > 2 * KEPT:
            for row in list(self._recent)[:-KEPT]:
                if not row.streams:
                    del self._recent[row]
                    row.close()


def _gap(before: Entry | None, entry: Entry) -> int:
    """Blank lines before ``entry``: none at the top and between the steps of a run."""
    if before is None or (isinstance(before, StepEntry) and isinstance(entry, StepEntry)):
        return 0
    return 1
