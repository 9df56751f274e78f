"""Web pages: what a reader sees of them, under its headings. Only the parse worker imports this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.engine.retrieval.blocks import Block, Outline, Unreadable
from services.engine.retrieval.decoding import decoded, read_bytes

_UNSEEN = frozenset(
    {
        *("script", "style", "noscript", "template", "svg", "math", "head", "iframe", "object"),
        *("canvas", "audio", "video", "select", "textarea", "button", "-comment", "-doctype"),
    }
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_OWN_LINES = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "dd", "details", "dialog", "div"),
        *("dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html"),
        *("legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody"),
        *("tfoot", "thead", "tr", "ul", *_HEADINGS),
    }
)
_PARAGRAPHS = frozenset({"p", "table", "ul", "ol", "dl", "pre", "blockquote", *_HEADINGS})
_BLANKS = re.compile(r"\s+")
MOST_BYTES = 64 * 1024 * 1024


def html_blocks(path: Path) -> Iterator[Block]:
    """A block a paragraph, row or other line of its own. Raises ``Unreadable``."""
    data = read_bytes(path, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unreadable(f"The web page is larger than {MOST_BYTES // 2**20} MB.")
    tree = LexborHTMLParser(decoded(data))
    title = tree.css_first("title")
    if title is not None and (said := _BLANKS.sub(" ", title.text()).strip()):
        yield Block(f"{said}\n\n")
    if tree.body is not None:
        yield from _Page().blocks(tree.body)


class _Page:
    """Walks a page's nodes without recursion: they may be nested as deeply as somebody likes."""

    def __init__(self) -> None:
        self._outline = Outline()
        self._line: list[str] = []
        self._pre = 0
        self._cells = 0

    def blocks(self, body: LexborNode) -> Iterator[Block]:
        waiting: list[tuple[LexborNode, bool]] = [(body, False)]
        while waiting:
            node, leaving = waiting.pop()
            tag = node.tag or ""
            if leaving:
                yield from self._leave(tag)
                continue
            if node.next is not None and node.mem_id != body.mem_id:
                waiting.append((node.next, False))
            if tag == "-text":
                self._line.append(node.text_content or "" if self._pre else _flat(node))
            elif tag == "br":
                self._line.append("\n")
            elif tag not in _UNSEEN and not _is_hidden(node):
                yield from self._enter(tag)
                waiting.append((node, True))
                if node.child is not None:
                    waiting.append((node.child, False))
        yield from self._ended("\n")

    def _enter(self, tag: str) -> Iterator[Block]:
        if tag in _OWN_LINES and not self._in_cell(tag):
            yield from self._ended("\n")
        if tag == "tr":
            self._cells = 0
        elif tag in ("td", "th"):
            self._line.append(" | " if self._cells else "")
            self._cells += 1
        elif tag == "li":
            self._line.append("- ")
        self._pre += tag == "pre"

    def _leave(self, tag: str) -> Iterator[Block]:
        if tag in _HEADINGS and (said := "".join(self._line).strip()):
            self._outline.enter(_HEADINGS[tag], said)
        if tag in _OWN_LINES and not self._in_cell(tag):
            yield from self._ended("\n\n" if tag in _PARAGRAPHS else "\n")
        elif tag in _OWN_LINES:
            self._line.append(" ")
        if tag == "tr":
            self._cells = 0
        self._pre -= tag == "pre"

    def _in_cell(self, tag: str) -> bool:
        """A row stays on one line, whatever its cells hold."""
        return self._cells > 0 and tag not in ("tr", "table", "tbody", "thead", "tfoot")

    def _ended(self, behind: str) -> Iterator[Block]:
        text = "".join(self._line)
        self._line.clear()
        if not self._pre:
            text = "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
        if text.strip(" |\n\t-"):
            yield Block(
                f"{text.strip() if not self._pre else text.rstrip()}{behind}", self._outline.place
            )


def _flat(node: LexborNode) -> str:
    return _BLANKS.sub(" ", node.text_content or "")


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return (
        "hidden" in attributes or attributes.get("aria-hidden") == "true" or "display:none" in style
    )
