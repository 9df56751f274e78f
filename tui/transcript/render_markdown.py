"""Blocks of Markdown, apart from fences and tables of their own, to lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from tui.transcript.lines import Line, Run, indented, prose, runs
from tui.transcript.palette import Palette
from tui.transcript.parser import References, closing, inline_parts
from tui.transcript.pieces import Piece, estimated_lines
from tui.transcript.render_code import code_lines, label_line, language_of
from tui.transcript.render_table import table_parts

if TYPE_CHECKING:
    from markdown_it.token import Token

LISTS = ("bullet_list", "ordered_list")
NARROWEST = 16  # cells of text below which nothing is indented further
BULLETS = "•◦▪"


def gap_between(before: str, kind: str, blank: bool) -> int:
    """Blank lines between two blocks; ``blank`` tells that the source has one there.

    Decided by the two neighbours alone, so that nothing above moves while an answer arrives.
    """
    if blank:
        return 1
    if (kind in LISTS and before == "paragraph") or before == "heading" or before == kind == "item":
        return 0
    return 1


class Drawing:
    """Draws the blocks of one piece; ``blank`` are the source lines that follow a blank one."""

    def __init__(self, palette: Palette, references: References, blank: frozenset[int]) -> None:
        self._palette = palette
        self._references = references
        self._blank = blank

    def blocks(
        self, tokens: list[Token], width: int, base: Style, depth: int = 0, kind: str = ""
    ) -> list[Line]:
        lines: list[Line] = []
        at = 0
        before = kind
        while at < len(tokens):
            token = tokens[at]
            end = closing(tokens, at)
            kind = token.type.removesuffix("_open")
            drawn = self._block(kind, tokens[at : end + 1], width, base, depth)
            if lines and drawn:
                blank = token.map is not None and token.map[0] in self._blank
                lines += [Line([]) for _ in range(gap_between(before, kind, blank))]
            lines += drawn
            before = kind
            at = end + 1
        return lines

    def _block(
        self, kind: str, tokens: list[Token], width: int, base: Style, depth: int
    ) -> list[Line]:
        token, inner = tokens[0], tokens[1:-1]
        palette = self._palette
        if kind == "paragraph":
            return self._text(inner[0].content, width, base) if inner else []
        if kind == "heading":
            level = min(int(token.tag[1:]), len(palette.headings))
            return self._text(inner[0].content if inner else "", width, palette.headings[level - 1])
        if kind in LISTS:
            return self._list(tokens, width, base, depth)
        if kind == "blockquote":
            bar = [Segment("▎ ", palette.faint)]
            room = width - 2 if width - 2 >= NARROWEST else width
            lines = self.blocks(inner, room, palette.muted, depth)
            return indented(lines, bar, bar) if room < width else lines
        if kind in ("fence", "code_block"):
            language = language_of(token.info)
            label = [label_line(language, width, palette)] if language else []
            code = token.content.removesuffix("\n")
            return label + code_lines(code, language, "", width, palette)
        if kind == "hr":
            return [Line([Segment("─" * width, palette.faint)])]
        if kind == "table":
            _, parts = table_parts(tokens, self._references, None)
            return [line for _, part in parts for line in part.lines(width, palette)]
        return self._text(token.content, width, base) if token.content else []

    def _text(self, source: str, width: int, base: Style) -> list[Line]:
        return prose(self._runs(source, base), width)

    def _runs(self, source: str, base: Style) -> list[Run]:
        palette = self._palette
        parts = inline_parts(source, self._references)
        return runs((text, palette.inline(marks, base)) for text, marks in parts)

    def _list(self, tokens: list[Token], width: int, base: Style, depth: int) -> list[Line]:
        ordered = tokens[0].type == "ordered_list_open"
        number = int(tokens[0].attrs.get("start", 1)) if ordered else 0
        lines: list[Line] = []
        items: list[tuple[int, int]] = []
        at = 1
        while at < len(tokens) - 1:
            end = closing(tokens, at)
            items.append((at, end))
            at = end + 1
        digits = len(str(number + len(items) - 1))
        for place, (start, end) in enumerate(items):
            first = tokens[start].map
            if lines and first is not None and first[0] in self._blank:
                lines.append(Line([]))
            marker = f"{number + place:>{digits}}. " if ordered else self.bullet(depth)
            lines += self.item(tokens[start + 1 : end], marker, width, base, depth)
        return lines

    @staticmethod
    def bullet(depth: int) -> str:
        return f"{BULLETS[min(depth, len(BULLETS) - 1)]} "

    def item(
        self, tokens: list[Token], marker: str, width: int, base: Style, depth: int
    ) -> list[Line]:
        """A list item behind its ``marker``; a task's box takes the place of a bullet."""
        palette = self._palette
        style = palette.primary
        if len(tokens) > 1 and tokens[0].type == "paragraph_open":
            text = tokens[1].content
            if text[:4].lower() in ("[ ] ", "[x] "):
                done = text[1] != " "
                marker = ("☑ " if done else "☐ ") if not marker[0].isdigit() else marker
                style = palette.success if done else palette.muted
                task = tokens[1].copy(content=text[4:])
                tokens = [tokens[0], task, *tokens[2:]]
        room = width - len(marker)
        if room < NARROWEST:
            room = width
        lines = self.blocks(tokens, room, base, depth + 1) or [Line([])]
        if room == width:
            return indented(lines, [], [])
        return indented(
            lines, [Segment(marker, style)], [Segment(" " * len(marker), Style())], keep=True
        )


class BlockPiece(Piece):
    """A top-level block that is drawn whole."""

    __slots__ = ("_blank", "_references", "_source", "_tokens", "kind")

    def __init__(
        self, tokens: list[Token], source: str, blank: frozenset[int], references: References
    ) -> None:
        super().__init__()
        self.kind = tokens[0].type.removesuffix("_open")
        self._tokens = tokens
        self._source = source
        self._blank = blank
        self._references = references

    def depends(self) -> object:
        source = self._source
        return self._references.version if "[" in source or "【" in source else None

    def estimate(self, width: int) -> int:
        return self.gap + estimated_lines(self._source, width)

    @property
    def source(self) -> str:
        """The block as it was written."""
        return self._source

    def draw(self, width: int, palette: Palette) -> list[Line]:
        drawing = Drawing(palette, self._references, self._blank)
        lines = self._draw(drawing, width, palette)
        if not any(not line.text.isspace() for line in lines if line.segments):
            # Nested deeper than the parser goes: rather as it was written than not at all.
            lines = prose(runs([(self._source.strip("\n"), palette.text)]), width)
        return lines

    def _draw(self, drawing: Drawing, width: int, palette: Palette) -> list[Line]:
        return drawing.blocks(self._tokens, width, palette.text)


class ListRun:
    """What the items of one list have in common."""

    def __init__(self, ordered: bool, markup: str, start: int) -> None:
        self.ordered = ordered
        self.markup = markup
        self.start = start
        self.count = 0

    @property
    def digits(self) -> int:
        return len(str(self.start + max(0, self.count - 1)))


class ItemPiece(BlockPiece):
    """One item of a top-level list."""

    __slots__ = ("index", "run")

    def __init__(
        self,
        tokens: list[Token],
        source: str,
        blank: frozenset[int],
        references: References,
        run: ListRun,
        index: int,
    ) -> None:
        super().__init__(tokens, source, blank, references)
        self.kind = "item"
        self.run = run
        self.index = index

    def depends(self) -> object:
        return (self.run.digits if self.run.ordered else 0, super().depends())

    def _draw(self, drawing: Drawing, width: int, palette: Palette) -> list[Line]:
        run = self.run
        number = f"{run.start + self.index:>{run.digits}}. " if run.ordered else drawing.bullet(0)
        return drawing.item(self._tokens[1:-1], number, width, palette.text, 0)
