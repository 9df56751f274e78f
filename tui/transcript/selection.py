"""What is selected, as plain text, and how it is marked."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from tui.transcript.block_parts import entry_text
from tui.transcript.lines import Line
from tui.transcript.window import Window


def selected_text(window: Window, selection: Selection, gutter: int) -> str:
    """The text between two places. Lines that were broken only to fit are joined again, and
    decoration (bars, indentation, the margin of ``gutter`` cells) is left out.

    ``selection`` counts lines as ``Window.origin`` says. What lies wholly between and was never
    drawn is taken from the data.
    """
    start, end = selection
    if start is None and end is None:
        return "\n\n".join(entry_text(row.current()) for row in window.rows)
    if not window.rows:
        return ""
    last = window.total - 1
    first_line = 0 if start is None else start.y - window.origin
    last_line = last if end is None else min(last, end.y - window.origin)
    if last_line < 0 or first_line > last:
        return ""
    begin = 0 if start is None or first_line < 0 else start.x - gutter
    finish = None if end is None or end.y - window.origin > last else end.x - gutter
    row, piece, number = window.place_of(max(0, first_line))
    remaining = last_line - max(0, first_line)
    parts: list[str] = []
    while True:
        lines = window.lines(row, piece)
        for line in lines[number:]:
            stop = finish if remaining == 0 else None
            text = _part(line, begin if not parts else 0, stop)
            if not parts:
                parts.append(text)
            elif line.join is None:
                parts += ["\n", text]
            else:
                parts += [line.join, text]
            remaining -= 1
            if remaining < 0:
                return "".join(parts)
        number = 0
        if piece + 1 < len(row.heights):
            piece += 1
            continue
        index = row.index + 1
        while index + 1 < len(window.rows) and window.rows[index].pieces is None:
            height = window.row_height(window.rows[index])
            if height > remaining:
                break
            parts += ["\n\n", entry_text(window.rows[index].current())]
            remaining -= height
            index += 1
        if index >= len(window.rows):
            return "".join(parts)
        row, piece = window.rows[index], 0
        row.build(window.width)


def _part(line: Line, begin: int, end: int | None) -> str:
    text = line.text
    stop = len(text) if end is None else max(0, end)
    return text[max(line.lead, begin) : stop].rstrip()


def selection_of(first: int, last: int, origin: int) -> Selection:
    """The selection of whole lines, both included."""
    return Selection(Offset(0, first + origin), Offset(100_000, last + origin))


def marked_strip(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """``strip`` with the characters of ``span`` in ``style`` (an end of -1 is the text's end)."""
    text = strip.text
    start, end = span
    length = len(text.rstrip())
    end = length if end < 0 else min(end, length)
    if end <= start:
        return strip
    cuts = [
        strip.index_to_cell_position(start),
        strip.index_to_cell_position(end),
        strip.cell_length,
    ]
    parts = strip.divide(cuts)
    middle = Strip(
        Segment(text, (look or Style.null()) + style, control) for text, look, control in parts[1]
    )
    return Strip.join([parts[0], middle, *parts[2:]])
