"""Searches the passages of vector stores by their words."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.retrieval.blocks import Place
from services.engine.retrieval.languages import TAGS
from services.engine.retrieval.ranking import Scorer, fused, rarity
from services.engine.retrieval.words import MATCHED_WORDS, Term, match_any, terms
from services.engine.schemas.filters import Comparison, Compound, passes
from services.engine.store import chunks
from services.engine.store.chunks import Candidate

# FTS5 chooses this many passages of each store, at least; the best by our own score are given.
CANDIDATES = 40
MOST_CANDIDATES = 5000
# In a large index, words in more than this share of it only cost time.
COMMON = 0.3
LARGE = 2000

# What makes two chunks the same passage: the file and the text.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that answers a query."""

    file_id: str
    file_name: str
    vector_store_id: str
    attributes: Mapping[str, Any]
    score: float
    """0 to 1, the same scale for every query; see ``ranking.Scorer.score``."""
    text: str
    chunk: int
    """The chunk's own number in the store of the engine (its ``seq``)."""
    place: Place | None = None
    """Where in the file it begins; ``described`` says it."""


async def search(
    connection: AsyncConnection,
    store_ids: Sequence[str],
    queries: Sequence[str],
    *,
    most: int,
    filters: Comparison | Compound | None = None,
    threshold: float = 0.0,
) -> list[Passage]:
    """The best passages of these stores for these queries, best first, ``most`` at most.

    Several queries are ranked each for itself and merged by reciprocal rank; a passage has the
    score of the query that it answers best, but never more than the passage before it. Passages
    that score less than ``threshold`` for every query are left out. A passage that a file has in
    several of the stores appears once, for the first of them.
    """
    stores = list(dict.fromkeys(store_ids))
    if not stores:
        return []
    only: Collection[int] | None = None
    if filters is not None:
        every = await chunks.entries_of(connection, stores)
        only = {seq for seq, attributes in every if passes(filters, attributes)}
    held = await chunks.counts(connection, [f'"{tag}"' for tag in TAGS.values()], 1)
    languages = [language for language, there in zip(TAGS, held, strict=True) if there]
    best: dict[Key, Passage] = {}
    lists: list[list[Key]] = []
    for query in dict.fromkeys(queries):
        ranking = await _ranked(connection, stores, terms(query, languages), most, only)
        good = {key: each for key, each in ranking.items() if each.score >= threshold}
        lists.append(list(good))
        for key, passage in good.items():
            if key not in best or best[key].score < passage.score:
                best[key] = passage
    found: list[Passage] = []
    for key in fused(lists)[:most]:
        highest = found[-1].score if found else 1.0
        found.append(replace(best[key], score=min(highest, best[key].score)))
    return found


async def _ranked(
    connection: AsyncConnection,
    stores: Sequence[str],
    wanted: Sequence[Term],
    most: int,
    only: Collection[int] | None,
) -> dict[Key, Passage]:
    """The passages for one query, best first, ``most`` or more of them if there are so many."""
    number = await chunks.number(connection)
    different = list(dict.fromkeys(wanted))
    enough = number if number < LARGE else int(number * COMMON)
    counts = await chunks.counts(connection, [term.match for term in different], enough)
    # In a large index, how common a very common word is takes too long to find out.
    holders = {
        term: number if held == enough else held
        for term, held in zip(different, counts, strict=True)
    }
    rarities = {term: rarity(held, number) for term, held in holders.items()}
    passages: dict[Key, Passage] = {}
    for match in _matches(holders, number):
        limit = max(CANDIDATES, 2 * most) * len(stores)
        while True:
            candidates = await chunks.ranked(connection, stores, match, limit, only=only)
            passages = await asyncio.to_thread(_scored, candidates, stores, wanted, rarities)
            if len(passages) >= most:
                return passages
            if len(candidates) < limit or limit > MOST_CANDIDATES:
                break
            # One passage stands in several stores, or often in a file.
            limit *= 4
    return passages


def _scored(
    candidates: Sequence[Candidate],
    stores: Sequence[str],
    wanted: Sequence[Term],
    rarities: Mapping[Term, float],
) -> dict[Key, Passage]:
    length = sum(each.words.count(" ") + 1 for each in candidates) / max(1, len(candidates))
    scorer = Scorer(wanted, rarities, length)
    passages: dict[Key, Passage] = {}
    for each in sorted(candidates, key=lambda each: stores.index(each.vector_store_id)):
        if (key := (each.file_id, each.text)) not in passages:
            passages[key] = _passage(each, scorer.score(each.words))
    return dict(sorted(passages.items(), key=lambda item: -item[1].score))


def _matches(holders: Mapping[Term, int], number: int) -> Iterator[str]:
    """What to look for: of very many words the rarest.

    In a large index first without the words that are everywhere: they cost the most and decide the
    least. They are looked for after all when the others alone find too little.
    """
    rarest = sorted(holders, key=lambda term: holders[term])
    there = [term for term in rarest if holders[term]][:MATCHED_WORDS]
    telling = [term for term in there if holders[term] < number or number < LARGE]
    for chosen in (telling, there) if len(telling) < len(there) else (there,):
        if match := match_any(chosen):
            yield match


def _passage(found: Candidate, score: float) -> Passage:
    return Passage(
        found.file_id,
        found.file_name,
        found.vector_store_id,
        found.attributes,
        score,
        found.text,
        found.seq,
        found.place,
    )
