"""Inline Markdown to marked text: emphasis, code, links with their target, images as words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tui.text import visible
from tui.transcript.palette import CITED, CODE, EMPHASIS, LINK, MUTED, STRIKE, STRONG, TARGET

if TYPE_CHECKING:
    from markdown_it.token import Token

Marked = tuple[str, int]

_MARKS = {"strong": STRONG, "em": EMPHASIS, "s": STRIKE}


_MARKER = re.compile("【[^【】\n]{1,160}】")


def _numbered(text: str, marks: int, cited: Mapping[str, int]) -> Iterator[Marked]:
    """Markers of citations become their numbers; one that stands for nothing stays as it is."""
    at = 0
    for match in _MARKER.finditer(text):
        number = cited.get(match[0])
        if number is not None:
            if match.start() > at:
                yield text[at : match.start()], marks
            yield f"[{number}]", marks | CITED
            at = match.end()
    if at < len(text):
        yield text[at:], marks


def marked(tokens: Sequence[Token], cited: Mapping[str, int]) -> list[Marked]:
    """The text of inline ``tokens`` with its marks.

    A line end within a paragraph stays one: models break lines on purpose (verses, addresses). A
    link is its text and, when it differs, its target; nothing is ever fetched or opened. ``cited``
    are the markers of citations with their numbers.
    """
    parts: list[Marked] = []
    marks = 0
    link = ""
    link_at = 0
    for token in tokens:
        kind = token.type
        if kind in ("text", "text_special", "html_inline"):
            if cited and "【" in token.content:
                parts += _numbered(token.content, marks, cited)
            else:
                parts.append((token.content, marks))
        elif kind in ("softbreak", "hardbreak"):
            parts.append(("\n", marks))
        elif kind == "code_inline":
            parts.append((token.content, marks | CODE))
        elif kind == "link_open":
            link, link_at = str(token.attrs.get("href", "")), len(parts)
            marks |= LINK
        elif kind == "link_close":
            marks &= ~LINK
            shown = "".join(text for text, _ in parts[link_at:])
            if link and link not in (shown, f"mailto:{shown}", f"http://{shown}"):
                parts.append((f" ({visible(link)})", marks | TARGET))
        elif kind == "image":
            target = visible(str(token.attrs.get("src", "")))
            parts.append((f"🖼 {token.content}".rstrip(), marks))
            parts.append((f" ({target})", marks | MUTED))
        elif kind.endswith("_open"):
            marks |= _MARKS.get(kind[:-5], 0)
        elif kind.endswith("_close"):
            marks &= ~_MARKS.get(kind[:-6], 0)
    return parts


def plain(parts: Sequence[Marked]) -> str:
    return "".join(text for text, _ in parts)
