"""Commands by word: the names are those of the table that the full screen has too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tui.commands import BY_ID, COMMANDS, Command

WORDS: Mapping[str, tuple[str, str]] = {
    "help": ("app.help", ""),
    "new": ("thread.new", ""),
    "threads": ("pane.threads", "WORDS"),
    "open": ("thread.open", "NUMBER"),
    "read": ("pane.transcript", "HOW MANY"),
    "find": ("find.open", "WORDS"),
    "search": ("thread.search", "WORDS"),
    "rename": ("thread.rename", "TITLE"),
    "archive": ("thread.archive", ""),
    "delete": ("thread.delete", ""),
    "undelete": ("thread.undo_delete", ""),
    "assistants": ("pane.assistants", ""),
    "use": ("assistant.choose", "NUMBER OR NAME"),
    "again": ("run.retry", ""),
    "decide": ("approval.return", ""),
    "connect": ("connection.retry", ""),
    "quit": ("app.quit", ""),
}
"""The word, the command it stands for, and what follows the word."""
_TOLD: Mapping[str, str] = {
    "app.help": "This list.",
    "pane.threads": "List the threads, or those whose title holds the words.",
    "thread.open": "Go on in the thread with this number in the last list.",
    "pane.transcript": "Read the last messages of the thread again, or so many of them.",
    "find.open": "Read the messages of this thread that hold the words.",
    "pane.assistants": "List the assistants.",
    "assistant.choose": "This assistant answers the next message.",
    "thread.archive": "Take this thread out of the list without deleting it.",
}
"""Where a command does here what its help does not say."""


@dataclass(frozen=True, slots=True)
class Said:
    """A command that was typed, with what followed it."""

    command: Command
    rest: str


def understood(text: str) -> Said | str:
    """The command in ``text`` (without its slash), or a sentence that says why it is none.

    A command is called by its word here, by its id, or by its title, whatever the case.
    """
    folded = text.casefold().strip()
    by_length: list[tuple[int, Command]] = []
    for command in COMMANDS:
        names = [command.id, command.title.casefold(), *words_of(command)]
        by_length += [
            (len(name), command)
            for name in names
            if folded == name or folded.startswith(f"{name} ")
        ]
    if not by_length:
        first = text.split(maxsplit=1)[0] if text.split() else ""
        return (
            f"There is no command {first or 'without a name'}. Type /help for those there are. "
            "To send a text that begins with a slash, begin it with two."
        )
    length, command = max(by_length, key=lambda each: each[0])
    if not words_of(command):
        return f"{command.title} needs the full screen: leave with /quit, then start understudy."
    return Said(command, text.strip()[length:].strip())


def words_of(command: Command) -> list[str]:
    return [word for word, (id, _) in WORDS.items() if id == command.id]


def help_lines() -> list[str]:
    """One line a command."""
    lines = []
    for word, (id, follows) in WORDS.items():
        told = _TOLD.get(id, BY_ID[id].help)
        lines.append(f"/{word}{' ' + follows if follows else ''}: {BY_ID[id].title}. {told}")
    return lines
