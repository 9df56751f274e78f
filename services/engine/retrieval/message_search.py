"""Searches what was said, in every thread: ranked, with the words that were found marked."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any

from sqlalchemy.exc import DBAPIError

from services.engine.retrieval.ranking import Scorer, rarity
from services.engine.retrieval.words import (
    MATCHED_WORDS,
    Term,
    analysed,
    match_any,
    terms,
    tokens_in,
)
from services.engine.store import message_words
from services.engine.store.database import Database
from services.engine.store.failures import store_sentence
from services.engine.store.message_words import Due, Found
from services.engine.store.threads import GONE_AT

log = logging.getLogger(__name__)

BATCH = 500
BATCH_CHARACTERS = 1_000_000
CANDIDATES = 300
SNIPPET_CHARACTERS = 240
# Also the beginning of one, where the stretch ends.
_CITATION = re.compile(r" ?【\d{1,9}:\d{1,9}†[^【】\n]*(?:】|$)")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that answers a query.

    ``snippet`` is a stretch of its text on one line, ``marks`` where in it the words are that were
    found: (start, end) in characters. ``start`` is where the first of them is in the whole text.
    """

    found: Found
    score: float
    snippet: str
    marks: Sequence[tuple[int, int]]
    start: int


class MessageSearch:
    """Finds messages; those that came since the last search are indexed first."""

    def __init__(self, database: Database):
        self._database = database
        self._indexing = asyncio.Lock()

    async def search(self, query: str, *, most: int) -> list[Hit]:
        """The messages that fit best, best first; of those that fit equally the newest first."""
        try:
            await self._index_due()
        except DBAPIError as error:
            # A full or read-only disk: what was indexed before can be found all the same.
            log.warning("the newest messages could not be indexed: %s", store_sentence(error))
        wanted = terms(query)
        async with self._database.read() as connection:
            number = await message_words.number(connection)
            held: dict[Term, int] = {}
            for term in dict.fromkeys(wanted):
                held[term] = await message_words.holders(connection, term.match)
            there = sorted((term for term in held if held[term]), key=lambda term: held[term])
            match = match_any(there[:MATCHED_WORDS])
            if match is None:
                return []
            candidates = await message_words.ranked(connection, match, max(CANDIDATES, most))
        rarities = {term: rarity(count, number) for term, count in held.items()}
        best = await asyncio.to_thread(_best, candidates, wanted, rarities, most)
        hits = []
        for score, found in best:
            # A long message is work for a while.
            async with self._database.read() as connection:
                content = await message_words.content(connection, found.seq)
            if content is not None:
                hits.append(await asyncio.to_thread(_hit, found, score, content, there))
        return hits

    async def _index_due(self) -> None:
        # Who searches meanwhile waits, and finds it done.
        async with self._indexing:
            while True:
                async with self._database.read() as connection:
                    waiting = await message_words.due(connection, BATCH, BATCH_CHARACTERS)
                if not waiting:
                    return
                words = await asyncio.to_thread(_analysed, waiting)
                async with self._database.write(durable=False) as connection:
                    await message_words.index(connection, words)


def _best(
    candidates: Sequence[Found], wanted: Sequence[Term], rarities: Mapping[Term, float], most: int
) -> list[tuple[float, Found]]:
    usual = sum(each.words.count(" ") + 1 for each in candidates) / max(1, len(candidates))
    scorer = Scorer(wanted, rarities, usual)
    # Deleted threads are not found, even while they can still be brought back.
    scored = [
        (scorer.score(each.words), each)
        for each in candidates
        if not each.thread_metadata.get(GONE_AT)
    ]
    scored.sort(key=lambda each: (-each[0], -each[1].seq))
    return scored[:most]


def _analysed(waiting: Sequence[Due]) -> list[tuple[int, str]]:
    return [(each.seq, analysed(text_of(json.loads(each.content or "[]")))) for each in waiting]


def text_of(content: Sequence[Mapping[str, Any]]) -> str:
    """The text of a message's parts, as it is indexed."""
    texts = (
        part["text"]["value"] if part["type"] == "text" else part.get("refusal", "")
        for part in content
    )
    return "\n\n".join(text for text in texts if text)


def _hit(found: Found, score: float, content: str, wanted: Sequence[Term]) -> Hit:
    text = text_of(json.loads(content))
    places = _places(text, wanted)
    first = next(places, (0, 0))
    # The stretch begins a little before the first word, at a word's beginning.
    begin = max(0, first[0] - SNIPPET_CHARACTERS // 4)
    begin = 0 if begin == 0 else text.rfind(" ", begin, first[0]) + 1 or begin
    snippet = text[begin : begin + SNIPPET_CHARACTERS]
    # Only as far as it is shown: the rest of a long text would cost far more than the search.
    shown = takewhile(lambda place: place[0] < begin + len(snippet), chain([first], places))
    marks = [(start - begin, min(end - begin, len(snippet))) for start, end in shown if end]
    # White space becomes blanks, one for one: the marks stay where they are.
    shown_text, marks = _without_citations(re.sub(r"\s", " ", snippet), marks)
    return Hit(found, score, shown_text, marks, first[0])


def _without_citations(
    snippet: str, marks: Sequence[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    """A stretch without the markers of citations, which tell a reader of results nothing."""
    gone = [found.span() for found in _CITATION.finditer(snippet)]

    def moved(place: int) -> int:
        return place - sum(min(end, place) - start for start, end in gone if start < place)

    kept = [(moved(start), moved(end)) for start, end in marks]
    return _CITATION.sub("", snippet), [mark for mark in kept if mark[0] < mark[1]]


def _places(text: str, wanted: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where the query's words stand in a text."""
    forms = {form for term in wanted if not term.begins for form in term.forms}
    beginnings = tuple(form for term in wanted if term.begins for form in term.forms)
    tokens_of = tokens_in(text)
    known: dict[str, bool] = {}
    for word in _WORD.finditer(text):
        written = word.group()
        if written not in known:
            tokens = tokens_of(written)
            known[written] = not forms.isdisjoint(tokens) or any(
                token.startswith(beginnings) for token in tokens if beginnings
            )
        if known[written]:
            yield word.span()
