"""The transcript as one widget: what goes in and out, the cursor, folds, copying, selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, overload

from textual import events
from textual.await_remove import AwaitRemove
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.selection import Selection

from tui.transcript.entries import Entry, MessageEntry
from tui.transcript.rows import Row
from tui.transcript.selection import entry_text, selected_text, selection_of
from tui.transcript.stream import FrameJoiner
from tui.transcript.window_view import GUTTER, Bar, WindowView


class Transcript(WindowView):
    """Messages, steps and notices of a thread, virtualised.

    Sticks to the end until the reader scrolls up; reaching the end again, or the ``scroll_end``
    action, sticks again. All methods are synchronous and called on the app's loop.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+up", "cursor(-1)", "Entry above", show=False, id="transcript.previous"),
        Binding("alt+down", "cursor(1)", "Entry below", show=False, id="transcript.next"),
        Binding("enter,space", "fold", "Open or close", show=False, id="transcript.fold"),
        Binding("c", "copy", "Copy", show=False, id="transcript.copy"),
    ]

    ALLOW_SELECT = True

    class CopyRequested(Message):
        """The reader wants ``text`` in the clipboard."""

        def __init__(self, transcript: Transcript, text: str) -> None:
            super().__init__()
            self.transcript = transcript
            self.text = text

        @property
        def control(self) -> Transcript:
            return self.transcript

    class OlderWanted(Message):
        """The reader is at the top and there are older entries: :meth:`Transcript.prepend`."""

        def __init__(self, transcript: Transcript) -> None:
            super().__init__()
            self.transcript = transcript

        @property
        def control(self) -> Transcript:
            return self.transcript

    def __init__(
        self,
        *,
        placeholder: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name, id, classes)
        self._joiner = FrameJoiner(self._flush)
        self._cursor: str | None = None
        self._older = False
        self._asked = False
        self._pressed = 0  # the line of the view on which the mouse went down
        self._selected_width = 0
        self.set_reactive(Transcript.placeholder, placeholder)

    # Data in and out

    def show(self, entries: Sequence[Entry]) -> None:
        """Replace everything and go to the end."""
        self._joiner.drop()
        self._cursor = None
        self._asked = False
        self._deselect()
        self.window.show(entries)
        self.settle()

    def clear(self) -> None:
        """Remove everything."""
        self.show(())

    def prepend(self, entries: Sequence[Entry]) -> None:
        """Older entries, above. What the reader looks at stays where it is."""
        self._joiner.flush()
        self.window.prepend(entries)
        self._asked = False
        self.settle()

    def put(self, entry: Entry) -> None:
        """Append ``entry``, or replace the one with the same key in its place."""
        self._joiner.flush()
        self.window.put(entry)
        self.settle()

    def add_text(self, key: str, text: str) -> None:
        """Append streamed ``text`` to the message ``key``; joined with what else the frame brings.

        Raises ``KeyError`` when there is no such message.
        """
        if not isinstance(self.window.keys[key].entry, MessageEntry):
            raise KeyError(key)
        self._joiner.add(key, text)

    @overload
    def remove(self) -> AwaitRemove: ...

    @overload
    def remove(self, key: str) -> None: ...

    def remove(self, key: str | None = None) -> AwaitRemove | None:
        """Remove the entry ``key``, if it is there; without a key, the widget itself."""
        if key is None:
            return super().remove()
        self._joiner.flush()
        if self._cursor == key:
            self._cursor = None
        self.window.remove(key)
        self.settle()
        return None

    def entry(self, key: str) -> Entry | None:
        """The entry ``key`` with all text streamed so far, or None."""
        self._joiner.flush()
        row = self.window.keys.get(key)
        return None if row is None else row.current()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all entries, oldest first."""
        return tuple(row.entry.key for row in self.window.rows)

    @property
    def follows(self) -> bool:
        """Whether the view sticks to the end."""
        return self.window.follows

    @property
    def cursor(self) -> str | None:
        """The key of the entry under the cursor."""
        return self._cursor

    @property
    def older(self) -> bool:
        """Whether there are older entries to ask for (:class:`OlderWanted`)."""
        return self._older

    @older.setter
    def older(self, older: bool) -> None:
        self._older = older
        if not older:
            self._asked = False
        self.settled()

    def settled(self) -> None:
        window = self.window
        if self._older and not self._asked and window.shown and window.top == 0:
            self._asked = True
            self.post_message(self.OlderWanted(self))

    def _flush(self, texts: dict[str, str]) -> None:
        for key, text in texts.items():
            if key in self.window.keys:
                self.window.add_text(key, text)
        self.settle()

    def on_unmount(self) -> None:
        self._joiner.drop()

    # The cursor, folds and copying

    def bar(self, row: Row) -> Bar | None:
        palette = self.window.palette
        if row.entry.key == self._cursor:
            return ("▌ ", palette.accent)
        if isinstance(row.entry, MessageEntry) and row.entry.own:
            return ("▎ ", palette.secondary)
        return None

    def action_cursor(self, step: int) -> None:
        """Move the cursor over the entries; from the end of the view when it is nowhere."""
        window = self.window
        if not window.rows:
            return
        row = window.keys.get(self._cursor or "")
        if row is None:
            row = window.shown[-1].place.row if window.shown else window.rows[-1]
        else:
            row = window.rows[min(max(0, row.index + step), len(window.rows) - 1)]
        self._cursor = row.entry.key
        self.reveal(row)

    def action_fold(self) -> None:
        """Open or close the step under the cursor; show more of a very long message."""
        row = self.window.keys.get(self._cursor or "")
        if row is not None:
            self._fold(row)

    def _fold(self, row: Row, *, more: bool = False) -> None:
        if more or (row.hidden and not row.folds):
            self.window.show_more(row)
        elif row.folds:
            self.window.toggle(row)
        else:
            return
        self._deselect()
        self.settle()

    def action_copy(self) -> None:
        """Ask for the selected text in the clipboard, or the entry under the cursor, or the last
        message."""
        self._joiner.flush()
        selection = self.text_selection
        if selection is not None:
            text = selected_text(self.window, selection, GUTTER)
        else:
            row = self.window.keys.get(self._cursor or "")
            if row is None:
                rows = reversed(self.window.rows)
                row = next((each for each in rows if isinstance(each.entry, MessageEntry)), None)
            text = entry_text(row.current()) if row is not None else ""
        if text:
            self.post_message(self.CopyRequested(self, text))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = event.get_content_offset_capture(self).y

    def on_click(self, event: events.Click) -> None:
        """Fold by a click on a step's row, show more by one on that line."""
        at = event.get_content_offset(self)
        if at is None or event.chain > 1 or self.text_selection is not None:
            return
        if at.y < len(self.window.shown):
            row, piece, line = self.window.shown[at.y].place
            if row.pieces is None or line < row.pieces[piece].gap:
                return
            kind = row.pieces[piece].kind
            if kind in ("step", "more"):
                self._fold(row, more=kind == "more")

    # Selection

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selected_text(self.window, selection, GUTTER), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self._selected_width = self.window.width
        self.refresh()

    def on_resize(self) -> None:
        # Textual calls the base class's handler as well.
        if self.text_width != self._selected_width:
            self._deselect()  # its lines are others now

    def text_select_all(self) -> None:
        """A double click selects the entry it hit, not everything that could be scrolled to."""
        window = self.window
        if 0 <= self._pressed < len(window.shown):
            row = window.shown[self._pressed].place.row
            height = window.draw_row(row)
            self.settle()
            first = window.line_number(row)
            selection = selection_of(first + row.gap, first + height - 1, window.origin)
            self.screen.selections = {self: selection}

    def _deselect(self) -> None:
        if self.is_attached and self in self.screen.selections:
            self.screen.selections = {
                widget: selection
                for widget, selection in self.screen.selections.items()
                if widget is not self
            }
