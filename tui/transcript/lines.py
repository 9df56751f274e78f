"""Text into lines of a given width. Everything drawn in the transcript passes :func:`runs`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.text import safe

_WIDE = (
    "\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f"
    "\\uff00-\\uff60\\uffe0-\\uffe6\\U00020000-\\U0003fffd"
)
_CLOSING = "、。，．！？）」』】〉》：；〕］｝"
# A word, a wide character with the punctuation that must not begin a line, or blanks.
# Compiled with the first long line.
_ATOMS = f"[^\\s{_WIDE}]+[{_CLOSING}]*|[{_WIDE}][{_CLOSING}]*|\\s+"


class Run(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: Style


class Cut(NamedTuple):
    """A line of a longer text: its range, and what copying puts between it and the one before
    (None: it begins a line of its own)."""

    start: int
    end: int
    join: str | None


@dataclass(slots=True)
class Line:
    """One line as drawn. ``lead`` characters at its start are decoration that copying leaves out
    (``join`` as in :class:`Cut`)."""

    segments: list[Segment]
    lead: int = 0
    join: str | None = None
    strip: Strip | None = None
    look: object = None

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)


def runs(parts: Iterable[tuple[str, Style]], *, strict: bool = False) -> list[Run]:
    """Styled text made safe: the one place where text becomes something to draw."""
    return [Run(safe(text, strict=strict), style) for text, style in parts if text]


def cut_words(text: str, width: int) -> list[Cut]:
    """Where to break ``text``: at its line feeds, and between words so that a line fits."""
    cuts: list[Cut] = []
    at = 0
    for line in text.split("\n"):
        if len(line) <= width and (line.isascii() or cell_len(line) <= width):
            cuts.append(Cut(at, at + len(line), None))
        else:
            cuts.extend(_cut_line(line, at, width))
        at += len(line) + 1
    return cuts


def _cut_line(line: str, base: int, width: int) -> list[Cut]:
    cuts: list[Cut] = []
    start = end = used = 0  # the line being filled: begin, end of its last word, cells
    join: str | None = None
    for match in re.finditer(_ATOMS, line):
        word = match[0]
        cells = len(word) if word.isascii() else cell_len(word)
        used += cells
        if word.isspace():
            continue
        if used > width:
            if end > start:
                cuts.append(Cut(base + start, base + end, join))
                join = " " if match.start() > end else ""
                start, used = match.start(), cells
            elif used - cells >= width:  # nothing but indentation, and too much of it
                start, used = match.start(), cells
            if used > width:
                pieces = _chop(line[start : match.end()], width)
                for piece in pieces[:-1]:
                    cuts.append(Cut(base + start, base + start + len(piece), join))
                    start += len(piece)
                    join = ""
                used = cell_len(line[start : match.end()])
        end = match.end()
    cuts.append(Cut(base + start, base + end, join))
    return cuts


def _chop(text: str, width: int) -> list[str]:
    """``text`` in parts of at most ``width`` cells, nothing lost."""
    parts = chop_cells(text, width)
    if sum(map(len, parts)) == len(text):
        return parts
    # Rich drops marks that have no letter before them.
    parts = [""]
    used = 0
    for character in text:
        cells = cell_len(character)
        if used + cells > width and parts[-1]:
            parts.append("")
            used = 0
        parts[-1] += character
        used += cells
    return parts


def cut_cells(text: str, width: int) -> list[Cut]:
    """Where to break ``text`` when every blank counts (code): at line feeds and at the width."""
    cuts: list[Cut] = []
    at = 0
    for line in text.split("\n"):
        if len(line) <= width and (line.isascii() or cell_len(line) <= width):
            cuts.append(Cut(at, at + len(line), None))
        else:
            start, join = at, None
            for piece in _chop(line, width) or [""]:
                cuts.append(Cut(start, start + len(piece), join))
                start += len(piece)
                join = ""
        at += len(line) + 1
    return cuts


def lay(parts: Sequence[Run], cuts: Sequence[Cut]) -> list[Line]:
    """The lines that ``cuts`` make of the joined text of ``parts``."""
    if len(parts) == 1:
        text, style = parts[0]
        return [
            Line([Segment(text[start:end], style)] if end > start else [], 0, join)
            for start, end, join in cuts
        ]
    lines: list[Line] = []
    index, before = 0, 0  # the part that holds the current position, and where it begins
    for start, end, join in cuts:
        segments: list[Segment] = []
        while index < len(parts) and before + len(parts[index].text) <= start:
            before += len(parts[index].text)
            index += 1
        look, offset = index, before
        while look < len(parts) and offset < end:
            text, style = parts[look]
            part = text[max(0, start - offset) : end - offset]
            if part:
                segments.append(Segment(part, style))
            offset += len(text)
            look += 1
        lines.append(Line(segments, 0, join))
    return lines


def prose(parts: Sequence[Run], width: int) -> list[Line]:
    """Word-wrapped lines of ``parts``."""
    text = "".join(part.text for part in parts)
    return lay(parts, cut_words(text, max(1, width)))


def indented(
    lines: Iterable[Line], first: Sequence[Segment], rest: Sequence[Segment], *, keep: bool = False
) -> list[Line]:
    """``lines`` behind a prefix; with ``keep`` the first prefix is text (a bullet) when copied."""
    done: list[Line] = []
    for number, line in enumerate(lines):
        prefix = rest if number else first
        lead = line.lead + sum(len(segment.text) for segment in prefix)
        if keep and not number:
            lead = 0
        done.append(Line([*prefix, *line.segments], lead, line.join))
    return done


def filled(line: Line, width: int, style: Style) -> Line:
    """``line`` padded to ``width`` cells in ``style``."""
    used = sum(segment.cell_length for segment in line.segments)
    if used < width:
        line.segments.append(Segment(" " * (width - used), style))
    return line
