"""The last line: the keys that work now, and what the last run took."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget


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
        self._last: list[tuple[str, str, str]] = []
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
        room = width - figures.cell_length - (2 if told else 0)
        line = Content()
        self._spans.clear()
        for key, label, press in self._keys():
            item = Content.assemble((key, "bold $footer-key-foreground"), f" {label}")
            start = line.cell_length + (2 if line.cell_length else 0)
            if start + item.cell_length > room:
                break
            self._spans.append((start, start + item.cell_length, press))
            line = Content.assemble(line, "  " if line.cell_length else "", item)
        gap = max(0, width - line.cell_length - figures.cell_length)
        return Content.assemble(line, " " * gap, figures)

    def _keys(self) -> list[tuple[str, str, str]]:
        """Display, label and key of each shown command, each command once."""
        if self.app.screen is not self.screen:
            return self._last  # under a dialog the keys belong to the dialog
        found: dict[str, tuple[str, str, str]] = {}
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if binding.show and enabled and binding.action not in found:
                display = self.app.get_key_display(binding)
                found[binding.action] = (display, binding.description, binding.key)
        self._last = list(found.values())
        return self._last

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        for start, end, key in self._spans:
            if start <= at.x < end:
                self.app.simulate_key(key)
                return
