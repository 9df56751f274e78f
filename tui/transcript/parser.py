"""The Markdown parser: CommonMark with tables and strikethrough, HTML as plain text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tui.transcript.inline import Marked, marked

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Known = dict[str, Any]
DEEPEST = 60  # levels of nesting; what is deeper is shown as text
MOST_BRACKETS = 300  # in one paragraph; each may begin a link, and looking for its end takes time


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # with the first message, not with the first paint

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    parser.enable(["table", "strikethrough"])
    # Inline text is parsed when its block is drawn; line ends and controls are tui.text's work.
    parser.core.ruler.enableOnly(["block"])
    return parser


class References:
    """The link targets that a document defines ("[1]: https://..."), and its citations; they may
    follow their use."""

    def __init__(self) -> None:
        self.known: Known = {}
        self.cited: dict[str, int] = {}
        """Markers of citations, with their numbers."""
        self.version = 0

    def learn(self, known: Known) -> None:
        if known != self.known:
            self.known = known
            self.version += 1

    def cite(self, cited: dict[str, int]) -> None:
        if cited != self.cited:
            self.cited = cited
            self.version += 1


def block_tokens(source: str, known: Known) -> tuple[list[Token], Known, list[tuple[int, int]]]:
    """The block structure of ``source``, the link targets known after it (``known`` first), and
    the line ranges that define targets, in order.

    Inline tokens hold their text unparsed: see :func:`inline_parts`.
    """
    env: dict[str, Any] = {"references": dict(known)}
    tokens = _parser().parse(source, env)
    after: Known = env["references"]
    defined = [target for label, target in after.items() if label not in known]
    defined += env.get("duplicate_refs", [])
    ranges = sorted((target["map"][0], target["map"][1]) for target in defined)
    return tokens, after, ranges


def inline_parts(text: str, references: References) -> list[Marked]:
    """Inline Markdown as marked text."""
    if not text or text.count("[") > MOST_BRACKETS:
        return [(text, 0)]
    parser = _parser()
    tokens: list[Token] = []
    parser.inline.parse(text, parser, {"references": references.known}, tokens)
    return marked(tokens, references.cited)


def closing(tokens: list[Token], at: int) -> int:
    """The index of the token that closes the one at ``at`` (itself, if it encloses nothing)."""
    if tokens[at].nesting != 1:
        return at
    level = tokens[at].level
    for index in range(at + 1, len(tokens)):
        if tokens[index].level == level and tokens[index].nesting == -1:
            return index
    return len(tokens) - 1


@cache
def whole_parser() -> MarkdownIt:
    """The same Markdown with inline text parsed as well, for what is not drawn: its links."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    return parser.enable(["table", "strikethrough"])
