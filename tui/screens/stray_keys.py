"""Letters typed where nothing is written: they begin a message instead of being lost.

In the lists and in the conversation a letter is either a command or text, and always the same of
the two: one that is a command there stays one when the command cannot be carried out, and says
what it needs. Everything else that writes a character goes into the message box, and the box has
the focus from then on. On a decision nothing goes anywhere: there a stray key must do nothing.
"""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widget import Widget

from tui.commands import BY_ID
from tui.transcript.view import Transcript
from tui.widgets.row_list import RowList


def takes_stray_keys(widget: Widget | None) -> bool:
    """Whether what is typed on this widget may begin a message."""
    return isinstance(widget, RowList | Transcript)


def bound_on(screen: Screen[Any], key: str) -> list[str | None]:
    """The ids of the bindings that ``key`` has in the focused place, enabled or not."""
    return [
        binding.id
        for _node, bindings in screen._modal_binding_chain
        for binding in bindings.key_to_bindings.get(key, ())
    ]


def begins_message(screen: Screen[Any], key: str) -> bool:
    """Whether this key, which writes a character, is text for the message box."""
    return takes_stray_keys(screen.focused) and not bound_on(screen, key)


def lacking(screen: Screen[Any], key: str) -> str:
    """What the command of this key needs, in a sentence; empty if it can be carried out."""
    if not takes_stray_keys(screen.focused) or key in screen.active_bindings:
        return ""
    for id in bound_on(screen, key):
        command = BY_ID.get(id or "")
        if command is not None and command.needs:
            return f"{command.title} needs {command.needs}."
    return ""
