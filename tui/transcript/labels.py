"""The lines of an entry that are not its text: who wrote it, a step's row, notes and notices."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from tui.text import safe_line
from tui.transcript.entries import Footnote, MessageEntry, NoticeEntry, StepEntry
from tui.transcript.lines import Line, indented, prose, runs
from tui.transcript.palette import Palette
from tui.transcript.pieces import Piece, estimated_lines

_STEP_MARKS = {
    "running": ("◌", "primary"),
    "waiting": ("!", "warning"),
    "done": ("✓", "success"),
    "failed": ("✗", "error"),
    "denied": ("⊘", "warning"),
    "stopped": ("■", "muted"),
    "thought": ("∴", "muted"),
}
_NOTICE_MARKS = {
    "information": ("·", "muted"),
    "warning": ("!", "warning"),
    "error": ("✗", "error"),
}
_NOTE_STYLES = {"failed": "error", "stopped": "warning"}


class Header(Piece):
    """Who wrote a message, and when."""

    __slots__ = ("_entry",)

    kind = "header"
    searched = False

    def __init__(self, entry: MessageEntry) -> None:
        super().__init__()
        self._entry = entry

    def draw(self, width: int, palette: Palette) -> list[Line]:
        entry = self._entry
        when = safe_line(entry.when, limit=max(1, width // 2))
        author = safe_line(entry.author, limit=max(1, width - cell_len(when) - 1))
        style = (palette.secondary if entry.own else palette.primary) + palette.strong
        free = max(1, width - cell_len(author) - cell_len(when))
        segments = [Segment(author, style)]
        if when:
            segments += [Segment(" " * free, Style()), Segment(when, palette.muted)]
        return [Line(segments)]


class StepTitle(Piece):
    """A step as one row: fold mark, state, title, summary, and at the right its duration."""

    __slots__ = ("_entry", "_opened")

    kind = "step"

    def __init__(self, entry: StepEntry, opened: bool) -> None:
        super().__init__()
        self._entry = entry
        self._opened = opened

    def draw(self, width: int, palette: Palette) -> list[Line]:
        entry = self._entry
        mark, name = _STEP_MARKS[entry.state]
        fold = " " if not entry.detail else "▾" if self._opened else "▸"
        duration = safe_line(entry.duration, limit=12)
        room = max(4, width - 4 - (cell_len(duration) + 2 if duration else 0))
        title = _fit(safe_line(entry.title, limit=room), room)
        segments = [
            Segment(f"{fold} ", palette.muted),
            Segment(f"{mark} ", getattr(palette, name)),
            Segment(title, palette.text),
        ]
        room -= cell_len(title) + 2
        used = 4 + cell_len(title)
        if entry.summary and room > 3:
            summary = _fit(safe_line(entry.summary, limit=room), room)
            segments.append(Segment(f"  {summary}", palette.muted))
            used += 2 + cell_len(summary)
        if duration:
            free = max(1, width - used - cell_len(duration))
            segments += [Segment(" " * free, Style()), Segment(duration, palette.muted)]
        return [Line(segments)]


def _fit(text: str, width: int) -> str:
    """``text`` within ``width`` cells, with an ellipsis where it is cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"


class Sentence(Piece):
    """A line or a few of the app's own words behind a mark."""

    __slots__ = ("_mark", "_style", "_text")

    kind = "sentence"

    def __init__(self, text: str, mark: str, style: str, gap: int = 0) -> None:
        super().__init__(gap)
        self._text = text
        self._mark = mark
        self._style = style

    def estimate(self, width: int) -> int:
        return self.gap + estimated_lines(self._text, width)

    def draw(self, width: int, palette: Palette) -> list[Line]:
        style: Style = getattr(palette, self._style)
        mark = [Segment(f"{self._mark} ", style)] if self._mark else []
        rest = [Segment(" " * len(self._mark + " "), Style())] if self._mark else []
        lines = prose(runs([(self._text, style)]), max(8, width - 2))
        return indented(lines, mark, rest)


class More(Sentence):
    """The line that stands for what is not shown of a very long text."""

    __slots__ = ()

    kind = "more"
    searched = False

    def __init__(self, hidden: int) -> None:
        super().__init__(f"{hidden:,} more characters: show more", "▾", "primary", gap=1)


class Note(Sentence):
    """What is to be known of a message, below it."""

    __slots__ = ()

    kind = "note"
    searched = False


class FootnotePiece(Piece):
    """A source of an answer, below it."""

    __slots__ = ("footnote",)

    kind = "footnote"
    searched = False

    def __init__(self, footnote: Footnote, gap: int = 0) -> None:
        super().__init__(gap)
        self.footnote = footnote

    def draw(self, width: int, palette: Palette) -> list[Line]:
        number = f"[{self.footnote.number}] "
        label = _fit(safe_line(self.footnote.label, limit=width), max(4, width - len(number)))
        return [Line([Segment(number, palette.cited), Segment(label, palette.muted)])]


def note_pieces(entry: MessageEntry) -> list[Piece]:
    """What stands below a message: its sources, and the sentence about it, if there is one.

    The sources come when the answer is complete: while it grows they would jump.
    """
    pieces: list[Piece] = []
    if entry.state != "streaming":
        pieces += [
            FootnotePiece(footnote, gap=int(number == 0))
            for number, footnote in enumerate(entry.footnotes)
        ]
    if entry.note:
        pieces.append(Note(entry.note, "", _NOTE_STYLES.get(entry.state, "muted"), gap=1))
    return pieces


def notice_piece(entry: NoticeEntry) -> Piece:
    mark, style = _NOTICE_MARKS[entry.severity]
    return Sentence(entry.text, mark, style)
