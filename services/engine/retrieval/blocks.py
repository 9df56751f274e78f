"""What a document is once it is read: its text in reading order, and where each piece stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Place = Mapping[str, int | str]
"""``page``, ``slide``, ``sheet`` and ``row``, ``section`` or ``line``; numbers count from 1.

``to`` is the last page, slide or row of a passage that does not end where it begins.
"""
NUMBERED = ("page", "slide", "row")
Code = Literal["server_error", "unsupported_file", "invalid_file"]

# What the hosted API took of one file for its search.
MOST_TOKENS = 5_000_000
# As much text as that can be, in most languages.
MOST_CHARACTERS = 30_000_000
SECTION_CHARACTERS = 200


class Unreadable(Exception):
    """The file cannot be read as text: ``code`` as the wire has it, the message is a sentence."""

    def __init__(self, sentence: str, code: Code = "invalid_file"):
        super().__init__(sentence)
        self.code: Code = code


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text, with what separates it from the next, and the place of its beginning."""

    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document; ``cut`` when it holds more text than was asked for."""

    blocks: tuple[Block, ...]
    cut: bool = False

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage of a document as the index takes it: its text, its words, and where it begins."""

    text: str
    words: str
    place: Place | None


class Outline:
    """The headings that a place of a document is under."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> None:
        """A heading; 1 is the highest level."""
        title = " ".join(title.split())
        if title:
            self._open = [each for each in self._open if each[0] < level]
            self._open.append((level, title[:SECTION_CHARACTERS]))

    @property
    def section(self) -> str:
        """All headings, the highest first; "" before the first one."""
        return " > ".join(title for _, title in self._open)[-SECTION_CHARACTERS:]

    @property
    def place(self) -> Place | None:
        return {"section": self.section} if self._open else None


def table_row(cells: Iterable[str]) -> str:
    """A row of a table on one line, "" when every cell is empty."""
    texts = [" ".join(cell.split()) for cell in cells]
    return " | ".join(texts) if any(texts) else ""


def described(place: Place | None) -> str:
    """A place as it is said behind a file's name: "page 3"; "" when there is nothing to say."""
    if not place:
        return ""
    parts = [f"{name} {place[name]}" for name in ("sheet", "section") if name in place]
    for name in NUMBERED:
        if name in place:
            many = f"{name}s {place[name]} to {place['to']}" if "to" in place else ""
            parts.append(many or f"{name} {place[name]}")
    if not parts and place.get("line", 1) != 1:
        parts.append(f"line {place['line']}")
    return ", ".join(parts)
