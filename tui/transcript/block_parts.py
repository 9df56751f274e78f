"""The blocks of a row: what the cursor stops at within a message, and what each of them holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.text import for_clipboard
from tui.transcript.entries import Entry, MessageEntry, PictureEntry, StepEntry
from tui.transcript.footnotes import numbered_text
from tui.transcript.labels import FootnotePiece
from tui.transcript.literal import LiteralPiece
from tui.transcript.pieces import Piece
from tui.transcript.render_code import FencePage
from tui.transcript.render_markdown import BlockPiece, ItemPiece
from tui.transcript.render_table import TablePart, TableRun
from tui.transcript.rows import Row


@dataclass(frozen=True, slots=True)
class Block:
    """Pieces ``first`` to ``last`` of a row (both included), which belong together.

    ``kind`` is a word for people: paragraph, heading, list, table, code, quote, text, output,
    source, picture, rule.
    """

    kind: str
    first: int
    last: int


_KINDS = {
    "paragraph": "paragraph",
    "heading": "heading",
    "blockquote": "quote",
    "code_block": "code",
    "fence": "code",
    "table": "table",
    "item": "list",
    "bullet_list": "list",
    "ordered_list": "list",
    "footnote": "source",
    "picture": "picture",
    "hr": "rule",
}


def blocks_of(row: Row) -> list[Block]:
    """The blocks of a row whose pieces are made; none of one that is a single line."""
    blocks: list[Block] = []
    before: Piece | None = None
    for number, piece in enumerate(row.pieces or ()):
        if isinstance(piece, LiteralPiece):
            kind = "output" if isinstance(row.entry, StepEntry) else "text"
        else:
            kind = _KINDS.get(piece.kind, "")
        if kind and blocks and blocks[-1].last == number - 1 and _goes_on(before, piece):
            blocks[-1] = Block(kind, blocks[-1].first, number)
        elif kind:
            blocks.append(Block(kind, number, number))
        before = piece
    return blocks


def _goes_on(before: Piece | None, piece: Piece) -> bool:
    if isinstance(piece, ItemPiece):
        return isinstance(before, ItemPiece) and before.run is piece.run
    if isinstance(piece, TablePart):
        return isinstance(before, TablePart) and before.run is piece.run
    if isinstance(piece, FencePage):
        return isinstance(before, FencePage) and not piece.first
    return isinstance(piece, LiteralPiece) and isinstance(before, LiteralPiece)


def pieces_of(row: Row, block: Block) -> list[Piece]:
    return (row.pieces or [])[block.first : block.last + 1]


def block_text(row: Row, block: Block) -> str:
    """A block as its owner would copy it: code without its fence, anything else as Markdown."""
    pieces = pieces_of(row, block)
    entry = row.current()
    text = ""
    if isinstance(entry, StepEntry):
        text = entry.detail
    elif block.kind == "text" and isinstance(entry, MessageEntry):
        text = entry.text
    elif pieces and isinstance(pieces[0], FencePage):
        text = "".join(piece.code for piece in pieces if isinstance(piece, FencePage))
        text = text.removesuffix("\n")
    elif pieces and isinstance(pieces[0], TablePart):
        rows = [piece.cells for piece in pieces if isinstance(piece, TablePart)]
        text = table_markdown(pieces[0].run, [cells for cells in rows if cells is not None])
    elif pieces and isinstance(pieces[0], FootnotePiece):
        footnote = pieces[0].footnote
        text = f"[{footnote.number}] {footnote.label}"
    else:
        sources = [piece.source.rstrip() for piece in pieces if isinstance(piece, BlockPiece)]
        text = "\n".join(sources)
        if block.kind == "code":  # indented code
            text = "\n".join(line.removeprefix("    ") for line in text.split("\n"))
        elif isinstance(entry, MessageEntry):
            text = numbered_text(text, entry.footnotes)
    return for_clipboard(text)


def table_rows(row: Row, block: Block) -> list[list[str]] | None:
    """The cells of a table, its header first; None for any other block."""
    parts = [piece for piece in pieces_of(row, block) if isinstance(piece, TablePart)]
    if not parts:
        return None
    return [list(parts[0].run.header), *(part.cells for part in parts if part.cells is not None)]


def table_markdown(run: TableRun, rows: list[list[str]]) -> str:
    dashes = {"left": ":---", "right": "---:", "center": ":--:"}
    lines = [run.header, [dashes.get(align, "---") for align in run.aligns], *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines
    )


def language_of_block(row: Row, block: Block) -> str:
    first = pieces_of(row, block)[:1]
    return first[0].language if first and isinstance(first[0], FencePage) else ""


def entry_text(entry: Entry) -> str:
    """An entry as its owner would copy it: the Markdown, the typed text, a step's detail."""
    if isinstance(entry, StepEntry):
        return for_clipboard("\n".join(filter(None, (entry.title, entry.summary, entry.detail))))
    if isinstance(entry, PictureEntry):
        return for_clipboard(entry.title)
    if isinstance(entry, MessageEntry) and entry.footnotes:
        sources = (f"[{each.number}] {each.label}" for each in entry.footnotes)
        text = numbered_text(entry.text, entry.footnotes)
        return for_clipboard("\n".join([text, "", *sources]))
    return for_clipboard(entry.text)


_FENCE = re.compile(
    r"^(?P<indent>[ >]*?(?:(?:[-*+]|\d{1,9}[.)])[ ]+)*[ ]*)(?P<mark>`{3,}|~{3,})[^\n]*\n"
    r"(?P<code>.*?)(?:^[ >]*(?P=mark)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


def codes_in(text: str) -> list[str]:
    """Every fenced piece of code in a Markdown text, also those inside lists and quotes."""
    found: list[str] = []
    for match in _FENCE.finditer(text):
        depth = len(match["indent"])
        lines = match["code"].removesuffix("\n").split("\n")
        found.append("\n".join(_less_indented(line, depth) for line in lines))
    return found


def _less_indented(line: str, depth: int) -> str:
    at = 0
    while at < min(depth, len(line)) and line[at] in " >":
        at += 1
    return line[at:]
