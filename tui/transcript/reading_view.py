"""What a reader does with what the cursor is on: open, copy, show as written, ask for more."""

from __future__ import annotations

from typing import Literal

from textual import events
from textual.message import Message

from tui.transcript.block_parts import Block, block_text, blocks_of, codes_in, entry_text
from tui.transcript.cursor_view import CursorView
from tui.transcript.entries import Footnote, MessageEntry, PictureEntry, StepEntry
from tui.transcript.labels import FootnotePiece
from tui.transcript.rows import Row
from tui.transcript.selection import selected_text
from tui.transcript.window_view import GUTTER

WantedWhat = Literal["save", "maximise", "links", "source"]


class ReadingView(CursorView):
    """Folds and copies by itself; what needs a screen or a file is asked for by a message."""

    class CopyRequested(Message, namespace="transcript"):
        """The reader wants ``text`` in the clipboard; ``what`` says in words what it is."""

        def __init__(self, transcript: ReadingView, text: str, what: str = "the text") -> None:
            super().__init__()
            self.transcript = transcript
            self.text = text
            self.what = what

        @property
        def control(self) -> ReadingView:
            return self.transcript

    class Wanted(Message, namespace="transcript"):
        """Something the reader asks for that is not the transcript's own affair.

        ``what`` is ``save``, ``maximise``, ``links`` or ``source``; ``row`` and ``block`` are what
        the cursor is on, ``footnote`` is the source that is meant.
        """

        def __init__(
            self,
            transcript: ReadingView,
            what: WantedWhat,
            row: Row,
            block: Block | None = None,
            footnote: Footnote | None = None,
        ) -> None:
            super().__init__()
            self.transcript = transcript
            self.what = what
            self.row = row
            self.block = block
            self.footnote = footnote

        @property
        def control(self) -> ReadingView:
            return self.transcript

    _pressed = 0  # the line of the view on which the mouse went down
    _codes = 0  # how many of an entry's pieces of code were copied in turn

    def flush(self) -> None:
        """Take in what was streamed so far."""

    def show_entry(self, key: str) -> None:
        """Put the cursor on the entry ``key`` and have it in view. Raises ``KeyError``."""
        row = self.window.keys[key]
        self._cursor = key
        self.reveal(row)

    def action_fold(self) -> None:
        """Open or close the step under the cursor, open a source or a picture; show more of a very
        long message."""
        marked = self.marked()
        if marked is None:
            return
        row, block = marked
        piece = row.pieces[block.first] if block is not None and row.pieces else None
        if isinstance(piece, FootnotePiece):
            self.post_message(self.Wanted(self, "source", row, block, piece.footnote))
        elif isinstance(row.entry, PictureEntry):
            self.action_want("maximise")
        else:
            self._fold(row)

    def action_want(self, what: WantedWhat) -> None:
        """Ask for something to be done with what is under the cursor, or the last message."""
        marked = self.marked() or self._last_message()
        if marked is not None:
            self.post_message(self.Wanted(self, what, *marked))

    def action_raw(self) -> None:
        """Show the Markdown of the entry under the cursor as it was written, or rendered again."""
        marked = self.marked() or self._last_message()
        if marked is not None:
            row = marked[0]
            self.mark(row.entry.key)
            self.window.set_raw([row], not row.raw)
            self._deselect()
            self.settle()

    def action_raw_all(self) -> None:
        """Show all Markdown as it was written, or rendered again."""
        self.window.raw = not self.window.raw
        self.window.set_raw(self.window.rows, self.window.raw)
        self._block = None
        self._deselect()
        self.settle()

    def action_copy_code(self) -> None:
        """Ask for the code of what is under the cursor in the clipboard; again, for the next."""
        marked = self.marked() or self._last_message()
        if marked is None:
            return
        row, block = marked
        entry = row.current()
        if block is not None and block.kind == "code":
            codes = [block_text(row, block)]
        elif isinstance(entry, MessageEntry):
            codes = codes_in(entry.text if block is None else block_text(row, block))
        else:
            codes = [entry_text(entry)]
        if not codes:
            self.post_message(self.CopyRequested(self, "", "its code"))
            return
        at = self._codes % len(codes)
        self._codes += 1
        what = f"code {at + 1} of {len(codes)}" if len(codes) > 1 else "the code"
        self.post_message(self.CopyRequested(self, codes[at], what))

    def post_message_when_marked(self) -> None:
        self._codes = 0

    def _last_message(self) -> tuple[Row, Block | None] | None:
        rows = reversed(self.window.rows)
        row = next((each for each in rows if isinstance(each.entry, MessageEntry)), None)
        return None if row is None else (row, None)

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
        self.flush()
        selection = self.text_selection
        if selection is not None:
            text, what = selected_text(self.window, selection, GUTTER), "the selection"
        elif (marked := self.marked() or self._last_message()) is not None:
            row, block = marked
            text = entry_text(row.current()) if block is None else block_text(row, block)
            what = f"the {block.kind}" if block is not None else kind_of(row)
        else:
            return
        if text:
            self.post_message(self.CopyRequested(self, text, what))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._selecting = None
        self._pressed = event.get_content_offset_capture(self).y

    def on_click(self, event: events.Click) -> None:
        """Fold by a click on a step's row, show more by one on that line; mark what else is hit."""
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
            else:
                blocks = blocks_of(row)
                hit = [number for number, each in enumerate(blocks) if each.last >= piece]
                inside = hit and blocks[hit[0]].first <= piece
                self.mark(row.entry.key, hit[0] if inside else None)

    def _deselect(self) -> None:
        if self.is_attached and self in self.screen.selections:
            self.screen.selections = {
                widget: selection
                for widget, selection in self.screen.selections.items()
                if widget is not self
            }


def kind_of(row: Row) -> str:
    """What an entry is, in words."""
    if isinstance(row.entry, StepEntry):
        return "the step"
    if isinstance(row.entry, PictureEntry):
        return "the picture's name"
    return "the message" if isinstance(row.entry, MessageEntry) else "the notice"
