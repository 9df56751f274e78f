"""Jump mode: a letter on every pane and field of the screen; the letter goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.errors import NoWidget
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.screens.workspace_layout import PANE_OF, WorkspaceLayout

LETTERS = "asdfghjklqwertyuiopzxcvbnm1234567890"
_OWN = {
    "assistants": ("a", "assistants"),
    "threads": ("t", "threads"),
    "transcript": ("v", "conversation"),
    "composer": ("m", "message"),
    "files": ("l", "files"),
    "queue": ("q", "queue"),
    "attachments": ("u", "attached files"),
    "choose-deny": ("d", "decision"),
}
"""By id of a widget of the workspace: the letter it has with Alt too, and what it is called."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to go to; ``at`` is its corner on the screen, None while it is folded away."""

    letter: str
    name: str
    go: Callable[[], object]
    at: Offset | None


def targets_of(screen: Screen[Any]) -> list[Target]:
    """Every place of the screen that can have the focus, as it stands now."""
    found: list[Target] = []
    taken = {letter for letter, _ in _OWN.values()}
    free = iter([letter for letter in LETTERS if letter not in taken])
    seen: set[str] = set()
    workspace = screen if isinstance(screen, WorkspaceLayout) else None
    for widget in screen.focus_chain:
        if (at := corner_of(screen, widget)) is None:
            continue
        own = _OWN.get(widget.id or "") if workspace is not None else None
        seen.add(widget.id or "")
        if workspace is not None and (widget.id or "").startswith("choose-") and own is None:
            continue  # one letter for the whole decision
        letter = own[0] if own else next(free, "")
        if letter:
            name = own[1] if own else widget.id or ""
            found.append(Target(letter, name, partial(widget.focus), at))
    if workspace is not None:
        for id in PANE_OF:
            if id not in seen:
                letter, name = _OWN[id]
                found.append(Target(letter, name, partial(workspace.go_to, id), None))
    return found


def corner_of(screen: Screen[Any], widget: Widget) -> Offset | None:
    """Where a widget's letter goes; None when nothing of it is in view."""
    try:
        region = screen.find_widget(widget).visible_region
    except NoWidget:
        return None
    if not region.area:
        return None
    return region.offset


class JumpLabel(Static):
    DEFAULT_CSS = """
    JumpLabel {
        position: absolute;
        width: auto;
        height: 1;
        color: $background;
        background: $accent;
        text-style: bold;
        &:ansi, &:nocolor {
            color: $accent;
            background: $background;
            text-style: bold reverse;
        }
    }
    """

    def __init__(self, target: Target) -> None:
        super().__init__(Content(f" {target.letter} "), markup=False)
        self.target = target
        if target.at is not None:
            self.styles.offset = (target.at.x, target.at.y)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.screen.dismiss(self.target)


class JumpScreen(ModalScreen[Target]):
    """Dismissed with the target that was chosen, or None."""

    DEFAULT_CSS = """
    JumpScreen {
        background: $background 30%;
        #jump-more {
            dock: bottom;
            width: 100%;
            height: auto;
            padding: 0 1;
            background: $surface;
            color: $foreground;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,alt+j", "dismiss(None)", "Back", show=False),
    ]

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self.targets = tuple(targets)

    def compose(self) -> ComposeResult:
        for target in self.targets:
            if target.at is not None:
                yield JumpLabel(target)
        yield Static(Content.assemble(*self._told()), id="jump-more", markup=False)

    def _told(self) -> Iterator[tuple[str, str]]:
        yield ("Press a letter to go there, Esc to stay.", "")
        for target in self.targets:
            if target.at is None:
                yield (f"  {target.letter} ", "bold $accent")
                yield (target.name, "")

    def on_key(self, event: events.Key) -> None:
        wanted = event.character or ""
        for target in self.targets:
            if wanted and target.letter == wanted.lower():
                event.stop()
                self.dismiss(target)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.dismiss(None)

    def on_resize(self, event: events.Resize) -> None:
        if self._drawn_for is not None and event.size != self._drawn_for:
            self.dismiss(None)  # the places are others now
        self._drawn_for = event.size

    _drawn_for: object = None
