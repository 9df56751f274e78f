"""The assistants there are; the marked one answers the next message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from services.records import Assistant
from tui.commands import bindings
from tui.text import safe_line
from tui.widgets.row_list import Row, RowList


class AssistantList(RowList):
    BINDINGS: ClassVar[list[BindingType]] = bindings("assistants")
    BORDER_TITLE = "Assistants"

    def show_assistants(self, assistants: Sequence[Assistant], chosen: str | None) -> None:
        """Show these; the one whose id is ``chosen`` has the mark."""
        self.show_rows(
            [
                Row(assistant.id, assistant_name(assistant), current=assistant.id == chosen)
                for assistant in assistants
            ],
            empty="None: n makes one",
        )


def assistant_name(assistant: Assistant) -> str:
    """The assistant's name, safe for one line; its model where it has no name."""
    return safe_line(assistant.name, 200) or safe_line(assistant.model, 200) or "Unnamed"
