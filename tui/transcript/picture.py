"""Images in the flow, drawn with half blocks: two pixels in each cell."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from services.records import Picture
from tui.text import safe_line
from tui.transcript.entries import PictureEntry
from tui.transcript.labels import Sentence
from tui.transcript.lines import Line
from tui.transcript.palette import Palette
from tui.transcript.pieces import Piece

WIDEST = 100
"""Cells an image in the flow may take."""
HIGHEST = 24
"""Lines an image in the flow may take."""


def half_blocks(picture: Picture, columns: int) -> list[list[Segment]]:
    """The picture as lines of segments, scaled down to ``columns`` where it is wider."""
    width, height, pixels = picture.width, picture.height, picture.pixels
    shown = min(columns, width)
    if shown < 1 or height < 1 or len(pixels) < 3 * width * height:
        return []
    rows = max(1, height * shown // width)
    lines: list[list[Segment]] = []
    for y in range(0, rows, 2):
        top = (y * height // rows) * width
        below = ((y + 1) * height // rows) * width if y + 1 < rows else None
        segments: list[Segment] = []
        before: tuple[bytes, bytes | None] | None = None
        count = 0
        for x in range(shown):
            column = x * width // shown
            upper = pixels[3 * (top + column) : 3 * (top + column) + 3]
            lower = None
            if below is not None:
                lower = pixels[3 * (below + column) : 3 * (below + column) + 3]
            if before is not None and before != (upper, lower):
                segments.append(_blocks(before, count))
                count = 0
            before = (upper, lower)
            count += 1
        if before is not None:
            segments.append(_blocks(before, count))
        lines.append(segments)
    return lines


def _blocks(cell: tuple[bytes, bytes | None], count: int) -> Segment:
    upper, lower = cell
    color = Color.from_rgb(*upper)
    background = None if lower is None else Color.from_rgb(*lower)
    return Segment("▀" * count, Style(color=color, bgcolor=background))


class PicturePiece(Piece):
    """The picture itself. Copying leaves it out."""

    __slots__ = ("_picture",)

    kind = "picture"
    searched = False

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture

    def estimate(self, width: int) -> int:
        picture = self._picture
        rows = picture.height * min(width, picture.width) // max(1, picture.width)
        return self.gap + (rows + 1) // 2

    def draw(self, width: int, palette: Palette) -> list[Line]:
        lines = [Line(segments) for segments in half_blocks(self._picture, width)]
        for line in lines:
            line.lead = len(line.text)
        return lines or [Line([])]


class PictureTitle(Piece):
    """What the picture is called, above it."""

    __slots__ = ("_title",)

    kind = "picture-title"

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def draw(self, width: int, palette: Palette) -> list[Line]:
        title = safe_line(self._title, limit=max(4, width - 3))
        return [Line([Segment("▣  ", palette.muted), Segment(title, palette.muted)])]


def picture_pieces(entry: PictureEntry) -> list[Piece]:
    """What is below the title: the picture, or why there is none."""
    if entry.picture is not None:
        return [PicturePiece(entry.picture)]
    return [Sentence(entry.note, "", "warning")] if entry.note else []
