"""What a command is, where its keys work, and how commands are grouped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Where = Literal[
    "app",
    "workspace",
    "composer",
    "queue",
    "attachments",
    "transcript",
    "assistants",
    "threads",
    "approval",
    "form",
    "inspector",
]
Group = Literal["Conversation", "Message", "Threads", "Assistants", "Approval", "Panes", "App"]

GROUPS: tuple[Group, ...] = (
    "Message",
    "Conversation",
    "Approval",
    "Threads",
    "Assistants",
    "Panes",
    "App",
)

ENCLOSING: Mapping[Where, tuple[Where, ...]] = {
    "app": (),
    "workspace": ("app",),
    "composer": ("workspace", "app"),
    "queue": ("workspace", "app"),
    "attachments": ("workspace", "app"),
    "transcript": ("workspace", "app"),
    "assistants": ("workspace", "app"),
    "threads": ("workspace", "app"),
    "approval": ("workspace", "app"),
    "form": ("app",),
    "inspector": ("app",),
}
"""For each place, the places around it whose keys work there too."""

PLACES: Mapping[Where, str] = {
    "app": "anywhere",
    "workspace": "in the conversation view",
    "composer": "in the message box",
    "queue": "in the queue",
    "attachments": "on the attached files",
    "transcript": "in the conversation",
    "assistants": "in the assistant list",
    "threads": "in the thread list",
    "approval": "on a decision",
    "form": "in the assistant form",
    "inspector": "in the look into a run",
}

NO_KEY = "no_key"
"""Stands for "none" in a keymap: Textual takes an empty entry for no entry."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a user can do.

    ``keys`` is a comma separated list of Textual key names, empty without a default key.
    ``action`` is the Textual action; one without a namespace belongs to the widget of ``where``.
    ``needs`` completes "needs ...", for a command chosen while it makes no sense. ``label`` is the
    word in the footer; without one the command is not in the footer.
    """

    id: str
    title: str
    help: str
    group: Group
    where: Where
    action: str
    keys: str = ""
    label: str = ""
    needs: str = ""
    priority: bool = False

    def binding(self) -> Binding:
        """The Textual binding of this command; only for commands with a key."""
        return Binding(
            self.keys,
            self.action,
            self.label or self.title,
            show=bool(self.label),
            priority=self.priority,
            id=self.id,
            tooltip=self.help,
        )
