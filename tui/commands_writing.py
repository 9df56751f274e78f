"""The commands of writing: the message box, the queue behind it, the files that go along."""

from __future__ import annotations

from tui.command import Command

# fmt: off
WRITING: tuple[Command, ...] = (
    Command(
        "message.send", "Send the message",
        "Send the message; while an answer is being written, queue it.",
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
    Command(
        "message.earlier", "Earlier message",
        "What was sent before, in the box; so does Up on its first line.",
        "Message", "composer", "walk(1)", needs="a message that was sent before",
    ),
    Command(
        "message.later", "Later message",
        "Back towards your draft; so does Down on the last line.",
        "Message", "composer", "walk(-1)", needs="an earlier message in the box",
    ),
    Command(
        "message.search", "Search what was sent",
        "Find a message you sent, in any thread, by some of its letters.",
        "Message", "workspace", "screen.search_sent", keys="ctrl+r",
    ),
    Command(
        "message.unfold", "Open the folded paste",
        "Put a long paste in place of the token that stands for it.",
        "Message", "composer", "unfold", keys="ctrl+o", needs="a folded paste in the message",
    ),
    Command(
        "attachment.add", "Attach a file",
        "Find a file of this folder or of the server; @ in the message does the same.",
        "Message", "workspace", "screen.attach_file",
    ),
    Command(
        "attachment.show", "Go to the attached files",
        "The files that go with the message: what each is for, and a way to take it off.",
        "Message", "workspace", "screen.go_to_attachments", keys="alt+u",
        needs="an attached file",
    ),
    Command(
        "attachment.use", "Use the file for something else",
        "Switch between search, code, both and picture, as far as its format goes.",
        "Message", "attachments", "switch", keys="enter,space", label="use for",
        needs="an attached file",
    ),
    Command(
        "attachment.remove", "Take the file off the message",
        "The file does not go along; nothing is deleted.",
        "Message", "attachments", "remove", keys="delete,d", label="take off",
        needs="an attached file",
    ),
    Command(
        "queue.show", "Go to the queue",
        "The messages that wait for the answer that is being written.",
        "Message", "workspace", "screen.go_to_queue", keys="alt+q", needs="a queued message",
    ),
    Command(
        "queue.edit", "Edit the queued message",
        "Back into the box. It is not sent until Enter puts it in its place again.",
        "Message", "queue", "edit", keys="enter,e", label="edit", needs="a queued message",
    ),
    Command(
        "queue.up", "Send the queued message earlier",
        "Move it up in the queue.",
        "Message", "queue", "move(-1)", keys="alt+up,K", label="earlier",
        needs="a queued message",
    ),
    Command(
        "queue.down", "Send the queued message later",
        "Move it down in the queue.",
        "Message", "queue", "move(1)", keys="alt+down,J", label="later", needs="a queued message",
    ),
    Command(
        "queue.drop", "Drop the queued message",
        "Take it out of the queue, into the history.",
        "Message", "queue", "drop", keys="delete,d", label="drop", needs="a queued message",
    ),
    Command(
        "queue.clear", "Clear the queue",
        "Drop all queued messages; they stay in the history.",
        "Message", "queue", "clear", keys="c", needs="a queued message",
    ),
    Command(
        "queue.resume", "Go on with the queue",
        "Send the next queued message after a pause; so does Enter in the empty box.",
        "Message", "workspace", "screen.resume_queue", needs="a queue that is paused",
    ),
)
# fmt: on
