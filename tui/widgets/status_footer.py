"""The last line: the keys that work now, and what the last run took."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.command import NO_KEY

Item = tuple[str, str, str]
"""The key as it is written, the word for what it does, and the key as Textual names it."""
GAP = 2
"""Cells between two keys."""
_RANKS = {"approval.return": 0, "run.cancel": 0, "app.jump": 2, "app.palette": 3, "app.help": 3}
_ALWAYS = 2
"""So many at the end are kept when the others are cut."""


def fitting(items: Sequence[Item], room: int) -> list[Item]:
    """As many as fit in ``room`` cells, from the front; the last ones before any of them."""
    widths = [cell_len(key) + 1 + cell_len(label) + GAP for key, label, _ in items]
    room += GAP
    kept: list[int] = []
    first_kept = max(0, len(items) - _ALWAYS)
    for at in (*reversed(range(first_kept, len(items))), *range(first_kept)):
        if widths[at] > room:
            if at < first_kept:
                break
            continue
        room -= widths[at]
        kept.append(at)
    return [items[at] for at in sorted(kept)]


class StatusFooter(Widget):
    """One widget for the whole line: a change of keys repaints it and mounts nothing."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StatusFooter {
        dock: bottom;
        height: 1;
        padding: 0 1;
        background: $footer-background;
        color: $footer-description-foreground;
    }
    """

    figures: reactive[str] = reactive("")
    """Tokens and duration of the last run, empty before there was one."""

    def __init__(self) -> None:
        super().__init__()
        self._last: list[Item] = []
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        # On a narrow line the keys come first.
        told = self.figures if 2 * cell_len(self.figures) <= width else ""
        figures = Content.assemble((told, "$foreground"))
        line = Content()
        self._spans.clear()
        for key, label, press in fitting(self._keys(), width - cell_len(told) - (2 if told else 0)):
            item = Content.assemble((key, "bold $footer-key-foreground"), f" {label}")
            start = line.cell_length + (GAP if line.cell_length else 0)
            self._spans.append((start, start + item.cell_length, press))
            line = Content.assemble(line, " " * GAP if line.cell_length else "", item)
        gap = max(0, width - line.cell_length - figures.cell_length)
        return Content.assemble(line, " " * gap, figures)

    def _keys(self) -> list[Item]:
        """Each command with a label that can be carried out now, once: first what waits for the
        user, then the focused place, then what is around it; at the end what always helps."""
        if self.app.screen is not self.screen:
            return self._last  # under a dialog the keys belong to the dialog
        found: dict[str, tuple[int, Item]] = {}
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if binding.show and enabled and binding.action not in found and binding.key != NO_KEY:
                rank = _RANKS.get(binding.id or "", 1)
                display = self.app.get_key_display(binding)
                found[binding.action] = rank, (display, binding.description, binding.key)
        self._last = [item for _, item in sorted(found.values(), key=lambda each: each[0])]
        return self._last

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        for start, end, key in self._spans:
            if start <= at.x < end:
                self.app.simulate_key(key)
                return
