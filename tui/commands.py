"""Every command of the app, as one table.

Bindings, the footer, the palette, the help screen and the README's key table are all derived from
``COMMANDS``; nothing else in the app names a key. A user changes keys by command id.

``where`` is the place that has to hold the focus for the key to work. Places nest: a key of
``workspace`` also works in ``composer``, a key of ``app`` works everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Where = Literal[
    "app", "workspace", "composer", "transcript", "assistants", "threads", "approval", "form"
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
    "transcript": ("workspace", "app"),
    "assistants": ("workspace", "app"),
    "threads": ("workspace", "app"),
    "approval": ("workspace", "app"),
    "form": ("app",),
}
"""For each place, the places around it whose keys work there too."""

PLACES: Mapping[Where, str] = {
    "app": "anywhere",
    "workspace": "in the conversation view",
    "composer": "in the message box",
    "transcript": "in the conversation",
    "assistants": "in the assistant list",
    "threads": "in the thread list",
    "approval": "on a decision",
    "form": "in the assistant form",
}


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


# Alt with a digit is no key: on plain terminals it types the sign that a Mac's keyboard has there.

# fmt: off
COMMANDS: tuple[Command, ...] = (
    # Message
    Command(
        "message.send", "Send the message",
        "Send what the message box holds to the chosen assistant.",
        "Message", "composer", "send", keys="enter", priority=True,
    ),
    Command(
        "message.newline", "Break the line",
        "Begin a new line in the message. Shift+Enter works where the terminal can tell it apart.",
        "Message", "composer", "newline", keys="ctrl+j,shift+enter", priority=True,
    ),
    Command(
        "message.editor", "Write in your editor",
        "Open the message in $VISUAL or $EDITOR; saving and closing brings it back.",
        "Message", "workspace", "screen.open_editor", keys="ctrl+g",
    ),
    # Conversation
    Command(
        "run.cancel", "Stop the answer",
        "Stop the run of this thread. What was written is kept.",
        "Conversation", "workspace", "screen.escape", keys="escape", label="stop",
        needs="an answer that is being written",
    ),
    Command(
        "run.retry", "Answer again",
        "Run the assistant again on this thread, without a new message.",
        "Conversation", "workspace", "screen.retry", keys="ctrl+r",
        needs="a thread with a message and no answer being written",
    ),
    Command(
        "answer.copy", "Copy the last answer",
        "Send the last answer, as Markdown, to the clipboard.",
        "Conversation", "workspace", "screen.copy_answer", keys="alt+c", needs="an answer",
    ),
    Command(
        "transcript.previous", "Entry above",
        "Move the mark to the message or step above.",
        "Conversation", "transcript", "cursor(-1)", keys="alt+up",
    ),
    Command(
        "transcript.next", "Entry below",
        "Move the mark to the message or step below.",
        "Conversation", "transcript", "cursor(1)", keys="alt+down",
    ),
    Command(
        "transcript.fold", "Open or close the step",
        "Show what a step did, or only its one line.",
        "Conversation", "transcript", "fold", keys="enter,space",
    ),
    Command(
        "transcript.copy", "Copy the marked entry",
        "Send the marked message or step to the clipboard.",
        "Conversation", "transcript", "copy", keys="c",
    ),
    # Approval
    Command(
        "approval.once", "Run the function once",
        "Run it as shown. Where it cannot run here, type its result by hand instead.",
        "Approval", "approval", "approve", keys="y", label="run once",
        needs="a decision that is asked for",
    ),
    Command(
        "approval.deny", "Deny",
        "Do not run it; the model is told.",
        "Approval", "approval", "deny", keys="n", label="deny",
        needs="a decision that is asked for",
    ),
    Command(
        "approval.deny_reason", "Deny with a reason",
        "Do not run it, and tell the model why.",
        "Approval", "approval", "deny_with_reason", keys="r", label="reason",
        needs="a decision that is asked for",
    ),
    Command(
        "approval.full", "See the whole call",
        "Everything about the call on the full screen.",
        "Approval", "approval", "full_view", keys="f", label="full view",
        needs="a decision that is asked for",
    ),
    Command(
        "approval.park", "Decide later",
        "Back to the message box. The call waits; nothing is cancelled.",
        "Approval", "approval", "park", keys="escape", label="later",
        needs="a decision that is asked for",
    ),
    Command(
        "approval.return", "Go to the decision",
        "Back to the function call that waits for your decision.",
        "Approval", "workspace", "screen.return_to_decision", keys="f4", label="decide",
        needs="a decision that is asked for",
    ),
    # Threads
    Command(
        "thread.new", "New thread",
        "Begin a conversation. It is kept from its first message on.",
        "Threads", "workspace", "screen.new_thread", keys="ctrl+n", label="new",
    ),
    Command(
        "thread.open", "Open the thread",
        "Show the highlighted thread.",
        "Threads", "threads", "select", keys="enter",
    ),
    Command(
        "thread.filter", "Filter the threads",
        "Show only threads whose title holds what you type.",
        "Threads", "threads", "screen.filter_threads", keys="slash", label="filter",
    ),
    Command(
        "thread.rename", "Rename the thread",
        "Give the thread another title.",
        "Threads", "workspace", "screen.rename_thread", keys="f2", needs="a thread",
    ),
    Command(
        "thread.delete", "Delete the thread",
        "Delete the thread with its messages, after a question.",
        "Threads", "threads", "screen.delete_thread", keys="delete", label="delete",
        needs="a thread",
    ),
    # Assistants
    Command(
        "assistant.choose", "Answer with this assistant",
        "The highlighted assistant answers the next message.",
        "Assistants", "assistants", "select", keys="enter", label="choose",
    ),
    Command(
        "assistant.new", "New assistant",
        "Make an assistant: a name, a model, instructions and tools.",
        "Assistants", "assistants", "screen.new_assistant", keys="n", label="new assistant",
    ),
    Command(
        "assistant.edit", "Edit the assistant",
        "Change the assistant's model, instructions and tools.",
        "Assistants", "assistants", "screen.edit_assistant", keys="e", label="edit",
        needs="an assistant",
    ),
    Command(
        "assistant.delete", "Delete the assistant",
        "Delete the assistant, after a question. Its conversations stay.",
        "Assistants", "assistants", "screen.delete_assistant", keys="delete", label="delete",
        needs="an assistant",
    ),
    Command(
        "form.save", "Save the assistant",
        "Save what the form holds and close it.",
        "Assistants", "form", "save", keys="ctrl+s", label="save", needs="the assistant form",
        priority=True,
    ),
    Command(
        "form.cancel", "Close the form",
        "Close the form; asks first when something was changed.",
        "Assistants", "form", "cancel", keys="escape", label="cancel", needs="the assistant form",
    ),
    # Panes
    Command(
        "pane.assistants", "Go to the assistants",
        "Focus the assistant list.",
        "Panes", "workspace", "screen.focus_pane('assistants')", keys="alt+a",
    ),
    Command(
        "pane.threads", "Go to the threads",
        "Focus the thread list.",
        "Panes", "workspace", "screen.focus_pane('threads')", keys="alt+t",
    ),
    Command(
        "pane.transcript", "Go to the conversation",
        "Focus the conversation, to scroll and select in it.",
        "Panes", "workspace", "screen.focus_pane('transcript')", keys="alt+v",
    ),
    Command(
        "pane.composer", "Go to the message box",
        "Focus the message box.",
        "Panes", "workspace", "screen.focus_pane('composer')", keys="alt+m",
    ),
    Command(
        "pane.files", "Go to the files",
        "Focus the files of this thread.",
        "Panes", "workspace", "screen.focus_pane('files')", keys="alt+l",
    ),
    Command(
        "pane.toggle_lists", "Show or hide the lists",
        "Fold the assistants and threads away, or bring them back.",
        "Panes", "workspace", "screen.toggle_pane('lists')", keys="f3", label="lists",
    ),
    Command(
        "pane.toggle_files", "Show or hide the files",
        "Fold the files away, or bring them back.",
        "Panes", "workspace", "screen.toggle_pane('files')", keys="f5",
    ),
    # App
    Command(
        "app.palette", "Command palette",
        "Find any command, thread or assistant by its name.",
        "App", "app", "app.command_palette", keys="ctrl+p", label="commands", priority=True,
    ),
    Command(
        "app.help", "Help",
        "All commands and their keys.",
        "App", "app", "app.help", keys="f1", label="help",
    ),
    Command(
        "app.copy", "Copy the selection",
        "Copy selected text. Without a selection it changes nothing.",
        "App", "app", "app.copy_or_hint", keys="ctrl+c,super+c",
    ),
    Command(
        "app.theme", "Choose a theme",
        "Every theme there is, with a search.",
        "App", "app", "app.change_theme",
    ),
    Command(
        "app.light_dark", "Switch between light and dark",
        "Understudy's light theme or its dark one.",
        "App", "app", "app.toggle_light_dark", keys="f8",
    ),
    Command(
        "connection.retry", "Connect again",
        "Try the connection again after it failed.",
        "App", "workspace", "screen.connect", needs="a connection that failed",
    ),
    Command(
        "app.quit", "Quit",
        "Leave. What was sent is kept, and calls that wait for a decision go on waiting.",
        "App", "app", "app.quit", keys="ctrl+q", priority=True,
    ),
)
# fmt: on

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}


def bindings(*where: Where) -> list[BindingType]:
    """The bindings of the commands of the given places, in the table's order."""
    return [command.binding() for command in COMMANDS if command.where in where and command.keys]


def grouped() -> Iterator[tuple[Group, tuple[Command, ...]]]:
    """The commands by group, groups in the order in which the help screen shows them."""
    for group in GROUPS:
        yield group, tuple(command for command in COMMANDS if command.group == group)


def keys_of(command: Command, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of a command after the user's ``keymap``, as Textual names."""
    return tuple(key.strip() for key in keymap.get(command.id, command.keys).split(",") if key)


_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "delete": "Del",
    "up": "Up",
    "down": "Down",
    "slash": "/",
    "space": "Space",
    "question_mark": "?",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def readable(key: str) -> str:
    """A key as it is written for people: ``ctrl+n`` is ``Ctrl+N``."""
    *modifiers, last = key.split("+")
    single = last.upper() if modifiers and len(last) == 1 else last
    name = _NAMES.get(last, single.upper() if last[:1] == "f" and last[1:].isdigit() else single)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])


def keys_text(command: Command, keymap: Mapping[str, str] | None = None) -> str:
    """A command's keys for people, empty without one."""
    return ", ".join(readable(key) for key in keys_of(command, keymap or {}))
