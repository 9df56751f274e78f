"""A button of one line: label and key, focus shown by its shape and not by its colour alone."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Button


class Choice(Button):
    DEFAULT_CSS = """
    Choice.-style-default {
        width: auto;
        min-width: 8;
        height: 1;
        margin: 0 1 0 0;
        color: $foreground;
        background: $panel;
        text-style: none;
        &:hover { background: $block-cursor-background; }
        &:focus {
            color: $background;
            background: $accent;
            background-tint: transparent;
            text-style: bold;
        }
        &:ansi:focus, &:nocolor:focus { text-style: bold reverse; }
        &.-active { background: $block-cursor-background; tint: transparent; }
        &:disabled { color: $footer-description-foreground; text-opacity: 1; text-style: strike; }
    }
    """

    def __init__(self, label: str, key: str, *, id: str) -> None:
        """``label`` is the app's own text, ``key`` the key that does the same."""
        super().__init__(id=id, compact=True)
        self.active_effect_duration = 0  # while it would flash, it would ignore a second press
        self._key = key
        self.name_it(label)

    def name_it(self, label: str) -> None:
        """Another label for the same key."""
        self._label = label
        self._draw(self.has_focus)

    def _draw(self, focused: bool) -> None:
        mark = "▸" if focused else " "
        self.label = Content.assemble(f"{mark}{self._label} ", (self._key, "bold"))

    def on_focus(self) -> None:
        self._draw(True)

    def on_blur(self) -> None:
        self._draw(False)
