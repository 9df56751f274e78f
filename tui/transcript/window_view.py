"""A widget that draws a :class:`Window`: its size, its scroll position, its lines."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.text import safe
from tui.transcript.lines import prose, runs
from tui.transcript.palette import Palette
from tui.transcript.row_lines import Place
from tui.transcript.rows import Row
from tui.transcript.selection import marked_strip
from tui.transcript.window import Shown, Window

GUTTER = 2  # cells at the left, for a bar
MARGIN = 1  # cells at the right
NARROWEST = 8  # cells of text that are always drawn

Bar = tuple[str, Style]


class WindowView(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws the lines in view and nothing else. What is in the window is the subclass's affair."""

    DEFAULT_CSS = """
    WindowView {
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
        Binding("home,g", "scroll_home", "To the beginning", show=False, id="transcript.home"),
        Binding("end,G", "scroll_end", "To the end", show=False, id="transcript.end"),
        Binding("ctrl+u", "half_page(-1)", "Half a page up", show=False, id="transcript.half_up"),
        Binding(
            "ctrl+d", "half_page(1)", "Half a page down", show=False, id="transcript.half_down"
        ),
    ]

    placeholder = var("")
    """What is shown while there is nothing to show."""

    def __init__(self, name: str | None, id: str | None, classes: str | None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.window = Window(Palette({}, self.background_colors[1]))
        self._palette: Palette | None = None
        self._moving = False  # the scroll position is being corrected, not moved by the reader
        self._painting = False
        self._background = Style.null()

    def settled(self) -> None:
        """Called when what is in view may have changed."""

    def bar(self, place: Place) -> Bar | None:
        """What stands in the gutter beside a line."""
        return None

    def dressed(self, shown: Shown, strip: Strip) -> Strip:
        """A line with what is marked on it."""
        return strip

    # Layout

    def settle(self) -> None:
        """Bring what is in view up to date and paint what changed."""
        region = self.scrollable_content_region
        if not region.size or not self.is_attached:
            return
        window = self.window
        if self._palette is None:
            self._palette = window.palette = Palette(
                self.app.theme_variables, self.background_colors[1]
            )
        window.resize(self.text_width, region.height)
        before, place = window.shown, self._view_place
        window.settle()
        self._tell_place()
        self._paint(before, place, region.size)
        self.settled()

    @property
    def text_width(self) -> int:
        """Cells a line of text may take."""
        return max(NARROWEST, self.scrollable_content_region.width - GUTTER - MARGIN)

    @property
    def _view_place(self) -> tuple[int, int]:
        return (self.window.top, self.window.palette.serial)

    def _tell_place(self) -> None:
        """Tell Textual how long the transcript is and where the view stands in it."""
        window = self.window
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

    def _paint(self, before: list[Shown], place: tuple[int, int], size: Size) -> None:
        """Ask for a repaint from the first line that is another one than before."""
        shown = self.window.shown
        same = 0
        if place == self._view_place:
            for old, new in zip(before, shown, strict=False):
                if old.line is not new.line or old.place.row is not new.place.row:
                    break
                same += 1
            if same and same == len(before) == len(shown):
                return
        if same:
            self.refresh(Region(0, same, size.width, size.height - same))
        else:
            self.refresh()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())
        self.settle()

    def on_resize(self) -> None:
        self.settle()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._recolour()

    def _recolour(self) -> None:
        self._palette = None
        self.settle()
        self.refresh()

    def watch_placeholder(self) -> None:
        self.refresh()

    # Scrolling

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._moving and round(new_value) != self.window.top and self.window.shown:
            self.go(round(new_value))

    def go(self, line: int) -> None:
        """Have ``line`` at the top of the view."""
        if self.scrollable_content_region.height != self.window.height or self._palette is None:
            self.settle()
        self.window.scroll_to(line)
        self._tell_place()
        self.refresh()
        self.settled()

    def reveal(self, row: Row) -> None:
        """Have ``row`` in view."""
        self.window.reveal(row)
        self._tell_place()
        self.refresh()
        self.settled()

    def action_scroll_up(self) -> None:
        self.go(self.window.top - 1)

    def action_scroll_down(self) -> None:
        self.go(self.window.top + 1)

    def action_page_up(self) -> None:
        self.go(self.window.top - max(1, self.window.height - 1))

    def action_page_down(self) -> None:
        self.go(self.window.top + max(1, self.window.height - 1))

    def action_half_page(self, direction: int) -> None:
        self.go(self.window.top + direction * max(1, self.window.height // 2))

    def action_scroll_home(self) -> None:
        self.go(0)

    def action_scroll_end(self) -> None:
        self.go(self.window.total)

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        region = self.scrollable_content_region
        if region.size and (self._palette is None or region.height != self.window.height):
            self.settle()
        # Where text stands is needed only when the mouse asks for it (``render_line`` directly);
        # painting without saves a style for each segment.
        self._painting = True
        self._background = self.rich_style
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False

    def render_line(self, y: int) -> Strip:
        window = self.window
        width = self.scrollable_content_region.width
        base = self._background if self._painting else self.rich_style
        if not window.rows:
            return self._placeholder_line(y, width, base)
        if not 0 <= y < len(window.shown):
            return Strip.blank(width, base)
        strip = self.dressed(window.shown[y], self._framed(window.shown[y], width, base))
        number = window.top + y + window.origin
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number)) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            strip = marked_strip(strip, span, style)
        return strip if self._painting else strip.apply_offsets(0, number)

    def _framed(self, shown: Shown, width: int, base: Style) -> Strip:
        """A line with its gutter, as wide as the view, on the view's background."""
        place, line = shown
        in_gap = place.piece == 0 and place.line < place.row.gap
        bar = None if in_gap else self.bar(place)
        look = (bar, width, base)
        if line.strip is None or line.look != look:
            text, style = bar or (" " * GUTTER, Style.null())
            strip = Strip([Segment(text, style), *line.segments])
            line.strip = strip.adjust_cell_length(width, base).apply_style(base)
            line.look = look
        return line.strip

    def _placeholder_line(self, y: int, width: int, base: Style) -> Strip:
        """The placeholder in the middle of the view."""
        text = safe(self.placeholder)
        if not text or width < NARROWEST:
            return Strip.blank(width, base)
        lines = prose(runs([(text, self.window.palette.muted)]), min(width - 4, 60))
        at = y - max(0, (self.scrollable_content_region.height - len(lines)) // 2)
        if not 0 <= at < len(lines):
            return Strip.blank(width, base)
        used = sum(segment.cell_length for segment in lines[at].segments)
        margin = Segment(" " * (max(0, width - used) // 2))
        strip = Strip([margin, *lines[at].segments])
        return strip.adjust_cell_length(width, base).apply_style(base)
