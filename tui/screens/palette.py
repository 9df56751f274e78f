"""The command palette: every command of the table, and every thread and assistant by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.commands import COMMANDS, Command, keys_text
from tui.screens.workspace import WorkspaceScreen
from tui.text import safe_line
from tui.widgets.assistant_list import assistant_name
from tui.widgets.thread_list import thread_title

if TYPE_CHECKING:
    from textual.dom import DOMNode

JUMPS = 500
"""Threads offered by name, newest first; the thread list's filter finds the others."""


class CommandProvider(Provider):
    """Commands run on the widget they belong to, whatever had the focus."""

    @property
    def _workspace(self) -> WorkspaceScreen | None:
        for screen in self.app.screen_stack:
            if isinstance(screen, WorkspaceScreen):
                return screen
        return None

    def _keymap(self) -> dict[str, str]:
        workspace = getattr(self.app, "workspace", None)
        return dict(workspace.settings.keymap) if workspace is not None else {}

    async def discover(self) -> Hits:
        keymap = self._keymap()
        for command in COMMANDS:
            yield DiscoveryHit(
                _labelled(command, Content(command.title), keymap),
                partial(self._run, command),
                text=command.title,
                help=command.help,
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        keymap = self._keymap()
        for command in COMMANDS:
            score = max(matcher.match(command.title), matcher.match(command.id) * 0.8)
            if score > 0:
                yield Hit(
                    score,
                    _labelled(command, matcher.highlight(command.title), keymap),
                    partial(self._run, command),
                    text=command.title,
                    help=command.help,
                )
        for label, jump in self._jumps():
            if (score := matcher.match(label)) > 0:
                yield Hit(score, matcher.highlight(label), jump, text=label)

    def _jumps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        screen = self._workspace
        if screen is None:
            return
        for assistant in screen.catalogue.assistants:
            label = f"assistant: {safe_line(assistant_name(assistant), 80)}"
            yield label, partial(screen.catalogue.choose, assistant.id)
        for thread in screen.catalogue.threads[:JUMPS]:
            yield f"thread: {thread_title(thread)[:80]}", partial(screen.show_thread, thread)

    async def _run(self, command: Command) -> None:
        node = self._node(command)
        if node is None or not self._possible(command, node):
            needs = command.needs or PLACE_NEEDS.get(command.where, "another place")
            self.app.notify(f"{command.title} needs {needs}.", severity="warning", markup=False)
            return
        await self.app.run_action(command.action, node)

    def _possible(self, command: Command, node: DOMNode) -> bool:
        namespace, _, action = command.action.rpartition(".")
        target: DOMNode = {"screen": self.screen, "app": self.app}.get(namespace, node)
        if namespace == "screen" and not isinstance(self.screen, WorkspaceScreen):
            return False
        name = action.partition("(")[0]
        return hasattr(target, f"action_{name}") and bool(target.check_action(name, ()))

    def _node(self, command: Command) -> DOMNode | None:
        """The widget the command's action belongs to, None while it is not on the screen."""
        if command.where == "app":
            return self.app
        if command.where in ("workspace", "form"):
            return self.screen
        if not isinstance(self.screen, WorkspaceScreen):
            return None
        nodes: dict[str, DOMNode | None] = {
            "composer": self.screen.composer,
            "transcript": self.screen.transcript,
            "assistants": self.screen.assistant_list,
            "threads": self.screen.thread_list,
            "approval": self.screen.card,
        }
        return nodes[command.where]


PLACE_NEEDS = {
    "composer": "the message box",
    "transcript": "a conversation",
    "assistants": "the assistant list",
    "threads": "the thread list",
    "approval": "a decision that is asked for",
    "form": "the assistant form",
}


def _labelled(command: Command, title: Content, keymap: dict[str, str]) -> Content:
    keys = keys_text(command, keymap)
    if not keys:
        return title
    return Content.assemble(title, "  ", (safe_line(keys, 40), "$footer-key-foreground"))
