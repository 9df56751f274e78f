"""The transcript as one widget: what goes in and out, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, overload

from textual.await_remove import AwaitRemove
from textual.binding import BindingType
from textual.message import Message
from textual.selection import Selection

from tui.commands import bindings
from tui.transcript.entries import Entry, MessageEntry, PictureEntry
from tui.transcript.picture import HIGHEST, WIDEST
from tui.transcript.reading_view import ReadingView
from tui.transcript.selection import selected_text, selection_of
from tui.transcript.stream import FrameJoiner
from tui.transcript.window_view import GUTTER


class Transcript(ReadingView):
    """Messages, steps and notices of a thread, virtualised.

    Sticks to the end until the reader scrolls up; reaching the end again, or the ``scroll_end``
    action, sticks again. All methods are synchronous and called on the app's loop.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("transcript")

    ALLOW_SELECT = True

    class PictureWanted(Message):
        """A picture is in view that was not fetched for this width (in cells) yet."""

        def __init__(self, entry: PictureEntry, columns: int, rows: int) -> None:
            super().__init__()
            self.entry = entry
            self.columns = columns
            self.rows = rows

    class BelowChanged(Message):
        """How many entries came below while the reader looks at earlier ones; -1: at the end."""

        def __init__(self, transcript: Transcript, count: int) -> None:
            super().__init__()
            self.transcript = transcript
            self.count = count

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
        self._older = False
        self._asked = False
        self._selected_width = 0
        self._wanted: dict[str, int] = {}  # pictures that were asked for, with their width
        self._seen = 0  # entries there were when the reader left the end
        self._below = -1
        self.set_reactive(Transcript.placeholder, placeholder)

    # Data in and out

    def show(self, entries: Sequence[Entry]) -> None:
        """Replace everything and go to the end."""
        self._joiner.drop()
        self._cursor = self._block = None
        self._wanted.clear()
        self._seen = 0
        self.finder = None
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
        before = len(self.window.rows)
        self.window.prepend(entries)
        self._seen += len(self.window.rows) - before
        self._asked = False
        self.settle()

    def put(self, entry: Entry) -> None:
        """Append ``entry``, or replace the one with the same key in its place."""
        self._joiner.flush()
        if isinstance(entry, MessageEntry) and entry.own and entry.key not in self.window.keys:
            self._cursor = self._block = None  # who writes goes on at the end
        if isinstance(entry, PictureEntry) and entry.picture is None and not entry.note:
            entry = self._with_picture(entry)
        self.window.put(entry)
        self.settle()

    def _with_picture(self, entry: PictureEntry) -> PictureEntry:
        """The entry with what was fetched for it before."""
        row = self.window.keys.get(entry.key)
        known = row.entry if row is not None else None
        if not isinstance(known, PictureEntry) or known.file_id != entry.file_id:
            return entry
        return replace(entry, picture=known.picture, note=known.note)

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
            self._cursor = self._block = None
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
        self._ask_for_pictures()
        self._tell_below()

    def _ask_for_pictures(self) -> None:
        columns = min(self.window.width, WIDEST)
        for row in dict.fromkeys(each.place.row for each in self.window.shown):
            entry = row.entry
            if not isinstance(entry, PictureEntry) or entry.note:
                continue
            if self._wanted.get(entry.key) != columns:
                self._wanted[entry.key] = columns
                self.post_message(self.PictureWanted(entry, columns, 2 * HIGHEST))

    def _tell_below(self) -> None:
        """Tell what came below, when that changed."""
        window = self.window
        if window.follows:
            self._seen = len(window.rows)
        below = -1 if window.follows else max(0, len(window.rows) - self._seen)
        if below != self._below:
            self._below = below
            self.post_message(self.BelowChanged(self, below))

    def _flush(self, texts: dict[str, str]) -> None:
        for key, text in texts.items():
            if key in self.window.keys:
                self.window.add_text(key, text)
        self.settle()

    def flush(self) -> None:
        self._joiner.flush()

    def on_unmount(self) -> None:
        self._joiner.drop()

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
