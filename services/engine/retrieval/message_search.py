"""Searches what was said, in every thread: ranked, with the words that were found marked."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from services.engine.retrieval.ranking import Scorer, rarity
from services.engine.retrieval.words import Term, analysed, match_any, terms
from services.engine.store import message_words
from services.engine.store.database import Database
from services.engine.store.failures import store_sentence
from services.engine.store.message_words import Found
from services.engine.store.threads import GONE_AT

log = logging.getLogger(__name__)

BATCH = 500
CANDIDATES = 300
SNIPPET_CHARACTERS = 240
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


async def search_messages(database: Database, query: str, *, most: int) -> list[Hit]:
    """The messages that fit best, best first; of those that fit equally the newest first."""
    try:
        await _index_due(database)
    except DBAPIError as error:
        # A full or read-only disk: what was indexed before can be found all the same.
        log.warning("the newest messages could not be indexed: %s", store_sentence(error))
    wanted = terms(query)
    async with database.read() as connection:
        number = await message_words.number(connection)
        held: dict[Term, int] = {}
        for term in dict.fromkeys(wanted):
            held[term] = await message_words.holders(connection, term.match)
        there = [term for term in held if held[term]]
        match = match_any(there)
        if match is None:
            return []
        candidates = await message_words.ranked(connection, match, max(CANDIDATES, most))
    # Deleted threads are not found, even while they can still be brought back.
    candidates = [each for each in candidates if not each.thread_metadata.get(GONE_AT)]
    rarities = {term: rarity(count, number) for term, count in held.items()}
    usual = sum(each.words.count(" ") + 1 for each in candidates) / max(1, len(candidates))
    scorer = Scorer(wanted, rarities, usual)
    scored = [(scorer.score(each.words), each.seq, each) for each in candidates]
    scored.sort(key=lambda each: (-each[0], -each[1]))
    return [_hit(found, score, there) for score, _, found in scored[:most]]


async def _index_due(database: Database) -> None:
    while True:
        async with database.read() as connection:
            waiting = await message_words.due(connection, BATCH)
        if not waiting:
            return
        texts = [(each.seq, text_of(each.content)) for each in waiting]
        words = await asyncio.to_thread(_analysed, texts)
        async with database.write(durable=False) as connection:
            await message_words.index(connection, words)


def _analysed(texts: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(seq, analysed(text)) for seq, text in texts]


def text_of(content: Sequence[Mapping[str, Any]]) -> str:
    """The text of a message's parts, as it is indexed."""
    texts = (
        part["text"]["value"] if part["type"] == "text" else part.get("refusal", "")
        for part in content
    )
    return "\n\n".join(text for text in texts if text)


def _hit(found: Found, score: float, wanted: Sequence[Term]) -> Hit:
    text = text_of(found.content)
    places = list(_places(text, wanted))
    first = places[0] if places else (0, 0)
    # The stretch begins a little before the first word, at a word's beginning.
    begin = max(0, first[0] - SNIPPET_CHARACTERS // 4)
    begin = 0 if begin == 0 else text.rfind(" ", begin, first[0]) + 1 or begin
    snippet = text[begin : begin + SNIPPET_CHARACTERS]
    marks = [
        (start - begin, min(end - begin, len(snippet)))
        for start, end in places
        if begin <= start < begin + len(snippet)
    ]
    # White space becomes blanks, one for one: the marks stay where they are.
    return Hit(found, score, re.sub(r"\s", " ", snippet), marks, first[0])


def _places(text: str, wanted: Sequence[Term]) -> list[tuple[int, int]]:
    """Where the query's words stand in a text."""
    forms = {form for term in wanted if not term.begins for form in term.forms}
    beginnings = tuple(form for term in wanted if term.begins for form in term.forms)
    known: dict[str, bool] = {}
    found: list[tuple[int, int]] = []
    for word in _WORD.finditer(text):
        written = word.group()
        if written not in known:
            said = {form for term in terms(written) for form in term.forms}
            known[written] = bool(said & forms) or any(
                token.startswith(beginnings) for token in said if beginnings
            )
        if known[written]:
            found.append(word.span())
    return found
