"""Ranking by letters in their order: ``rpt`` finds ``report.pdf``."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from functools import lru_cache

LONGEST_QUERY = 200


def best(query: str, candidates: Iterable[str], limit: int) -> list[str]:
    """The candidates that hold the letters of ``query`` in order, the best first.

    Upper and lower case are one; spaces in the query only separate. Of equally good ones, the
    shorter and then the earlier comes first.
    """
    letters = re.sub(r"\s+", "", query.lower())[:LONGEST_QUERY]
    if not letters:
        return [each for each, _ in zip(candidates, range(limit), strict=False)]
    holds = _pattern(letters)
    found = (
        (-score(letters, candidate), len(candidate), number, candidate)
        for number, candidate in enumerate(candidates)
        if holds.search(candidate.lower())
    )
    return [candidate for *_, candidate in heapq.nsmallest(limit, found)]


@lru_cache(maxsize=8)
def _pattern(letters: str) -> re.Pattern[str]:
    return re.compile("[^\n]*?".join(map(re.escape, letters)), re.DOTALL)


def score(letters: str, candidate: str) -> float:
    """How well a candidate that holds the letters fits: runs, beginnings and the last part of a
    path count."""
    text = candidate.lower()
    base = text.rstrip("/").rfind("/") + 1
    name = text[base:]
    if name.startswith(letters):
        return 1000.0 - len(name) / 100
    if (at := name.find(letters)) >= 0:
        begins = at == 0 or not name[at - 1].isalnum()
        return 800.0 + 50 * begins - at / 10
    if (at := text.find(letters)) >= 0:
        begins = at == 0 or not text[at - 1].isalnum()
        return 600.0 + 50 * begins - at / 100
    # The name alone, else the whole path: each letter at its first place after the one before.
    for offset, bonus in ((base, 200.0), (0, 0.0)):
        if (points := _scattered(letters, text[offset:])) is not None:
            return bonus + points
    return 0.0


def _scattered(letters: str, text: str) -> float | None:
    points, at = 0.0, -1
    for letter in letters:
        found = text.find(letter, at + 1)
        if found < 0:
            return None
        points += 3.0 if found == at + 1 else 1.0
        if found == 0 or not text[found - 1].isalnum():
            points += 2.0
        at = found
    return points - (at + 1) / 50
