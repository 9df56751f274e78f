"""Which place of the table of commands has the focus."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from tui.command import Where
from tui.screens.workspace_layout import WorkspaceLayout

_BY_ID: dict[str, Where] = {
    "assistants": "assistants",
    "threads": "threads",
    "transcript": "transcript",
    "composer": "composer",
    "queue": "queue",
    "attachments": "attachments",
}
OF_SCREENS: dict[str, Where] = {"AssistantForm": "form", "Inspector": "inspector"}
"""By name of a screen, so that none has to be loaded for it: the place that it is."""


def place_of(screen: Screen[Any]) -> Where:
    """The innermost place around the focus; ``app`` in a dialog."""
    if not isinstance(screen, WorkspaceLayout):
        return OF_SCREENS.get(type(screen).__name__, "app")
    focused = screen.focused
    if focused is None:
        return "workspace"
    if screen.card is not None and screen.card in focused.ancestors_with_self:
        return "approval"
    return _BY_ID.get(focused.id or "", "workspace")
