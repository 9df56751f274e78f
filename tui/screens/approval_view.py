"""Everything about a function call that waits, on the whole screen. Deciding stays on the card."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from services.records import ApprovalRequest
from tui.widgets import approval_text
from tui.widgets.literal_view import LiteralView


class ApprovalView(ModalScreen[bool]):
    """Closes with whether the end of the arguments was on screen."""

    DEFAULT_CSS = """
    ApprovalView {
        background: $background;
        #call {
            border: heavy $warning;
            border-title-color: $warning;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            padding: 0 1;
        }
        #call-about { height: auto; max-height: 40%; margin: 0 0 1 0; }
        LiteralView { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f,q", "back", "Back", show=False),
    ]

    def __init__(self, request: ApprovalRequest, assistant: str) -> None:
        super().__init__()
        self._request = request
        self._assistant = assistant

    def compose(self) -> ComposeResult:
        request = self._request
        with Vertical(id="call") as box:
            box.border_title = "The whole call"
            box.border_subtitle = "Esc goes back to the decision"
            yield Static(self._about(), id="call-about", markup=False)
            yield LiteralView(approval_text.arguments_of(request), id="call-arguments")

    def _about(self) -> Content:
        request = self._request
        lines = [approval_text.headline(request, self._assistant), approval_text.reach(request)]
        if request.description.strip():
            lines.append(approval_text.described(request))
        if request.warnings:
            lines.append(approval_text.warned(request))
        size = approval_text.size_of(approval_text.arguments_of(request))
        lines.append(Content.assemble((f"arguments: {size}", approval_text.DIM)))
        return Content("\n").join(lines)

    def action_back(self) -> None:
        self.dismiss(self.query_one(LiteralView).end_shown)
