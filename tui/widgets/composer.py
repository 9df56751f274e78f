"""The message box: takes keys from the first paint on, and never loses what it was given."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.records import Outgoing
from tui.text import safe, safe_line
from tui.widgets.entry_field import EntryField
from tui.widgets.folding_field import FoldingField
from tui.widgets.suggestions import Suggestions
from tui.widgets.walk import Walk

JOINERS = ("\u200c", "\u200d")
"""Not printable by themselves, and a part of many words and emoji."""

Completing = Literal["command", "file"]


class Composer(FoldingField):
    DEFAULT_CSS = """
    Composer {
        margin: 0;
        border-subtitle-color: $footer-description-foreground;
    }
    """
    # The word keys of a shell, which plain terminals send for Alt with an arrow as well.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+b,alt+left", "cursor_word_left", "Word left", show=False),
        Binding("alt+f,alt+right", "cursor_word_right", "Word right", show=False),
        Binding("alt+d", "delete_word_right", "Delete word right", show=False),
    ]

    class PageWanted(Message):
        """A page key in a message that is wholly in view: the conversation is meant."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    class Submitted(EntryField.Submitted):
        """Enter was pressed; ``written`` is out of the box. What begins like a command stays."""

        def __init__(self, field: EntryField, written: Outgoing) -> None:
            super().__init__(field, written.text)
            self.written = written

    class CompletionWanted(Message):
        """Suggestions for ``query`` are wanted; None when they are not any more."""

        def __init__(self, kind: Completing | None, query: str = "") -> None:
            super().__init__()
            self.kind = kind
            self.query = query

    class Completed(Message):
        """A suggestion was chosen; what was typed for it is out of the text."""

        def __init__(self, kind: Completing, key: str) -> None:
            super().__init__()
            self.kind = kind
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(hint="Message", id=id)
        self.past: Callable[[], Sequence[Outgoing]] = tuple
        """What was sent before, the newest first."""
        self.taken_as_files: Callable[[str], Awaitable[bool]] | None = None
        """Asked first about a paste: True when it was files, and was attached."""
        self.suggestions: Suggestions | None = None
        """Made when something is completed for the first time."""
        self._walk = Walk()
        self._asked: tuple[Completing, str, int] | None = None
        self._refused: tuple[Completing, int] | None = None

    def address(self, name: str) -> None:
        """Say in the empty box who would read the message; ``name`` need not be safe."""
        shown = safe_line(name, 60)
        self.hint(f"Message {shown}, @ to attach" if shown else "Message")

    # What it holds

    @property
    def written(self) -> Outgoing:
        return Outgoing(self.text, folds=self.folds)

    @property
    def draft(self) -> Outgoing:
        """What must not be lost: on a walk through what was sent, what was written before it."""
        return self._walk.draft or self.written

    def take(self) -> Outgoing:
        """The message, out of the box; undo brings it back."""
        written = self.written
        self._walk.stop()
        if self.text:
            self.clear()
        return written

    def show(self, message: Outgoing) -> None:
        """Another thread's draft, with nothing of the one before to undo."""
        self._walk.stop()
        if self.text != message.text or self.folds != message.folds:
            self.load(message.text, message.folds)
            self._ask_for_nothing()

    def put(self, text: str) -> None:
        """Replace the text, as an editor does; ``text`` need not be safe."""
        self._walk.stop()
        self.write(self.refold(safe(text)))
        self.focus()

    def put_message(self, message: Outgoing) -> None:
        """Replace the message, with its folds; undo brings the one before back."""
        self._walk.stop()
        self.write(message.text, message.folds)
        self._ask_for_nothing()

    def give_back(self, message: Outgoing | str) -> None:
        """Put a message back that could not be sent, before whatever was typed since."""
        self._walk.stop()
        if isinstance(message, str):
            message = Outgoing(message)
        whole = message.joined(self.written)
        self.write(whole.text, whole.folds)
        self._ask_for_nothing()

    def _ask_for_nothing(self) -> None:
        """What was put here opens no suggestions; what is typed does."""
        found = self._completing()
        self._refused = (found[0], found[2]) if found is not None else None

    # Sending

    def _send(self) -> None:
        if self._accept():
            self.settled.set()
            return
        command = self.text.startswith("/") and not self.text.startswith("//")
        self.post_message(self.Submitted(self, self.written if command else self.take()))

    # Pasting

    async def _on_paste(self, event: events.Paste) -> None:
        # Keys typed meanwhile wait behind this in the box's own queue.
        if self.taken_as_files is not None and await self.taken_as_files(event.text):
            event.prevent_default()
            event.stop()
            self.focus()
            return
        await super()._on_paste(event)

    # Walking through what was sent

    def action_walk(self, step: int) -> None:
        if not self._walk_by(step):
            self.app.bell()

    def _walk_by(self, step: int) -> bool:
        found = self._walk.step(step, self.written, self.past())
        if found is None:
            return False
        self.write(found.text, found.folds)
        if step > 0:  # at the end of the first line, so that the next Up goes on
            self.move_cursor((0, len(self.document.get_line(0))))
        return True

    def action_cursor_up(self, select: bool = False) -> None:
        if select or not self._on_edge(0) or not self._walk_by(1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        last = self.wrapped_document.height - 1
        if select or not self._walk.walking or not self._on_edge(last) or not self._walk_by(-1):
            super().action_cursor_down(select)

    def _on_edge(self, line: int) -> bool:
        """Whether the cursor is on this line, as lines are wrapped."""
        return self.wrapped_document.location_to_offset(self.cursor_location).y == line

    # Completing

    def _on_text_area_changed(self) -> None:
        self._look_for_completion()

    def _on_text_area_selection_changed(self) -> None:
        self._look_for_completion()

    def _on_blur(self, event: events.Blur) -> None:
        self._stop_completing()

    def _look_for_completion(self) -> None:
        found = self._completing() if self.has_focus else None
        if found is None or self._refused == (found[0], found[2]):
            if found is None:
                self._refused = None
            self._stop_completing()
        elif found != self._asked:
            self._asked = found
            self.post_message(self.CompletionWanted(found[0], found[1]))

    def _completing(self) -> tuple[Completing, str, int] | None:
        """What is being completed: its kind, what is typed of it, and the column it begins at."""
        if not self.selection.is_empty:
            return None
        row, column = self.cursor_location
        line = self.document.get_line(row)[:column]
        if row == 0 and line.startswith("/") and self.document.line_count == 1:
            return None if line.startswith("//") else ("command", line[1:], 0)
        if (match := re.search(r"(?:^|(?<=[\s(\[{\"']))@([^\s@]*)$", line)) is not None:
            return "file", match[1], match.start()
        return None

    def _stop_completing(self) -> None:
        if self.suggestions is not None:
            self.suggestions.close()
        if self._asked is not None:
            self._asked = None
            self.post_message(self.CompletionWanted(None))

    @property
    def _suggesting(self) -> bool:
        return self._asked is not None and self.suggestions is not None and self.suggestions.open

    async def _on_key(self, event: events.Key) -> None:
        if event.character in JOINERS:
            self.insert(event.character)
        steps = {"up": -1, "down": 1, "tab": 0, "escape": 0}
        if not self._suggesting or event.key not in steps:
            await self._edit_in_order(event)
            return  # the classes above see it next
        assert self.suggestions is not None
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            if self._asked is not None:
                self._refused = (self._asked[0], self._asked[2])
            self._stop_completing()
        elif event.key == "tab":
            self._accept()
        else:
            self.suggestions.move(steps[event.key])

    async def _edit_in_order(self, event: events.Key) -> None:
        """Carry an editing key out at once: on its way up to the app, letters that came in the
        same burst would overtake it."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if not binding.id and await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return

    def _accept(self) -> bool:
        """Take the highlighted suggestion, if there are any."""
        if not self._suggesting or self.suggestions is None or self._asked is None:
            return False
        key = self.suggestions.cursor_key
        if key is None:
            return False
        self.complete(key)
        return True

    def complete(self, key: str) -> None:
        """A suggestion was chosen, by key or by mouse."""
        if (found := self._completing()) is None:
            return
        kind, _, start = found
        row, column = self.cursor_location
        if kind == "file" and key.endswith("/"):
            self.replace(f"@{key}", (row, start), (row, column), maintain_selection_offset=False)
            return
        name = "" if kind == "command" else f"{safe_line(key.rpartition('/')[2])} "
        self.replace(name, (row, start), (row, column), maintain_selection_offset=False)
        self._stop_completing()
        self.post_message(self.Completed(kind, key))

    # Paging

    @property
    def _wholly_in_view(self) -> bool:
        return self.virtual_size.height <= self.scrollable_content_region.height

    def action_cursor_page_up(self) -> None:
        if self._wholly_in_view:
            self.post_message(self.PageWanted(-1))
        else:
            super().action_cursor_page_up()

    def action_cursor_page_down(self) -> None:
        if self._wholly_in_view:
            self.post_message(self.PageWanted(1))
        else:
            super().action_cursor_page_down()
