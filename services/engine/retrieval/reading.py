"""Files of every kind into blocks, and blocks into pieces with their words.

The same in the engine and in the parse worker; but what a file needs a library for, or what takes
long, is only ever read in the worker (``is_light``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from services.engine.retrieval import decoding
from services.engine.retrieval.blocks import (
    MOST_CHARACTERS,
    Block,
    Parsed,
    Piece,
    Place,
    Unreadable,
)
from services.engine.retrieval.chunking import chunks_of
from services.engine.retrieval.plain_text import extension, text_blocks
from services.engine.retrieval.words import analysed

# Read, cut and analysed in about the time of a few frames.
LIGHT_BYTES = 32 * 1024
HTML = frozenset({"html", "htm", "xhtml"})
SHEETS = frozenset({"xlsx", "xlsm"})
NEEDS_LIBRARY = frozenset({"pdf", "doc", "docx", "pptx"}) | SHEETS | HTML

Alive = Callable[[], None]


def is_light(filename: str, size: int) -> bool:
    """Whether a file of ``size`` bytes may be read in the engine's own process."""
    return size <= LIGHT_BYTES and extension(filename) not in NEEDS_LIBRARY


def read_light(path: Path, filename: str) -> Parsed | None:
    """A light file; None when its encoding has to be guessed. Raises ``Unreadable``, OSError."""
    data = decoding.read_bytes(path, LIGHT_BYTES + 1)
    text = decoding.certain(data) if len(data) <= LIGHT_BYTES else None
    return None if text is None else Parsed(tuple(text_blocks(text, extension(filename))))


def read_any(
    path: Path, filename: str, alive: Alive = lambda: None, most: int = MOST_CHARACTERS
) -> Parsed:
    """Any file, in the worker. ``alive`` is called as the reading goes on.

    Raises ``Unreadable`` and, for broken files, whatever its library raises.
    """
    return _bounded(_blocks(path, extension(filename)), alive, most)


def pieces_of(
    parsed: Parsed, filename: str, size: int, overlap: int, alive: Alive = lambda: None
) -> Iterator[Piece]:
    """The document in pieces of so many tokens, for the index. Raises ``Unreadable``."""
    if parsed.cut:
        raise Unreadable(
            f"The file holds more than {MOST_CHARACTERS:,} characters of text, more than a file "
            "of a vector store may. Split it into smaller files."
        )
    for chunk in chunks_of(parsed.blocks, size, overlap, alive):
        # With the name and the heading, a question that names them finds what is below.
        above = f"{filename}\n{_heading(chunk.text, chunk.place)}"
        yield Piece(chunk.text, analysed(f"{above}{chunk.text}"), chunk.place)


def _heading(text: str, place: Place | None) -> str:
    section = str((place or {}).get("section", ""))
    return "" if not section or section.rpartition(" > ")[2] in text else f"{section}\n"


def _blocks(path: Path, ending: str | None) -> Iterator[Block]:
    # Each library is imported with the first file that needs it.
    if ending == "pdf":
        from services.engine.retrieval.pdf import pdf_blocks

        return pdf_blocks(path)
    if ending in ("docx", "doc"):
        from services.engine.retrieval.word import word_blocks

        return word_blocks(path)
    if ending == "pptx":
        from services.engine.retrieval.slides import slide_blocks

        return slide_blocks(path)
    if ending in SHEETS:
        from services.engine.retrieval.sheet import sheet_blocks

        return sheet_blocks(path)
    if ending in HTML:
        from services.engine.retrieval.html import html_blocks

        return html_blocks(path)
    return _text(path, ending)


def _text(path: Path, ending: str | None) -> Iterator[Block]:
    yield from text_blocks(decoding.decoded(decoding.read_bytes(path)), ending)


def _bounded(blocks: Iterable[Block], alive: Alive, most: int) -> Parsed:
    kept: list[Block] = []
    left = most
    for block in blocks:
        alive()
        if len(block.text) > left:
            kept.append(Block(block.text[:left], block.place))
            return Parsed(tuple(kept), cut=True)
        left -= len(block.text)
        if block.text:
            kept.append(block)
    if not any(block.text.strip() for block in kept):
        raise Unreadable("The file holds no text.")
    return Parsed(tuple(kept))
