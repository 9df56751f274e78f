"""The first line: who answers, with which model, over which connection, and how things stand."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.text import safe_line

State = Literal["starting", "ready", "answering", "waiting", "stopping", "offline"]

_STATES: dict[State, tuple[str, str, str]] = {
    "starting": ("○", "starting", "$footer-description-foreground"),
    "ready": ("●", "ready", "$success"),
    "answering": ("◐", "answering", "$primary"),
    "waiting": ("!", "decision needed", "bold $warning"),
    "stopping": ("◌", "stopping", "$warning"),
    "offline": ("✗", "not connected", "bold $error"),
}


class StatusHeader(Widget):
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = set()
    DEFAULT_CSS = """
    StatusHeader {
        height: 1;
        padding: 0 1;
        color: $foreground;
    }
    """

    assistant: reactive[str] = reactive("")
    model: reactive[str] = reactive("")
    connection: reactive[str] = reactive("")
    state: reactive[State] = reactive[State]("starting")
    thread: reactive[str] = reactive("")
    """Tokens and time of the whole thread, empty before its first run."""

    def render(self) -> Content:
        mark, word, tone = _STATES[self.state]
        width = self.content_size.width
        state = Content.assemble((f"{mark} {word}", tone))
        left = Content.assemble(("Understudy", "bold $accent"))
        names = [safe_line(part, 60) for part in (self.assistant, self.model, self.connection)]
        described = " · ".join(name for name in dict.fromkeys(names) if name)
        room = width - left.cell_length - state.cell_length - 5
        if described and room > 3:
            if cell_len(described) > room:
                described = Content(described).truncate(room, ellipsis=True).plain
            left = Content.assemble(left, "   ", described)
        told = Content.assemble((f"{self.thread}   ", "$footer-description-foreground"))
        if self.thread and left.cell_length + 3 + told.cell_length + state.cell_length <= width:
            state = Content.assemble(told, state)
        gap = max(1, width - left.cell_length - state.cell_length)
        return Content.assemble(left, " " * gap, state)
