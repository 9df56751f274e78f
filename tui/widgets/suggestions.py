"""The list that opens above the message box while something is completed."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tui.widgets.row_list import Row, RowList

MOST_SHOWN = 8


class Suggestions(RowList, can_focus=False):
    """Lies over the conversation; the message box keeps the focus and steers it."""

    DEFAULT_CSS = """
    Suggestions {
        display: none;
        overlay: screen;
        constrain: inside inside;
        width: 100%;
        height: auto;
        border: round $border;
        border-title-color: $accent;
        border-title-style: bold;
        border-subtitle-color: $footer-description-foreground;
        background: $surface;
        & > .row-list--cursor { background: $block-cursor-background; text-style: bold; }
        &.-open { display: block; }
    }
    """

    @property
    def open(self) -> bool:
        return self.has_class("-open")

    def offer(self, rows: Sequence[Row], *, title: str, hint: str) -> None:
        """Show these; none closes it. The cursor goes to the first of another list."""
        if not rows:
            self.close()
            return
        changed = [row.key for row in rows] != [row.key for row in self.rows]
        self.border_title, self.border_subtitle = title, hint
        self.show_rows(rows)
        if changed:
            self.cursor = 0
        height = min(len(rows), MOST_SHOWN)
        self.styles.height = height + 2
        # Above its place in the layout, which is the top of the box.
        self.styles.offset = (0, -(height + 2))
        self.add_class("-open")

    def close(self) -> None:
        self.remove_class("-open")

    def move(self, step: int) -> None:
        """Up and down, around both ends."""
        self.cursor = (self.cursor + step) % max(1, len(self.rows))

    def action_select(self) -> None:
        if self.open:
            super().action_select()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.prevent_default()  # the focus stays in the box
