"""Code fences, page by page."""

from __future__ import annotations

from rich.segment import Segment

from tui.text import safe_line
from tui.transcript.highlight import highlight
from tui.transcript.lines import Line, cut_cells, filled, indented, lay, runs
from tui.transcript.palette import Palette
from tui.transcript.pieces import Piece, estimated_lines

PAGE = 50  # lines of code that are drawn as one


def code_lines(code: str, language: str, context: str, width: int, palette: Palette) -> list[Line]:
    """``code`` on its own colour, one blank at either side, cut at the width."""
    base = palette.text + palette.code_block
    pad = [Segment(" ", palette.code_block)]
    parts = runs(
        (
            (text, base if token is None else palette.syntax(token))
            for text, token in highlight(code, language, context)
        ),
        strict=True,
    )
    text = "".join(part.text for part in parts)
    lines = lay(parts, cut_cells(text, max(2, width - 2))) if parts else [Line([])]
    return [filled(line, width, palette.code_block) for line in indented(lines, pad, pad)]


def label_line(language: str, width: int, palette: Palette) -> Line:
    """The language's name above its code."""
    label = safe_line(language, limit=max(4, width - 2))
    line = Line([Segment(f" {label}", palette.muted + palette.code_block)])
    line.lead = len(label) + 1
    return filled(line, width, palette.code_block)


def language_of(info: str) -> str:
    """The language of a fence's info string: its first word."""
    words = info.split(None, 1)
    return words[0].strip("{}.") if words else ""


class FencePage(Piece):
    """A page of a fence. ``context`` is the page before it, for a string that spans both."""

    __slots__ = ("_context", "_joined", "code", "first", "language")

    kind = "fence"

    def __init__(
        self, code: str, language: str, *, context: str = "", first: bool, joined: bool = False
    ) -> None:
        super().__init__()
        self.code = code
        self.language = language
        self._context = context
        self.first = first
        self._joined = joined

    def estimate(self, width: int) -> int:
        return self.gap + int(self.first) + estimated_lines(self.code, width - 2)

    def draw(self, width: int, palette: Palette) -> list[Line]:
        code = self.code.removesuffix("\n")
        lines: list[Line] = []
        if self.first and self.language:
            lines.append(label_line(self.language, width, palette))
        if code or self.code or not lines:
            body = code_lines(code, self.language, self._context, width, palette)
            if self._joined:
                body[0].join = ""
            lines += body
        return lines
