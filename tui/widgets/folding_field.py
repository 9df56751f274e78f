"""A text field in which a long paste stands as one short token."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.document._document import EditResult, Location, Selection
from textual.document._edit import Edit
from textual.geometry import Offset

from services.records import Fold
from tui.text import safe
from tui.widgets.entry_field import EntryField

FOLD_LINES = 10
FOLD_CHARACTERS = 2_000
"""A paste of more than so many lines or characters is folded."""
OPEN_CHARACTERS = 100_000
"""A longer paste is not opened in the field: wrapping it would hold everything up."""
MOST_FOLDS = 64


def lines_of(text: str) -> int:
    """How many lines it has; a line feed at the end begins no other."""
    return text.count("\n") + (not text.endswith("\n"))


class FoldingField(EntryField):
    """A token is one thing: the cursor does not go into it, and deleting a part deletes it all.

    ``folds`` are those whose tokens are in the text; the others are kept for undo.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"folding-field--token"}
    DEFAULT_CSS = """
    FoldingField > .folding-field--token { color: $accent; text-style: italic; }
    """

    def __init__(self, *, hint: str = "", id: str | None = None) -> None:
        self._texts: dict[str, str] = {}
        self._tokens: re.Pattern[str] | None = None
        super().__init__(hint=hint, id=id)
        # A bracket's partner would be looked for through the whole text at every move.
        self.match_cursor_bracket = False

    @property
    def folds(self) -> tuple[Fold, ...]:
        if self._tokens is None:
            return ()
        found = dict.fromkeys(self._tokens.findall(self.text))
        return tuple(Fold(token, self._texts[token]) for token in found)

    def fold(self, text: str) -> str:
        """Keeps ``text`` and gives the token that stands for it."""
        lines = lines_of(text)
        what = f"{lines:,} lines" if lines > FOLD_LINES else f"{len(text):,} characters"
        number = 1
        while self._texts.get(token := f"[Pasted {what} #{number}]", text) != text:
            number += 1
        # One number, whatever was folded: "#1" is the first paste, not the first of its length.
        taken = {known.rpartition("#")[2] for known in self._texts if known != token}
        while f"{number}]" in taken:
            number += 1
        self.remember_folds((Fold(f"[Pasted {what} #{number}]", text),))
        return f"[Pasted {what} #{number}]"

    def remember_folds(self, folds: tuple[Fold, ...]) -> None:
        """Tokens that may be in the text from now on."""
        self._texts.update((fold.token, fold.text) for fold in folds)
        if len(self._texts) > MOST_FOLDS:
            shown = {fold.token for fold in self.folds} | {fold.token for fold in folds}
            for token in [each for each in self._texts if each not in shown][:-MOST_FOLDS]:
                del self._texts[token]
        names = map(re.escape, self._texts)
        self._tokens = re.compile("|".join(names)) if self._texts else None

    def forget_folds(self) -> None:
        self._texts.clear()
        self._tokens = None

    def load(self, text: str, folds: tuple[Fold, ...] = ()) -> None:
        """Another text altogether: there is no way back to the one before."""
        self.forget_folds()
        self.remember_folds(folds)
        self.text = text
        self.move_cursor(self.document.end)

    def write(self, text: str, folds: tuple[Fold, ...] = ()) -> None:
        """Replace the whole text; undo brings the one before back."""
        self.remember_folds(folds)
        self.replace(text, (0, 0), self.document.end, maintain_selection_offset=False)
        self.move_cursor(self.document.end)

    def refold(self, text: str) -> str:
        """``text`` with the pastes that are in it unchanged as tokens, and what is too long for
        the field folded."""
        for fold in self.folds:
            if fold.text.strip() and fold.text in text:
                text = text.replace(fold.text, fold.token, 1)
        return self.fold(text) if len(text) > OPEN_CHARACTERS else text

    async def _on_paste(self, event: events.Paste) -> None:
        pasted = safe(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        event.prevent_default()
        event.stop()
        if self.too_long(pasted):
            pasted = self.fold(pasted)
        self.replace(pasted, *self.selection, maintain_selection_offset=False)
        self.focus()

    @staticmethod
    def too_long(text: str) -> bool:
        """Whether this is folded when it is pasted."""
        return len(text) > FOLD_CHARACTERS or lines_of(text) > FOLD_LINES

    # Tokens

    def _spans(self, row: int) -> list[tuple[int, int]]:
        """Where the tokens of a line begin and end."""
        if self._tokens is None or not 0 <= row < self.document.line_count:
            return []
        return [match.span() for match in self._tokens.finditer(self.document.get_line(row))]

    def token_at_cursor(self) -> tuple[Location, Location] | None:
        """The token that the cursor touches, else the next one, else the first."""
        row, column = self.cursor_location
        for start, end in self._spans(row):
            if start <= column <= end:
                return (row, start), (row, end)
        places = [*range(row, self.document.line_count), *range(row)]
        for each in places:
            for start, end in self._spans(each):
                return (each, start), (each, end)
        return None

    def action_unfold(self) -> None:
        """Put the paste in place of its token."""
        if (place := self.token_at_cursor()) is None:
            self.notify("There is no folded paste in the message.", markup=False)
            return
        start, end = place
        text = self._texts[self.get_text_range(start, end)]
        if len(text) > OPEN_CHARACTERS:
            self.notify(
                f"{len(text):,} characters are too many for the box: open the message in your "
                "editor to see them.",
                severity="warning",
                markup=False,
            )
            return
        self._open(start, end, text)

    def _open(self, start: Location, end: Location, text: str) -> None:
        self.replace(text, start, end, maintain_selection_offset=False)
        self.scroll_cursor_visible()

    def edit(self, edit: Edit) -> EditResult:
        if self._tokens is not None:
            top, bottom = edit.top, edit.bottom
            start = self._outside(top, end=top == bottom)
            stop = start if top == bottom else self._outside(bottom, end=True)
            if (start, stop) != (top, bottom):
                edit.from_location, edit.to_location = start, stop
        return super().edit(edit)

    def _outside(self, location: Location, *, end: bool) -> Location:
        """The end (or start) of the token that this is inside of; else the location itself."""
        row, column = location
        for first, last in self._spans(row):
            if first < column < last:
                return (row, last if end else first)
        return location

    def _validate_selection(self, selection: Selection) -> Selection:
        selection = super()._validate_selection(selection)
        if self._tokens is None:
            return selection
        before = self.selection.end
        return Selection(
            self._outside(selection.start, end=selection.start > before),
            self._outside(selection.end, end=selection.end > before),
        )

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        # Undo changes the text first and the cursor last, and a scrollbar that goes asks between.
        if self.cursor_location[0] >= self.document.line_count:
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        if spans := self._spans(line_index):
            style = self.get_component_rich_style("folding-field--token", partial=True)
            for start, end in spans:
                line.stylize(style, start, end)
        return line
