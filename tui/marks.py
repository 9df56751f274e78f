"""Frames and marks in ASCII, for terminals that cannot draw the others.

One filter over every line that is drawn, so that no widget has to know. A sign is replaced by one
of the same width; what else the terminal's encoding does not have becomes question marks.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Heavy frames mean the focus, so they look unlike the others here too.
_SIGNS = (
    ("─╌┄┈╴╶▁▔", "-"),
    ("│╎┆┊╵╷▏▕▎▍", "|"),
    ("┌┐└┘├┤┬┴┼╭╮╯╰", "+"),
    ("━═╍┅┉╸╺", "="),
    ("┃║╏┇┋╹╻┍┎┏┑┒┓┕┖┗┙┚┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬", "#"),
    ("▸▶►›❯", ">"),
    ("◂◀◄‹", "<"),
    ("▾▼▿↓", "v"),
    ("▴▲↑", "^"),
    ("●◉◐◑◒◓◌•∙", "*"),
    ("·", "-"),
    ("○", "o"),
    ("✗✘×☒", "x"),
    ("✓✔☑", "v"),
    ("☐", "o"),
    ("█▓▒▌▐▀▄▇▆▅▃▂", "#"),
    ("░", "."),
    ("…", "~"),
    ("→", ">"),
    ("←⏎", "<"),
    ("–—", "-"),
    ("“”„", '"'),
    ("‘’", "'"),
    ("\xa0", " "),
)
_ASCII = {ord(sign): plain for signs, plain in _SIGNS for sign in signs}


@lru_cache(4096)
def plain(text: str) -> str:
    """``text`` in ASCII, as wide as before."""
    if text.isascii():
        return text
    drawn = text.translate(_ASCII)
    if drawn.isascii():
        return drawn
    fitted = "".join(
        character if character.isascii() else "?" * cell_len(character) for character in drawn
    )
    # Signs that are one cell together are several on their own.
    return fitted[: cell_len(text)].ljust(cell_len(text))


class AsciiMarks(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(plain(segment.text), segment.style, segment.control)
            for segment in segments
        ]
