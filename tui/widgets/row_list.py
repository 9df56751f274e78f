"""A list of one-line rows as one widget: thousands of rows cost what the visible ones cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.movement import movement


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``text`` and ``aside`` are safe for a terminal; ``tone`` colours the aside."""

    key: str
    text: str
    aside: str = ""
    tone: str = ""
    current: bool = False


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor. Enter or a click selects; the current row has a mark and a colour."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--row",
        "row-list--cursor",
        "row-list--current",
        "row-list--aside",
        "row-list--warning",
        "row-list--running",
        "row-list--error",
        "row-list--news",
        "row-list--empty",
    }
    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .row-list--row { color: $foreground; }
        & > .row-list--current { color: $accent; text-style: bold; }
        & > .row-list--aside { color: $footer-description-foreground; }
        & > .row-list--warning { color: $warning; text-style: bold; }
        & > .row-list--running { color: $primary; }
        & > .row-list--error { color: $error; text-style: bold; }
        & > .row-list--news { color: $accent; text-style: bold; }
        & > .row-list--empty { color: $footer-description-foreground; text-style: italic; }
        & > .row-list--cursor { background: $block-cursor-blurred-background; }
        &:focus > .row-list--cursor {
            background: $block-cursor-background;
            text-style: bold;
        }
        &:ansi > .row-list--cursor, &:nocolor > .row-list--cursor { text-style: underline; }
        &:ansi:focus > .row-list--cursor, &:nocolor:focus > .row-list--cursor {
            background: transparent;
            text-style: bold reverse;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = movement(
        up="cursor(-1)", down="cursor(1)", page="page", half="half", edge="edge"
    )

    cursor: reactive[int] = reactive(0)
    """Index of the highlighted row."""

    class Selected(Message):
        """A row was chosen with Enter or the mouse."""

        def __init__(self, rows: RowList, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> RowList:
            return self.rows

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._empty = empty
        self._base = Style()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What the list holds now."""
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """Key of the highlighted row, None while the list is empty."""
        return self._rows[self.cursor].key if self._rows else None

    def show_rows(self, rows: Sequence[Row], *, empty: str | None = None) -> None:
        """Replace all rows; the cursor stays on the row with its key where that is still there."""
        kept = self.cursor_key
        self._rows = tuple(rows)
        if empty is not None:
            self._empty = empty
        at = next((i for i, row in enumerate(self._rows) if row.key == kept), None)
        # Rows are cut to the width there is, so only their number counts. A width here would have
        # to follow every resize, with one more layout of the whole screen each time.
        self.virtual_size = Size(0, len(self._rows))
        self.cursor = at if at is not None else min(self.cursor, max(0, len(self._rows) - 1))
        self.refresh()

    def move_cursor_to(self, key: str) -> None:
        """Highlight the row with this key, if there is one."""
        at = next((i for i, row in enumerate(self._rows) if row.key == key), None)
        if at is not None:
            self.cursor = at

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        if self.is_mounted:
            self.scroll_to_region(
                Region(0, self.cursor, 1, 1), animate=False, force=True, immediate=True
            )
        self.refresh()

    def action_cursor(self, step: int) -> None:
        self.cursor += step

    def action_page(self, direction: int) -> None:
        self.cursor += direction * max(1, self.scrollable_content_region.height - 1)

    def action_half(self, direction: int) -> None:
        self.cursor += direction * max(1, self.scrollable_content_region.height // 2)

    def action_edge(self, direction: int) -> None:
        self.cursor = 0 if direction < 0 else len(self._rows) - 1

    def action_select(self) -> None:
        if (key := self.cursor_key) is not None:
            self.post_message(self.Selected(self, key))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        index = at.y + self.scroll_offset.y
        if index < len(self._rows):
            self.cursor = index
            self.action_select()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style  # computed once for all lines: it walks up the whole tree
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if not self._rows and y == 0:
            style = self.get_component_rich_style("row-list--empty")
            return Strip([Segment(set_cell_size(f"  {self._empty}", width), style)], width)
        if index >= len(self._rows):
            return Strip.blank(width, self._base)
        return self._row_strip(self._rows[index], width, index == self.cursor)

    def _row_strip(self, row: Row, width: int, highlighted: bool) -> Strip:
        base = self.get_component_rich_style("row-list--cursor" if highlighted else "row-list--row")
        name = "row-list--current" if row.current else "row-list--row"
        text_style = self.get_component_rich_style(name, partial=True)
        aside_style = self.get_component_rich_style(
            f"row-list--{row.tone or 'aside'}", partial=True
        )
        aside = f" {row.aside}" if row.aside else ""
        if cell_len(aside) > width // 2:
            aside = ""
        room = max(0, width - cell_len(aside))
        text = f"{'▸' if row.current else ' '} {row.text}"
        if cell_len(text) > room:
            text = set_cell_size(text, max(0, room - 1)) + "…"
        return Strip(
            [
                Segment(set_cell_size(text, room), base + text_style),
                Segment(aside, base + aside_style),
            ],
            width,
        )
