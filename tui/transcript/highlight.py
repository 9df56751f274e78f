"""Colours for code. Pygments' lexers are imported with the first fence, not before."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it has no types

# A lexer's regular expressions are not made for hostile input; beyond this many characters in one
# piece of code there are no colours.
LONGEST = 12_000


@cache
def _names() -> dict[str, str]:
    """Every alias of a language, lower case, to its lexer's name; no scan for plugins."""
    from pygments.lexers import get_all_lexers  # type: ignore[import-untyped]  # no types

    return {
        alias.lower(): name
        for name, aliases, _, _ in get_all_lexers(plugins=False)
        for alias in aliases
    }


@cache
def _lexer(language: str) -> Lexer | None:
    name = _names().get(language)
    if name is None:
        return None
    from pygments.lexers import find_lexer_class

    found = find_lexer_class(name)
    return None if found is None else found(stripnl=False, ensurenl=False)


def highlight(code: str, language: str, context: str = "") -> list[tuple[str, object]]:
    """``code`` in pieces with their Pygments token types; one untyped piece when not known.

    ``context`` is the code before, so that a string or comment begun there goes on.
    """
    if not code:
        return []
    lexer = _lexer(language.lower()) if language else None
    if lexer is None or len(code) + len(context) > LONGEST:
        return [(code, None)]
    start = len(context)
    pieces: list[tuple[str, object]] = []
    done = start
    for at, token, text in lexer.get_tokens_unprocessed(context + code):
        end = at + len(text)
        if end <= done:
            continue
        pieces.append((text[done - at :] if at < done else text, token))
        done = end
    if "".join(text for text, _ in pieces) != code:  # a lexer that drops characters
        return [(code, None)]
    return pieces
