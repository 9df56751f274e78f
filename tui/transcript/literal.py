"""Text shown as it is: what the user typed, what a tool was given and said."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from tui.text import safe
from tui.transcript.lines import Line, cut_cells, filled, indented, lay, prose, runs
from tui.transcript.palette import Palette
from tui.transcript.pieces import Piece, estimated_lines

PAGE_LINES = 40
PAGE_CHARACTERS = 4_000


class LiteralPiece(Piece):
    """A page of literal text; ``code`` draws it on the colour of code, without word wrap."""

    __slots__ = ("_code", "_indent", "_joined", "_text")

    kind = "literal"

    def __init__(self, text: str, *, code: bool = False, joined: bool = False, indent: int = 0):
        super().__init__()
        self._text = text
        self._code = code
        self._joined = joined
        self._indent = indent

    def estimate(self, width: int) -> int:
        return estimated_lines(self._text, width - self._indent)

    def draw(self, width: int, palette: Palette) -> list[Line]:
        room = max(8, width - self._indent)
        text = safe(self._text, strict=self._code)
        if self._code:
            style = palette.text + palette.code_block
            parts = runs([(text, style)], strict=True)
            pad = [Segment(" ", style)]
            lines = lay(parts, cut_cells(text, room - 2)) if parts else [Line([])]
            lines = [filled(line, room, style) for line in indented(lines, pad, pad)]
        else:
            lines = prose(runs([(text, palette.text)]), room) if text else [Line([])]
        if self._joined and lines:
            lines[0].join = ""
        if self._indent:
            margin = [Segment(" " * self._indent, Style.null())]
            lines = indented(lines, margin, margin)
        return lines


def literal_pieces(text: str, *, code: bool = False, indent: int = 0) -> list[Piece]:
    """``text`` cut into pages, so that a long one costs no more than what is in view."""
    text = text.replace("\r\n", "\n")
    pieces: list[Piece] = []
    start = 0
    joined = False
    while start < len(text) or not pieces:
        end = start
        for _ in range(PAGE_LINES):
            found = text.find("\n", end, start + PAGE_CHARACTERS)
            if found < 0:
                end = min(len(text), start + PAGE_CHARACTERS)
                break
            end = found + 1
        page = text[start:end]
        whole = page.endswith("\n") or end >= len(text)
        body = page[:-1] if page.endswith("\n") else page
        pieces.append(LiteralPiece(body, code=code, joined=joined, indent=indent))
        joined = not whole
        start = end
        if end >= len(text):
            break
    return pieces
