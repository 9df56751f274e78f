"""The transcript as one widget: it draws the lines in view, and nothing else exists on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, overload

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.await_remove import AwaitRemove
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.text import safe
from tui.transcript.entries import Entry, MessageEntry
from tui.transcript.lines import Line, prose, runs
from tui.transcript.palette import Palette
from tui.transcript.rows import Row
from tui.transcript.selection import entry_text, marked_strip, selected_text, selection_of
from tui.transcript.stream import FrameJoiner
from tui.transcript.window import Shown, Window

GUTTER = 2  # cells at the left: the bar of own messages, and of the entry under the cursor
MARGIN = 1  # cells at the right


class Transcript(ScrollView, can_focus=True, inherit_bindings=False):
    """Messages, steps and notices of a thread, virtualised.

    Sticks to the end until the reader scrolls up; reaching the end again, or the ``end`` action,
    sticks again. All methods are synchronous and called on the app's loop.
    """

    DEFAULT_CSS = """
    Transcript {
        width: 1fr;
        height: 1fr;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 20%;
        scrollbar-color-hover: $foreground 35%;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up a line", show=False, id="transcript.up"),
        Binding("down", "scroll_down", "Down a line", show=False, id="transcript.down"),
        Binding("pageup", "page_up", "Up a page", show=False, id="transcript.page_up"),
        Binding("pagedown", "page_down", "Down a page", show=False, id="transcript.page_down"),
        Binding("home", "scroll_home", "To the beginning", show=False, id="transcript.home"),
        Binding("end", "scroll_end", "To the end", show=False, id="transcript.end"),
        Binding("alt+up", "cursor(-1)", "Entry above", show=False, id="transcript.previous"),
        Binding("alt+down", "cursor(1)", "Entry below", show=False, id="transcript.next"),
        Binding("enter,space", "fold", "Open or close", show=False, id="transcript.fold"),
        Binding("c", "copy", "Copy", show=False, id="transcript.copy"),
    ]

    ALLOW_SELECT = True

    placeholder = var("")
    """What is shown while there is nothing to show."""

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
        super().__init__(name=name, id=id, classes=classes)
        self._palette: Palette | None = None
        self._window = Window(Palette({}, self.background_colors[1]))
        self._joiner = FrameJoiner(self._flush)
        self._cursor: str | None = None
        self._older = False
        self._asked = False
        self._moving = False  # the scroll position is being corrected, not moved by the reader
        self._painting = False
        self._background = Style.null()
        self._pressed = 0
        self.set_reactive(Transcript.placeholder, placeholder)

    # Data in and out

    def show(self, entries: Sequence[Entry]) -> None:
        """Replace everything and go to the end."""
        self._joiner.drop()
        self._cursor = None
        self._asked = False
        self._deselect()
        self._window.show(entries)
        self._settle()

    def clear(self) -> None:
        """Remove everything."""
        self.show(())

    def prepend(self, entries: Sequence[Entry]) -> None:
        """Older entries, above. What the reader looks at stays where it is."""
        self._joiner.flush()
        self._window.prepend(entries)
        self._asked = False
        self._settle()

    def put(self, entry: Entry) -> None:
        """Append ``entry``, or replace the one with the same key in its place."""
        self._joiner.flush()
        self._window.put(entry)
        self._settle()

    def add_text(self, key: str, text: str) -> None:
        """Append streamed ``text`` to the message ``key``; joined with what else the frame brings.

        Raises ``KeyError`` when there is no such message.
        """
        if not isinstance(self._window.keys[key].entry, MessageEntry):
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
        self._window.remove(key)
        self._settle()
        return None

    def entry(self, key: str) -> Entry | None:
        """The entry ``key`` with all text streamed so far, or None."""
        self._joiner.flush()
        row = self._window.keys.get(key)
        return None if row is None else row.current()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all entries, oldest first."""
        return tuple(row.entry.key for row in self._window.rows)

    @property
    def follows(self) -> bool:
        """Whether the view sticks to the end."""
        return self._window.follows

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
        self._ask_older()

    def _flush(self, texts: dict[str, str]) -> None:
        for key, text in texts.items():
            if key in self._window.keys:
                self._window.add_text(key, text)
        self._settle()

    # Layout

    def _settle(self) -> None:
        """Bring what is in view up to date and paint what changed."""
        region = self.scrollable_content_region
        if not region.size or not self.is_attached:
            return
        window = self._window
        if self._palette is None:
            self._palette = window.palette = Palette(
                self.app.theme_variables, self.background_colors[1]
            )
        window.resize(max(8, region.width - GUTTER - MARGIN), region.height)
        before, base = window.shown, self._base
        window.settle()
        self._place()
        self._paint(before, base, region.size)
        self._ask_older()

    def _place(self) -> None:
        """Tell Textual how long the transcript is and where the view stands in it."""
        window = self._window
        self._moving = True
        try:
            size = Size(self.scrollable_content_region.width, window.total)
            if size != self.virtual_size:
                # Not by assignment: that would lay out the whole screen, at every delta. The
                # widget's own size does not depend on its content.
                self.set_reactive(ScrollView.virtual_size, size)
                self._scroll_update(size)
            if round(self.scroll_y) != window.top:
                self.scroll_target_y = self.scroll_y = window.top
            elif round(self.scroll_target_y) != window.top:
                self.scroll_target_y = window.top
        finally:
            self._moving = False

    @property
    def _base(self) -> tuple[int, int]:
        return (self._window.top, self._window.palette.serial)

    def _paint(self, before: list[Shown], base: tuple[int, int], size: Size) -> None:
        """Ask for a repaint from the first line that is another one than before."""
        shown = self._window.shown
        same = 0
        if base == self._base and before:
            for old, new in zip(before, shown, strict=False):
                if old.line is not new.line or old.place.row is not new.place.row:
                    break
                same += 1
            if same == len(before) == len(shown):
                return
        if same:
            self.refresh(Region(0, same, size.width, size.height - same))
        else:
            self.refresh()

    def _ask_older(self) -> None:
        window = self._window
        if self._older and not self._asked and window.shown and window.top == 0:
            self._asked = True
            self.post_message(self.OlderWanted(self))

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())
        self._settle()

    def on_unmount(self) -> None:
        self._joiner.drop()

    def on_resize(self) -> None:
        if self._window.width != max(8, self.scrollable_content_region.width - GUTTER - MARGIN):
            self._deselect()
        self._settle()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._recolour()

    def _recolour(self) -> None:
        self._palette = None
        self._settle()
        self.refresh()

    def watch_placeholder(self) -> None:
        self.refresh()

    # Scrolling

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._moving and round(new_value) != self._window.top and self._window.shown:
            self._go(round(new_value))

    def _go(self, line: int) -> None:
        region = self.scrollable_content_region
        if region.height != self._window.height or self._palette is None:
            self._settle()
        self._window.scroll_to(line)
        self._place()
        self.refresh()
        self._ask_older()

    def action_scroll_up(self) -> None:
        self._go(self._window.top - 1)

    def action_scroll_down(self) -> None:
        self._go(self._window.top + 1)

    def action_page_up(self) -> None:
        self._go(self._window.top - max(1, self._window.height - 1))

    def action_page_down(self) -> None:
        self._go(self._window.top + max(1, self._window.height - 1))

    def action_scroll_home(self) -> None:
        self._go(0)

    def action_scroll_end(self) -> None:
        self._go(self._window.total)

    # The cursor, folds and copying

    def action_cursor(self, step: int) -> None:
        """Move the cursor over the entries; from the end of the view when it is nowhere."""
        window = self._window
        if not window.rows:
            return
        row = window.keys.get(self._cursor or "")
        if row is None:
            row = window.shown[-1].place.row if window.shown else window.rows[-1]
        else:
            row = window.rows[min(max(0, row.index + step), len(window.rows) - 1)]
        self._cursor = row.entry.key
        window.reveal(row)
        self._place()
        self.refresh()
        self._ask_older()

    def action_fold(self) -> None:
        """Open or close the step under the cursor; show more of a very long message."""
        row = self._window.keys.get(self._cursor or "")
        if row is not None:
            self._toggle(row)

    def _toggle(self, row: Row, *, more: bool = False) -> None:
        if not (row.folds or row.hidden):
            return
        if more or (row.hidden and not row.folds):
            self._window.show_more(row)
        else:
            self._window.toggle(row)
        self._deselect()
        self._settle()

    def action_copy(self) -> None:
        """Ask for the selected text in the clipboard, or the entry under the cursor, or the last
        message."""
        self._joiner.flush()
        selection = self.text_selection
        if selection is not None:
            text = selected_text(self._window, selection, GUTTER)
        else:
            row = self._window.keys.get(self._cursor or "")
            if row is None:
                messages = [r for r in self._window.rows if isinstance(r.entry, MessageEntry)]
                row = messages[-1] if messages else None
            text = entry_text(row.current()) if row is not None else ""
        if text:
            self.post_message(self.CopyRequested(self, text))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = event.get_content_offset_capture(self).y

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None or event.chain > 1 or self.text_selection is not None:
            return
        if at.y < len(self._window.shown):
            row, piece, line = self._window.shown[at.y].place
            if row.pieces is None or line < row.pieces[piece].gap:
                return
            kind = row.pieces[piece].kind
            if kind in ("step", "more"):
                self._toggle(row, more=kind == "more")

    # Selection

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selected_text(self._window, selection, GUTTER), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def text_select_all(self) -> None:
        """A double click selects the entry it hit; everything there is, is not on the screen."""
        window = self._window
        if self._pressed < len(window.shown):
            row = window.shown[self._pressed].place.row
            height = window.draw_row(row)
            self._settle()
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

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        region = self.scrollable_content_region
        window = self._window
        if self._palette is None or (region.height != window.height and region.size):
            self._settle()
        # Where text stands is needed only when the mouse asks for it (``render_line`` directly);
        # painting without saves a style for each segment.
        self._painting = True
        self._background = self.rich_style
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False

    def render_line(self, y: int) -> Strip:
        window = self._window
        width = self.scrollable_content_region.width
        base = self._background if self._painting else self.rich_style
        if not window.rows:
            return self._placeholder_line(y, width, base)
        if not 0 <= y < len(window.shown):
            return Strip.blank(width, base)
        strip = self._strip(window.shown[y], width, base)
        number = window.top + y + window.origin
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number)) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            strip = marked_strip(strip, span, style)
        return strip if self._painting else strip.apply_offsets(0, number)

    def _strip(self, shown: Shown, width: int, base: Style) -> Strip:
        """A line with its gutter, as wide as the view, on the view's background."""
        place, line = shown
        entry = place.row.entry
        palette = self._window.palette
        in_gap = place.piece == 0 and place.line < place.row.gap
        if in_gap:
            bar = None
        elif entry.key == self._cursor:
            bar = ("▌ ", palette.accent)
        elif isinstance(entry, MessageEntry) and entry.own:
            bar = ("▎ ", palette.secondary)
        else:
            bar = None
        look = (bar, width, base)
        if line.strip is None or line.look != look:
            text, style = bar or (" " * GUTTER, Style.null())
            strip = Strip([Segment(text, style), *line.segments])
            line.strip = strip.adjust_cell_length(width, base).apply_style(base)
            line.look = look
        return line.strip

    def _placeholder_line(self, y: int, width: int, base: Style) -> Strip:
        text = safe(self.placeholder)
        if not text or width < 8:
            return Strip.blank(width, base)
        style = self._window.palette.muted
        lines = prose(runs([(text, style)]), min(width - 4, 60))
        at = y - max(0, (self.scrollable_content_region.height - len(lines)) // 2)
        if not 0 <= at < len(lines):
            return Strip.blank(width, base)
        return _centred(lines[at], width, base)


def _centred(line: Line, width: int, base: Style) -> Strip:
    strip = Strip(line.segments)
    left = max(0, width - strip.cell_length) // 2
    strip = Strip([Segment(" " * left), *line.segments])
    return strip.adjust_cell_length(width, base).apply_style(base)
