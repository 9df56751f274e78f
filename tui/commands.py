"""Every command of the app, as one table.

Bindings, the footer, the palette, the help screen and the README's key table are all derived from
``COMMANDS``; nothing else in the app names a key. A user changes keys by command id.

``where`` is the place that has to hold the focus for the key to work. Places nest: a key of
``workspace`` also works in ``composer``, a key of ``app`` works everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.binding import BindingType

from tui.command import ENCLOSING as ENCLOSING
from tui.command import GROUPS, NO_KEY, Group, Where
from tui.command import PLACES as PLACES
from tui.command import Command as Command
from tui.commands_assistants import ASSISTANTS
from tui.commands_reading import READING
from tui.commands_writing import WRITING

# Alt with a digit is no key: on plain terminals it types the sign that a Mac's keyboard has there.

# fmt: off
COMMANDS: tuple[Command, ...] = (
    *WRITING,
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
        "Conversation", "workspace", "screen.retry", keys="f9",
        needs="a thread with a message and no answer being written",
    ),
    Command(
        "answer.copy", "Copy the last answer",
        "Send the last answer, as Markdown, to the clipboard.",
        "Conversation", "workspace", "screen.copy_answer", keys="alt+c", needs="an answer",
    ),
    *READING,
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
        "Delete the thread with its messages. For a while it can be brought back.",
        "Threads", "threads", "screen.delete_thread", keys="delete", label="delete",
        needs="a thread",
    ),
    Command(
        "thread.undo_delete", "Bring the deleted thread back",
        "Undo the last deletion of a thread, within 20 seconds of it and before you quit.",
        "Threads", "workspace", "screen.undo_delete", keys="alt+z",
        needs="a thread that was deleted a moment ago",
    ),
    Command(
        "thread.archive", "Put the thread away, or back",
        "Take the thread out of the list without deleting it; on one put away, put it back.",
        "Threads", "threads", "screen.archive_thread", keys="a", label="put away",
        needs="a thread",
    ),
    Command(
        "thread.show_archived", "Show the threads put away",
        "List the threads that were put away; once more, the others again.",
        "Threads", "threads", "screen.show_archived", keys="v", needs="a connection",
    ),
    Command(
        "thread.search", "Search all threads",
        "Search what was said in every thread, and open the place that is found.",
        "Threads", "workspace", "screen.search_threads", keys="alt+s", label="search",
        needs="a connection",
    ),
    Command(
        "thread.export", "Export the thread",
        "Write the thread as Markdown, JSON or HTML into the folder the app was started in.",
        "Threads", "workspace", "screen.export_thread", keys="alt+x", needs="a thread",
    ),
    Command(
        "thread.fork", "Fork from this message",
        "A new thread with copies of the messages up to the marked one, or the last.",
        "Threads", "transcript", "screen.fork_thread", keys="f", needs="a message",
    ),
    Command(
        "message.edit", "Edit the question and ask again",
        "Take the marked question back into the message box, in a fork; this thread stays.",
        "Threads", "transcript", "screen.edit_message", keys="e",
        needs="a question in this thread",
    ),
    Command(
        "answer.regenerate", "Another answer, in a fork",
        "Have the marked question answered anew in a fork; this thread keeps the answer it has.",
        "Threads", "transcript", "screen.regenerate", keys="r", needs="a question in this thread",
    ),
    Command(
        "answer.continue", "Go on with the answer",
        "Have an answer that was stopped or cut off written on, below it.",
        "Threads", "transcript", "screen.continue_answer", keys="plus",
        needs="a last answer that was stopped or cut off",
    ),
    *ASSISTANTS,
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
    Command(
        "pane.leave", "Back to the message box",
        "From a list or the conversation; nothing is changed.",
        "Panes", "workspace", "screen.leave_pane", keys="escape",
    ),
    Command(
        "app.jump", "Jump to a place",
        "A letter appears on every pane and field; the letter goes there.",
        "Panes", "app", "app.jump", keys="alt+j", label="jump", priority=True,
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
    keys = (key.strip() for key in keymap.get(command.id, command.keys).split(","))
    return tuple(key for key in keys if key and key != NO_KEY)


_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "delete": "Del",
    "up": "Up",
    "down": "Down",
    "slash": "/",
    "plus": "+",
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
