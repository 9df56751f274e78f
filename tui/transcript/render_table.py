"""Tables with box drawing; cells wrap so that the table fits the width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.transcript.inline import Marked, plain
from tui.transcript.lines import Line, Run, prose, runs
from tui.transcript.palette import Palette
from tui.transcript.parser import References, inline_parts
from tui.transcript.pieces import Piece

if TYPE_CHECKING:
    from markdown_it.token import Token

NARROWEST = 4  # cells a column may shrink to; below, rows become lists of "header: value"
_plain = re.compile("[A-Za-z0-9 .,:;%()/+-]*")  # without any Markdown
LONG = 300  # characters in a cell beyond which its exact width does not matter


class TableRun:
    """What the rows of one table have in common: alignment, header and how wide columns want to be.

    ``settled`` are the wishes of the rows that can no longer change.
    """

    def __init__(self, header: list[str], aligns: list[str], references: References) -> None:
        self.header = header
        self.aligns = aligns
        self.references = references
        self.settled = tuple(self.wishes(header))
        self.natural = self.settled

    def wishes(self, cells: Sequence[str]) -> list[int]:
        """The width each cell would take on one line (its longest line)."""
        return [self._wish(cell) for cell in cells]

    def _wish(self, cell: str) -> int:
        if _plain.fullmatch(cell):
            return max(1, len(cell))
        if len(cell) > LONG:  # it will wrap anyway, and this is asked with each addition
            return LONG
        text = plain(inline_parts(cell, self.references))
        return max(1, *map(cell_len, text.split("\n")))

    def fit(self, width: int) -> list[int] | None:
        """Column widths that fit into ``width`` cells, or None when the columns are too many."""
        room = width - 3 * len(self.natural) - 1
        if sum(self.natural) <= room:
            return list(self.natural)
        if room < NARROWEST * len(self.natural):
            return None
        # Narrow columns keep what they want; the wide ones share what is left.
        widths = [0] * len(self.natural)
        order = sorted(range(len(widths)), key=lambda column: self.natural[column])
        for place, column in enumerate(order):
            share = room // (len(order) - place)
            widths[column] = min(self.natural[column], share)
            room -= widths[column]
        return widths

    def wraps(self, width: int) -> bool:
        return sum(self.natural) > width - 3 * len(self.natural) - 1


class TablePart(Piece):
    """The header of a table (``cells`` is None) or one row of its body."""

    __slots__ = ("cells", "first", "last", "run")

    kind = "table"

    def __init__(
        self, run: TableRun, cells: list[str] | None, *, first: bool = False, last: bool = False
    ) -> None:
        super().__init__()
        self.run = run
        self.cells = cells
        self.first = first
        self.last = last

    def depends(self) -> object:
        return (self.run.natural, self.last, self.run.references.version)

    def estimate(self, width: int) -> int:
        return self.gap + (3 if self.cells is None else 1) + int(self.last)

    def draw(self, width: int, palette: Palette) -> list[Line]:
        run = self.run
        widths = run.fit(width)
        if widths is None:
            return self._stacked(width, palette)
        frame = palette.faint
        lines: list[Line] = []
        if self.cells is None:
            lines.append(_border("╭┬╮", widths, frame))
            lines += self._row(run.header, widths, palette, palette.primary + palette.strong)
            lines.append(_border("╰┴╯" if self.last else "├┼┤", widths, frame))
            return lines
        if not self.first and run.wraps(width):
            lines.append(_border("├┼┤", widths, frame))
        lines += self._row(self.cells, widths, palette, palette.text)
        if self.last:
            lines.append(_border("╰┴╯", widths, frame))
        return lines

    def _row(
        self, cells: Sequence[str], widths: list[int], palette: Palette, style: Style
    ) -> list[Line]:
        columns: list[list[Line]] = []
        for column, width in enumerate(widths):
            text = cells[column] if column < len(cells) else ""
            columns.append(prose(_parts(text, self.run.references, palette, style), width))
        bar = Segment("│", palette.faint)
        lines: list[Line] = []
        for number in range(max(len(column) for column in columns)):
            segments = [bar]
            for column, width in enumerate(widths):
                body = columns[column][number].segments if number < len(columns[column]) else []
                free = max(0, width - sum(segment.cell_length for segment in body))
                left = {"right": free, "center": free // 2}.get(self.run.aligns[column], 0)
                segments.append(Segment(" " * (left + 1), Style()))
                segments += body
                segments.append(Segment(" " * (free - left + 1), Style()))
                segments.append(bar)
            lines.append(Line(segments))
        return lines

    def _stacked(self, width: int, palette: Palette) -> list[Line]:
        """Too many columns for the width: one "header: value" line each."""
        if self.cells is None:
            return []
        lines = [] if self.first else [Line([])]
        for header, cell in zip(self.run.header, self.cells, strict=False):
            parts = _parts(header, self.run.references, palette, palette.text + palette.strong)
            parts += runs([(": ", palette.muted)])
            parts += _parts(cell, self.run.references, palette, palette.text)
            lines += prose(parts, width)
        return lines


def _parts(text: str, references: References, palette: Palette, style: Style) -> list[Run]:
    parts: list[Marked] = inline_parts(text, references)
    return runs((part, palette.inline(marks, style)) for part, marks in parts)


def _border(shape: str, widths: list[int], style: Style) -> Line:
    """A horizontal line; ``shape`` is its left end, its crossings, its right end."""
    text = shape[0] + shape[1].join("─" * (width + 2) for width in widths) + shape[2]
    return Line([Segment(text, style)])


def table_parts(
    tokens: list[Token], references: References, run: TableRun | None
) -> tuple[TableRun, list[tuple[int, TablePart]]]:
    """The parts of a table with the source line each begins at.

    With ``run`` the table goes on: its header is known and only the rows are returned (the caller
    knows whether one of them is the table's first).
    """
    header: list[str] = []
    aligns: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    in_head = True
    for index, token in enumerate(tokens):
        if token.type == "tr_open" and not in_head:
            rows.append((token.map[0] if token.map else 0, []))
        elif token.type == "thead_close":
            in_head = False
        elif token.type in ("th_open", "td_open"):
            text = tokens[index + 1].content
            if in_head:
                header.append(text)
                aligns.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
            else:
                rows[-1][1].append(text)
    parts: list[tuple[int, TablePart]] = []
    if run is None:
        run = TableRun(header, aligns, references)
        start = tokens[0].map[0] if tokens[0].map else 0
        parts.append((start, TablePart(run, None)))
    natural = list(run.settled)
    for number, (line, cells) in enumerate(rows):
        parts.append((line, TablePart(run, cells, first=number == 0)))
        natural = [max(pair) for pair in zip(natural, run.wishes(cells), strict=False)]
    run.natural = tuple(natural)
    if parts:
        parts[-1][1].last = True
    return run, parts
