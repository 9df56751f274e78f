"""The commands of reading a conversation: finding, marking, copying, saving."""

from __future__ import annotations

from tui.command import Command

# fmt: off
READING: tuple[Command, ...] = (
    Command(
        "find.open", "Find in the conversation",
        "Look for text in this thread: Enter goes to the next match, Up and Down go both ways.",
        "Conversation", "workspace", "screen.find", keys="ctrl+f", label="find", priority=True,
    ),
    Command(
        "find.next", "Next match",
        "Go to the next place with the text that was looked for.",
        "Conversation", "workspace", "screen.find_step(1)", keys="alt+n",
        needs="a text to find",
    ),
    Command(
        "find.previous", "Previous match",
        "Go to the previous place with the text, in older messages too.",
        "Conversation", "workspace", "screen.find_step(-1)", keys="alt+p",
        needs="a text to find",
    ),
    Command(
        "transcript.to_end", "Back to the newest message",
        "Go to the end of the conversation and stay there while an answer grows.",
        "Conversation", "workspace", "screen.to_end", keys="alt+e",
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
        "transcript.block_next", "Block below",
        "Move the mark into the message: paragraph by paragraph, lists, tables, code, sources.",
        "Conversation", "transcript", "block(1)", keys="j",
    ),
    Command(
        "transcript.block_previous", "Block above",
        "Move the mark to the block above, and out of the message at its beginning.",
        "Conversation", "transcript", "block(-1)", keys="k",
    ),
    Command(
        "transcript.fold", "Open or close what is marked",
        "Show what a step did, or only its one line; open a source or a picture.",
        "Conversation", "transcript", "fold", keys="enter,space", label="open",
    ),
    Command(
        "transcript.copy", "Copy what is marked",
        "Send the selection, the marked block or the marked message to the clipboard.",
        "Conversation", "transcript", "copy", keys="c", label="copy",
    ),
    Command(
        "transcript.copy_code", "Copy the code in it",
        "Send the code of what is marked to the clipboard; again, the next piece of code.",
        "Conversation", "transcript", "copy_code", keys="y", label="copy code",
    ),
    Command(
        "transcript.save", "Save what is marked",
        "Write the marked block, message or picture to a file, never over another one unasked.",
        "Conversation", "transcript", "want('save')", keys="s", label="save",
    ),
    Command(
        "transcript.maximise", "Show it on the whole screen",
        "The marked block alone: code and tables as wide as they are, pictures as large as fits.",
        "Conversation", "transcript", "want('maximise')", keys="m", label="full screen",
    ),
    Command(
        "transcript.link", "Open a link in it",
        "Show where the links of what is marked really go; open one, or copy its target.",
        "Conversation", "transcript", "want('links')", keys="o",
    ),
    Command(
        "transcript.raw", "Markdown as written, or rendered",
        "Switch the marked message between its Markdown and how that looks.",
        "Conversation", "transcript", "raw", keys="w",
    ),
    Command(
        "transcript.raw_all", "All Markdown as written",
        "Switch all messages between their Markdown and how that looks.",
        "Conversation", "transcript", "raw_all", keys="W",
    ),
    Command(
        "transcript.select_up", "Select upwards",
        "Extend the selection by a line; with Shift also by pages, characters, to both ends.",
        "Conversation", "transcript", "select('line', -1)", keys="shift+up",
    ),
    Command(
        "transcript.select_down", "Select downwards",
        "Extend the selection by a line; C copies it.",
        "Conversation", "transcript", "select('line', 1)", keys="shift+down",
    ),
)
# fmt: on
