"""Text that somebody looks for: where it is in what is drawn, and how often it is in what is not.

Drawn lines are matched exactly as a reader sees them, also where a match goes on in the next line.
What nobody drew yet is only counted, in its source without the signs of Markdown; the count is
made exact when somebody comes to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.transcript.entries import Entry, PictureEntry, StepEntry
from tui.transcript.lines import Line

SLICE = 200_000
"""Characters that are looked through in one go."""

# Signs of Markdown that are not drawn; an underscore within a word is no sign.
_SIGNS = re.compile(r"\*+|`+|~~|(?<!\w)__?(?=\w)|(?<=\w)__?(?!\w)")


class Span(NamedTuple):
    """A part of a drawn line: characters ``start`` to ``end`` (exclusive) of its text."""

    line: int
    start: int
    end: int


Match = tuple[Span, ...]
"""One match: the spans of the lines it is on."""


def pattern_of(query: str) -> re.Pattern[str] | None:
    """What to look for, upper and lower case alike; any blanks fit any others. None for nothing."""
    words = query.split()
    if not words:
        return None
    return re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)


def matches_in(lines: Sequence[Line], pattern: re.Pattern[str]) -> list[Match]:
    """Every match in the drawn ``lines``, decoration left out."""
    texts: list[str] = []
    starts: list[int] = []
    length = 0
    for number, line in enumerate(lines):
        between = "" if not number else "\n" if line.join is None else line.join
        text = line.text[line.lead :].rstrip()
        starts.append(length + len(between))
        texts += [between, text]
        length += len(between) + len(text)
    whole = "".join(texts)
    found: list[Match] = []
    number = 0
    for match in pattern.finditer(whole):
        while number + 1 < len(lines) and starts[number + 1] <= match.start():
            number += 1
        found.append(tuple(_spans(lines, starts, texts, number, match.start(), match.end())))
    return found


def _spans(
    lines: Sequence[Line],
    starts: Sequence[int],
    texts: Sequence[str],
    number: int,
    start: int,
    end: int,
) -> Iterator[Span]:
    while number < len(lines) and starts[number] < end:
        size = len(texts[2 * number + 1])
        lead = lines[number].lead
        first = max(0, start - starts[number])
        last = min(size, end - starts[number])
        if last > first:
            yield Span(number, lead + first, lead + last)
        number += 1


def searched_text(entry: Entry) -> str:
    """What of an entry is looked through: all of it, what is folded away as well."""
    if isinstance(entry, StepEntry):
        return f"{entry.title}\n{entry.summary}\n{entry.detail}"
    if isinstance(entry, PictureEntry):
        return entry.title
    return entry.text


def count_slices(entry: Entry, pattern: re.Pattern[str]) -> Iterator[int]:
    """How often the pattern is in the entry, a number for each slice of its text."""
    text = searched_text(entry)
    at = 0
    while True:
        part = text[at : at + SLICE + 1_000]
        signs = _SIGNS.sub("", part[:SLICE])
        # A match that begins in this slice may end in the next one.
        seam = len(signs)
        whole = signs + _SIGNS.sub("", part[SLICE:])
        yield sum(match.start() < seam for match in pattern.finditer(whole))
        at += SLICE
        if at >= len(text):
            return
