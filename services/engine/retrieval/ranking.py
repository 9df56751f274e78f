"""Scores of passages for a query's words, and several ranked lists made into one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from services.engine.retrieval.words import Term

K1 = 1.2
B = 0.75
# What one of a language's small words counts: few passages are enough for one of them to be rare.
SMALL = 0.25
# The weight of a rank in a fused list is 1 / (FUSED_K + rank).
FUSED_K = 60

Key = TypeVar("Key", bound=Hashable)


def rarity(holders: int, number: int) -> float:
    """What a word that stands in ``holders`` of ``number`` passages tells; always above 0.

    FTS5's own measure is nothing for a word in half of them, which is most words while there are
    few passages.
    """
    return math.log(1 + (number - min(holders, number) + 0.5) / (holders + 0.5))


class Scorer:
    """bm25 of passages for one query. ``rarities`` has each of its terms."""

    def __init__(self, wanted: Sequence[Term], rarities: Mapping[Term, float], usual_length: float):
        weights = [
            (term, rarities[term] * often * (SMALL if term.small else 1))
            for term, often in Counter(wanted).items()
        ]
        self._words = [(term.forms, weight) for term, weight in weights if not term.begins]
        self._beginnings = [(term.forms, weight) for term, weight in weights if term.begins]
        self._all = sum(weight for _, weight in weights)
        self._usual_length = max(1.0, usual_length)

    def score(self, tokens: str) -> float:
        """0 to 1: 0 holds no word of the query, 0.75 all of them once each, at usual length.

        It grows with bm25 and nothing else: 1 - 4 ** -(bm25 / the sum of the words' rarities). The
        sum makes queries of one word and of twenty comparable.
        """
        if not self._all:
            return 0.0
        there = tokens.split()
        counts = Counter(there)
        damping = K1 * (1 - B + B * len(there) / self._usual_length)
        total = 0.0
        for forms, weight in self._words:
            if times := sum([counts[form] for form in forms if form in counts]):
                total += weight * times * (K1 + 1) / (times + damping)
        for forms, weight in self._beginnings:
            if times := sum(n for token, n in counts.items() if token.startswith(forms)):
                total += weight * times * (K1 + 1) / (times + damping)
        return float(1 - 4 ** -(total / self._all))


def fused(lists: Sequence[Sequence[Key]]) -> list[Key]:
    """Reciprocal rank fusion: what stands high in several lists first; ties in order of lists."""
    weights: dict[Key, float] = {}
    for ranking in lists:
        for rank, key in enumerate(ranking, start=1):
            weights[key] = weights.get(key, 0.0) + 1 / (FUSED_K + rank)
    return sorted(weights, key=lambda key: -weights[key])
