"""The commands of assistants and models: choosing, making, changing; and of looking into a run."""

from __future__ import annotations

from tui.command import Command

# fmt: off
ASSISTANTS: tuple[Command, ...] = (
    Command(
        "assistant.choose", "Answer with this assistant",
        "The highlighted assistant answers the next message.",
        "Assistants", "assistants", "select", keys="enter", label="choose",
    ),
    Command(
        "assistant.switch", "Switch the assistant",
        "Find another assistant by some letters of its name; it answers the next message.",
        "Assistants", "workspace", "screen.switch_assistant", keys="alt+w", needs="an assistant",
    ),
    Command(
        "model.choose", "Choose the model for this thread",
        "Find a model the endpoint lists, or type a name; it answers in this thread from now on.",
        "Assistants", "workspace", "screen.choose_model", keys="alt+o", needs="a connection",
    ),
    Command(
        "assistant.new", "New assistant",
        "Make an assistant: a name, a model, instructions and tools.",
        "Assistants", "assistants", "screen.new_assistant", keys="n", label="new assistant",
    ),
    Command(
        "assistant.edit", "Edit the assistant",
        "Change the assistant's model, instructions, tools and everything else of it.",
        "Assistants", "assistants", "screen.edit_assistant", keys="e", label="edit",
        needs="an assistant",
    ),
    Command(
        "assistant.duplicate", "Duplicate the assistant",
        "Make another assistant with the same fields.",
        "Assistants", "assistants", "screen.duplicate_assistant", keys="d", needs="an assistant",
    ),
    Command(
        "assistant.delete", "Delete the assistant",
        "Delete the assistant; for a while it can be brought back. Its conversations stay.",
        "Assistants", "assistants", "screen.delete_assistant", keys="delete", label="delete",
        needs="an assistant",
    ),
    Command(
        "assistant.undo_delete", "Bring the deleted assistant back",
        "Undo the last deletion of an assistant, within 20 seconds of it and before you quit.",
        "Assistants", "assistants", "screen.undelete_assistant", keys="u",
        needs="an assistant that was deleted a moment ago",
    ),
    Command(
        "assistant.export", "Export the assistant",
        "Write the assistant as JSON into the folder the app was started in.",
        "Assistants", "assistants", "screen.export_assistant", keys="x", needs="an assistant",
    ),
    Command(
        "assistant.export_all", "Export all assistants",
        "Write all assistants into one JSON file in the folder the app was started in.",
        "Assistants", "assistants", "screen.export_assistants", needs="an assistant",
    ),
    Command(
        "assistant.import", "Import assistants",
        "Make the assistants of a JSON file: one, a list, or what the hosted API or its SDKs gave.",
        "Assistants", "assistants", "screen.import_assistants", keys="i", needs="a connection",
    ),
    Command(
        "form.save", "Save the assistant",
        "Save what the form holds and close it.",
        "Assistants", "form", "save", keys="ctrl+s", label="save", needs="the assistant form",
        priority=True,
    ),
    Command(
        "form.model", "Find a model",
        "Find a model for the assistant among those the endpoint lists.",
        "Assistants", "form", "find_model", keys="ctrl+o", label="models",
        needs="the assistant form",
    ),
    Command(
        "form.editor", "Write the field in your editor",
        "Open the field, or the instructions, in $VISUAL or $EDITOR; closing brings it back.",
        "Assistants", "form", "open_editor", keys="ctrl+g", label="editor",
        needs="the assistant form",
    ),
    Command(
        "form.cancel", "Close the form",
        "Close the form; asks first when something was changed.",
        "Assistants", "form", "cancel", keys="escape", label="cancel", needs="the assistant form",
    ),
    Command(
        "run.inspect", "Look into the run",
        "The steps of the run on a time line, with tokens, and what the model was asked.",
        "Conversation", "workspace", "screen.inspect_run", keys="alt+i",
        needs="a thread with a run",
    ),
    Command(
        "inspector.earlier", "Earlier run",
        "Look into the run before this one.",
        "Conversation", "inspector", "walk(1)", keys="left,p", label="earlier run",
        needs="the look into a run",
    ),
    Command(
        "inspector.later", "Later run",
        "Look into the run after this one.",
        "Conversation", "inspector", "walk(-1)", keys="right,n", label="later run",
        needs="the look into a run",
    ),
    Command(
        "inspector.request", "What the model was asked",
        "Show the next request of the run that went to the model, exactly as it was sent.",
        "Conversation", "inspector", "next_request", keys="r", label="request",
        needs="the look into a run",
    ),
    Command(
        "inspector.copy", "Copy what is shown",
        "Send the details that are shown to the clipboard, whole.",
        "Conversation", "inspector", "copy", keys="c", label="copy",
        needs="the look into a run",
    ),
    Command(
        "inspector.refresh", "Read the run again",
        "Read the run again, for one that is still on its way.",
        "Conversation", "inspector", "refresh_run", keys="f9", label="read again",
        needs="the look into a run",
    ),
    Command(
        "inspector.close", "Back to the conversation",
        "Close the look into the run.",
        "Conversation", "inspector", "close", keys="escape,q", label="back",
        needs="the look into a run",
    ),
)
# fmt: on
