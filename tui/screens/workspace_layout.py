"""The workspace's widgets, and which of them a terminal of some width shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from tui.screens.panes import Pane, visible_panes
from tui.widgets.assistant_list import AssistantList
from tui.widgets.composer import Composer
from tui.widgets.files_pane import FilesPane
from tui.widgets.status_footer import StatusFooter
from tui.widgets.status_header import StatusHeader
from tui.widgets.thread_list import ThreadList
from tui.widgets.thread_transcript import ThreadTranscript

if TYPE_CHECKING:
    from tui.widgets.approval_card import ApprovalCard
    from tui.widgets.attachment_list import AttachmentList
    from tui.widgets.queue_list import QueueList

PANE_OF: dict[str, Pane] = {
    "assistants": "lists",
    "threads": "lists",
    "transcript": "conversation",
    "composer": "conversation",
    "files": "files",
}
"""The pane that holds the widget of a focus command."""


class Row(Horizontal):
    BLANK = True  # its children cover it: nothing of its own is ever drawn


class Column(Vertical):
    BLANK = True


class WorkspaceLayout(Screen[None]):
    """Composes the screen and folds its panes."""

    AUTO_FOCUS = "Composer"
    BLANK = True  # its panes cover it: drawing what is behind them was a third of the first frame
    DEFAULT_CSS = """
    WorkspaceLayout {
        background: $background;
        #panes { height: 1fr; }
        #lists { width: 26; }
        #conversation { width: 1fr; }
        #files-pane { width: 26; }
        &.-one-pane #lists { width: 1fr; }
        &.-one-pane #files-pane { width: 1fr; }
        AssistantList, ThreadList, FilesPane, Transcript {
            border: round $border-blurred;
            border-title-color: $footer-description-foreground;
            padding: 0;
            &:focus {
                border: heavy $border;
                border-title-color: $accent;
                border-title-style: bold;
            }
        }
        AssistantList { height: auto; min-height: 4; max-height: 40%; }
        Transcript { padding: 0 1; min-height: 3; }
        #composer { min-height: 3; }
    }
    """

    header = getters.query_one(StatusHeader)
    footer = getters.query_one(StatusFooter)
    transcript = getters.query_one(ThreadTranscript)
    composer = getters.query_one(Composer)
    assistant_list = getters.query_one(AssistantList)
    thread_list = getters.query_one(ThreadList)
    files = getters.query_one(FilesPane)

    _PANE_IDS: ClassVar[dict[Pane, str]] = {
        "lists": "#lists",
        "conversation": "#conversation",
        "files": "#files-pane",
    }

    def __init__(self) -> None:
        super().__init__()
        self.card: ApprovalCard | None = None
        """Where function calls are decided; made for the first one."""
        self.queue_list: QueueList | None = None
        self.attachment_list: AttachmentList | None = None
        """Made for the first queued message, the first attached file."""
        self._wanted: Pane = "conversation"
        self._folded: set[Pane] = set()

    def compose(self) -> ComposeResult:
        yield StatusHeader()
        with Row(id="panes"):
            with Column(id="lists"):
                yield AssistantList(id="assistants")
                yield ThreadList(id="threads")
            with Column(id="conversation"):
                yield ThreadTranscript(id="transcript")
                yield Composer(id="composer")
            with Column(id="files-pane"):
                yield FilesPane(id="files")
        yield StatusFooter()

    def on_resize(self, event: events.Resize) -> None:
        self.fold(event.size.width)
        if self.card is not None:
            self.card.fit(event.size.height)

    def fold(self, width: int | None = None) -> None:
        """Show the panes there is room for, in ``width`` columns or the screen's own."""
        room = self.size.width if width is None else width
        shown = visible_panes(room, self._wanted, self._folded)
        for pane, selector in self._PANE_IDS.items():
            self.query_one(selector).display = pane in shown
        self.set_class(len(shown) == 1, "-one-pane")

    def pane_shown(self, pane: Pane) -> bool:
        return bool(self.query_one(self._PANE_IDS[pane]).display)

    def unfold(self, pane: Pane) -> None:
        """Show this pane, whatever else has to make room."""
        self._wanted = pane
        self._folded.discard(pane)
        self.fold()

    def go_to(self, name: str) -> None:
        """Focus a widget by its name in ``PANE_OF``, unfolding its pane."""
        self.unfold(PANE_OF[name])
        target: Widget = self.query_one(f"#{name}")
        self.call_after_refresh(target.focus)

    def toggle(self, pane: Pane) -> None:
        """Fold a pane away, or bring it back and go there."""
        if not self.pane_shown(pane):
            self.go_to("threads" if pane == "lists" else "files")
            return
        self._folded.add(pane)
        self._wanted = "conversation"
        self.fold()
        focused = self.focused
        if focused is None or not focused.is_on_screen or not self._holds_focus():
            self.go_to("composer")

    def _holds_focus(self) -> bool:
        """Whether the focused widget is in a pane that is shown."""
        focused = self.focused
        return focused is not None and all(node.display for node in focused.ancestors_with_self)
