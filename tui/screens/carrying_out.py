"""Carrying out a command of the table by its name, whatever has the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.screen import Screen

from tui.commands import Command
from tui.screens.places import OF_SCREENS
from tui.screens.workspace_layout import WorkspaceLayout

if TYPE_CHECKING:
    from textual.dom import DOMNode

PLACE_NEEDS = {
    "composer": "the message box",
    "queue": "a queued message",
    "attachments": "an attached file",
    "transcript": "a conversation",
    "assistants": "the assistant list",
    "threads": "the thread list",
    "approval": "a decision that is asked for",
    "form": "the assistant form",
    "inspector": "the look into a run",
}


async def carry_out(app: App[Any], command: Command) -> None:
    """Do it, or say what it needs."""
    node = place_of(app, command)
    if node is None or not possible(app, command):
        said = f"{command.title} needs {lacking(command)}."
        app.notify(said, severity="warning", markup=False)
        return
    await app.run_action(command.action, node)


def lacking(command: Command) -> str:
    """What the command needs, to complete "needs ..."."""
    return command.needs or PLACE_NEEDS.get(command.where, "another place")


def possible(app: App[Any], command: Command, on: Screen[Any] | None = None) -> bool:
    """Whether the command makes sense now, ``on`` this screen or the one that is shown."""
    screen = on or app.screen
    node = place_of(app, command, screen)
    namespace, _, action = command.action.rpartition(".")
    target = {"screen": screen, "app": app}.get(namespace, node)
    if target is None or (namespace == "screen" and not isinstance(screen, WorkspaceLayout)):
        return False
    name = action.partition("(")[0]
    return hasattr(target, f"action_{name}") and bool(target.check_action(name, ()))


def place_of(app: App[Any], command: Command, on: Screen[Any] | None = None) -> DOMNode | None:
    """The widget the command's action belongs to, None while it is not on the screen."""
    screen = on or app.screen
    if command.where == "app":
        return app
    if command.where == "workspace":
        return screen
    if command.where in OF_SCREENS.values():
        return screen if OF_SCREENS.get(type(screen).__name__) == command.where else None
    if not isinstance(screen, WorkspaceLayout):
        return None
    nodes: dict[str, DOMNode | None] = {
        "composer": screen.composer,
        "queue": screen.queue_list,
        "attachments": screen.attachment_list,
        "transcript": screen.transcript,
        "assistants": screen.assistant_list,
        "threads": screen.thread_list,
        "approval": screen.card,
    }
    return nodes.get(command.where)
