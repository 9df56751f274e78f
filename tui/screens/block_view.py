"""One block on the whole screen: as wide as it is, to be scrolled both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.text import content
from tui.transcript.block_parts import Block, pieces_of
from tui.transcript.entries import Entry, PictureEntry
from tui.transcript.lines import Line
from tui.transcript.palette import Palette
from tui.transcript.picture import half_blocks
from tui.transcript.pieces import Piece
from tui.transcript.render_code import FencePage
from tui.transcript.render_table import TablePart
from tui.transcript.rows import Row

MOST_LINES = 20_000
WIDEST = 4_000
"""Cells beyond which lines are broken after all."""

Draw = Callable[[int, Palette], list[Line]]


def drawing_of(entry: Entry, row: Row, block: Block | None) -> Draw:
    """How to draw a block, or a whole entry, in ``width`` cells: code and tables take more where
    they need it."""

    def draw(width: int, palette: Palette) -> list[Line]:
        if isinstance(entry, PictureEntry) and entry.picture is not None:
            return [Line(segments) for segments in half_blocks(entry.picture, width)]
        own = Row(entry, 0)
        own.opened, own.raw = True, row.raw
        own.build(width)
        pieces = own.pieces or []
        if block is not None:
            pieces = pieces_of(own, block) or pieces
        lines: list[Line] = []
        for piece in pieces:
            lines += piece.lines(_width_of(piece, pieces, width), palette)
            if len(lines) >= MOST_LINES:
                break
        return lines[:MOST_LINES]

    return draw


def _width_of(piece: Piece, pieces: list[Piece], width: int) -> int:
    if isinstance(piece, TablePart):
        natural = piece.run.natural
        return min(WIDEST, max(width, sum(natural) + 3 * len(natural) + 1))
    if isinstance(piece, FencePage):
        pages = [each for each in pieces if isinstance(each, FencePage)]
        longest = max(
            (cell_len(line.expandtabs(4)) for page in pages for line in page.code.split("\n")),
            default=0,
        )
        return min(WIDEST, max(width, longest + 2))
    return width


class BlockCanvas(ScrollView, can_focus=True):
    """Lines that are drawn once, and again for another width or theme."""

    DEFAULT_CSS = """
    BlockCanvas {
        background: $background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("h", "scroll_left", "Left", show=False),
        Binding("l", "scroll_right", "Right", show=False),
    ]

    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self._draw = draw
        self._lines: list[Strip] = []

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self, draw: Draw | None = None) -> None:
        self._draw = draw or self._draw
        width = self.scrollable_content_region.width
        if width < 1:
            return
        palette = Palette(self.app.theme_variables, self.background_colors[1])
        self._lines = [Strip(line.segments) for line in self._draw(width, palette)]
        widest = max((strip.cell_length for strip in self._lines), default=0)
        self.virtual_size = Size(widest, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        base = self.rich_style
        if not 0 <= top + y < len(self._lines):
            return Strip.blank(width, base)
        strip = self._lines[top + y].crop_extend(left, left + width, Style.null())
        return strip.apply_style(base)


class BlockScreen(ModalScreen[str | None]):
    """Closes with ``copy`` or ``save`` when that is wanted of the block."""

    DEFAULT_CSS = """
    BlockScreen {
        background: $background;
        BlockCanvas {
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            padding: 0 1;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,m,enter", "dismiss(None)", "Close", show=False),
        Binding("c", "dismiss('copy')", "Copy", show=False),
        Binding("s", "dismiss('save')", "Save", show=False),
    ]

    def __init__(self, title: str, draw: Draw) -> None:
        super().__init__()
        self._title = title
        self._draw = draw

    def compose(self) -> ComposeResult:
        canvas = BlockCanvas(self._draw)
        canvas.border_title = content(self._title)
        canvas.border_subtitle = "arrows scroll · c copies · s saves · Esc closes"
        yield canvas

    def on_mount(self) -> None:
        self.query_one(BlockCanvas).focus()
