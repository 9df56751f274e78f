"""A view in which text can be found: matches marked, and ways from one to the next."""

from __future__ import annotations

from textual.strip import Strip

from tui.transcript.finder import Finder
from tui.transcript.matching import pattern_of
from tui.transcript.rows import Row
from tui.transcript.selection import marked_strip
from tui.transcript.window import Shown
from tui.transcript.window_view import GUTTER, WindowView


class FindView(WindowView):
    """What looks for text is a :class:`Finder`; this shows what it found."""

    finder: Finder | None = None

    def look_for(self, query: str) -> Finder | None:
        """Begin to find; nothing is counted yet. None, with nothing marked, for an empty query."""
        pattern = pattern_of(query)
        self.finder = None if pattern is None else Finder(self.window, pattern)
        self.refresh()
        return self.finder

    def stop_finding(self) -> None:
        """Mark nothing any more; the view stays where it is."""
        self.finder = None
        self.refresh()

    def show_found(self) -> Row | None:
        """Have the current match in view; the row that holds it."""
        place = self.finder.place() if self.finder is not None else None
        if place is None:
            return None
        self.window.reveal_line(place)
        self._tell_place()
        self.refresh()
        self.settled()
        return place.row

    def dressed(self, shown: Shown, strip: Strip) -> Strip:
        finder = self.finder
        if finder is None or shown.place.row.pieces is None:
            return strip
        row, piece, _ = shown.place
        palette = self.window.palette
        each = row.pieces[piece] if row.pieces and piece < len(row.pieces) else None
        if each is None or not each.searched:
            return strip
        lines = self.window.lines(row, piece)
        for span, current in finder.spans(shown.place, lines):
            style = palette.current if current else palette.found
            strip = marked_strip(strip, (span.start + GUTTER, span.end + GUTTER), style)
        return strip
