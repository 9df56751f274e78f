"""Which functions a message names, and which part of it speaks of each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.engine.models.base import ToolDefinition

# Verbs that half of all functions begin with say nothing about which one is meant.
_COMMON = frozenset(
    (
        *("get", "set", "fetch", "find", "list", "search", "lookup", "look", "make", "do", "run"),
        *("call", "create", "show", "read", "query", "the", "a", "an", "current", "my", "all"),
        *("by", "for", "of", "to", "in", "and"),
    )
)
# The engine's own tools have rules of their own.
_ENGINE = frozenset(("file_search", "code_interpreter"))


def callable_functions(tools: Sequence[ToolDefinition]) -> list[ToolDefinition]:
    """The functions among the tools."""
    return [tool for tool in tools if tool.name not in _ENGINE]


def functions_named(tools: Sequence[ToolDefinition], text: str) -> list[tuple[ToolDefinition, str]]:
    """The functions ``text`` names, in that order, each with its own stretch of the text.

    A function is named by its name, or by all the telling words of it (``search_flights`` by
    "flights"; only where a name has no telling word do its common ones count).
    """
    places: list[tuple[int, ToolDefinition]] = []
    for tool in tools:
        place = _by_name(tool.name, text)
        place = _by_words(tool.name, text) if place is None else place
        if place is not None:
            places.append((place, tool))
    if not places:
        return []
    places.sort(key=lambda each: each[0])
    ends = [place for place, _ in places[1:]] + [len(text)]
    # Words before the first name ("tomorrow, get_weather") belong to the first.
    starts = [0] + [place for place, _ in places[1:]]
    return [
        (tool, text[start:end]) for (_, tool), start, end in zip(places, starts, ends, strict=True)
    ]


def words_of(name: str) -> list[str]:
    """A function's name as words, whatever its style."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def _by_name(name: str, text: str) -> int | None:
    styles = r"[\s_-]*".join(map(re.escape, words_of(name))) or re.escape(name)
    found = re.search(rf"(?<![\w-])(?:{re.escape(name)}|{styles})(?![\w-])", text, re.IGNORECASE)
    return None if found is None else found.start()


def _by_words(name: str, text: str) -> int | None:
    words = words_of(name)
    telling = [word for word in words if word not in _COMMON] or words
    places = []
    for word in telling:
        stem = re.escape(word.removesuffix("s"))
        found = re.search(rf"(?<!\w){stem}(?:s|es|ing|ed)?(?!\w)", text, re.IGNORECASE)
        if found is None:
            return None
        places.append(found.start())
    return min(places, default=None)
