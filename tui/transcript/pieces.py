"""A piece: the smallest part of an entry that is drawn, kept and thrown away on its own."""

from __future__ import annotations

from tui.transcript.lines import Line
from tui.transcript.palette import Palette


class Piece:
    """Some lines, drawn when first looked at and again when width, colours or relations change."""

    __slots__ = ("_lines", "_look", "gap")

    kind = ""
    searched = True
    """Whether find looks here."""

    def __init__(self, gap: int = 0) -> None:
        self.gap = gap
        self._lines: list[Line] | None = None
        self._look: object = None

    def draw(self, width: int, palette: Palette) -> list[Line]:
        """The lines without the blank ones before."""
        raise NotImplementedError

    def estimate(self, width: int) -> int:
        """About how many lines there will be, without drawing."""
        return self.gap + 1

    def depends(self) -> object:
        """What else the look depends on, such as the column widths of the whole table."""
        return None

    def drawn(self, width: int, palette: Palette) -> bool:
        return self._lines is not None and self._look == self._look_now(width, palette)

    def lines(self, width: int, palette: Palette) -> list[Line]:
        look = self._look_now(width, palette)
        if self._lines is None or self._look != look:
            blank = [Line([]) for _ in range(self.gap)]
            self._lines = blank + self.draw(width, palette)
            self._look = look
        return self._lines

    def forget(self) -> None:
        """Drop what was drawn; the piece itself stays."""
        self._lines = None

    def _look_now(self, width: int, palette: Palette) -> object:
        return (width, palette.serial, self.gap, self.depends())


def estimated_lines(text: str, width: int) -> int:
    """About how many lines ``text`` takes at ``width``; for texts that nobody looked at yet."""
    return text.count("\n") + 1 + len(text) // max(8, width)
