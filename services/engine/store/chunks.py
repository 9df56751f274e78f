"""The pieces of a vector store's files, and the index of their words.

The index is SQLite's FTS5 over tokens made elsewhere: its own tokenizer only splits at blanks. It
holds one row a chunk, in the transaction that writes the chunk; a trigger takes the row out again,
however the chunk goes. The second column names the store, for a search in some stores only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.store.tables import chunks, vector_store_files, vector_stores

entries = vector_store_files
# ``ascii``: every character beyond ASCII is part of a token. Ranking needs ``detail=full``, which
# is the default.
SEARCH_TABLES = (
    """CREATE VIRTUAL TABLE chunk_words USING fts5(words, store, tokenize='ascii')""",
    # Gathers four times more than by default before it writes: fewer pieces to merge later.
    """INSERT INTO chunk_words(chunk_words, rank) VALUES ('hashsize', 4194304)""",
    """CREATE TRIGGER chunk_is_gone AFTER DELETE ON chunks BEGIN
        DELETE FROM chunk_words WHERE rowid = old.seq;
    END""",
)
# No text has a capital in its tokens, so no word is taken for a store.
STORE = "Þ"
Piece = tuple[str, str, Mapping[str, Any] | None]
"""A chunk's text, that text's tokens, and where in its file it begins."""


def store_token(number: int) -> str:
    return f"{STORE}{number}"


async def add(connection: AsyncConnection, entry: int, pieces: Sequence[Piece]) -> None:
    """Sets the chunks of a store's file; replaces what was there."""
    await connection.execute(delete(chunks).where(chunks.c.entry == entry))
    await append(connection, entry, pieces)


async def append(connection: AsyncConnection, entry: int, pieces: Sequence[Piece]) -> None:
    """Adds chunks behind those that are there."""
    if not pieces:
        return
    last = await connection.scalar(select(func.max(chunks.c.seq)).where(chunks.c.entry == entry))
    rows = [{"entry": entry, "text": piece, "place": place} for piece, _, place in pieces]
    await connection.execute(insert(chunks), rows)
    numbers = await connection.scalars(
        select(chunks.c.seq)
        .where(chunks.c.entry == entry, chunks.c.seq > (last or 0))
        .order_by(chunks.c.seq)
    )
    store = await connection.scalar(
        select(vector_stores.c.seq)
        .join(entries, entries.c.vector_store_id == vector_stores.c.id)
        .where(entries.c.seq == entry)
    )
    await connection.execute(
        text("INSERT INTO chunk_words(rowid, words, store) VALUES (:seq, :words, :store)"),
        [
            {"seq": seq, "words": words, "store": store_token(store or 0)}
            for seq, (_, words, _) in zip(numbers, pieces, strict=True)
        ],
    )


async def fit(connection: AsyncConnection, which: ColumnElement[bool], most: int) -> bool:
    """Whether these entries have no more chunks than ``most``."""
    some = (
        select(chunks.c.seq)
        .join(entries, entries.c.seq == chunks.c.entry)
        .where(which)
        .limit(most + 1)
        .subquery()
    )
    there = await connection.scalar(select(func.count()).select_from(some))
    return (there or 0) <= most


async def clear(connection: AsyncConnection, which: ColumnElement[bool], most: int) -> int:
    """Takes ``most`` chunks out of these entries, if they have so many; how many it took."""
    some = (
        select(chunks.c.seq).join(entries, entries.c.seq == chunks.c.entry).where(which).limit(most)
    )
    cleared = await connection.execute(delete(chunks).where(chunks.c.seq.in_(some)))
    return cleared.rowcount


async def texts(connection: AsyncConnection, entry: int) -> list[str]:
    """The texts of a store's file, in order."""
    statement = select(chunks.c.text).where(chunks.c.entry == entry).order_by(chunks.c.seq)
    return list(await connection.scalars(statement))


async def texts_behind(
    connection: AsyncConnection, entry: int, last: int, most: int
) -> list[tuple[int, str]]:
    """The next texts of a store's file, with their numbers, behind the one numbered ``last``."""
    statement = (
        select(chunks.c.seq, chunks.c.text)
        .where(chunks.c.entry == entry, chunks.c.seq > last)
        .order_by(chunks.c.seq)
        .limit(most)
    )
    return [(row.seq, row.text) for row in await connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that holds some word of a query."""

    seq: int
    words: str
    """Its tokens, as they were added."""
    text: str
    place: dict[str, Any] | None
    """Where in the file it begins, as ``retrieval/blocks.py`` says places."""
    file_id: str
    file_name: str
    vector_store_id: str
    attributes: dict[str, Any]


# Chosen in a query of its own, for else every match would be joined before the best are known;
# ``+rowid``, for else SQLite would put the whole question for each chunk of those entries.
_BEST = """
    SELECT rowid AS seq, bm25(chunk_words, 1.0, 0.0) AS far FROM chunk_words
    WHERE chunk_words MATCH :match {among} ORDER BY far LIMIT :limit
"""
_AMONG = """
    AND +rowid IN (
        SELECT seq FROM chunks WHERE entry IN (SELECT value FROM json_each(:entries))
    )
"""
_RANKED = """
    WITH best AS MATERIALIZED ({best})
    SELECT best.seq, held.words, chunks.text, chunks.place, entries.id AS file_id,
        entries.vector_store_id, entries.attributes, files.filename AS file_name
    FROM best
    CROSS JOIN chunk_words AS held ON held.rowid = best.seq
    CROSS JOIN chunks ON chunks.seq = best.seq
    CROSS JOIN vector_store_files AS entries ON entries.seq = chunks.entry
    CROSS JOIN files ON files.id = entries.id
    -- A large file comes slice by slice: it is found whole or not at all.
    WHERE entries.status = 'completed'
    ORDER BY best.far
"""


async def ranked(
    connection: AsyncConnection,
    store_ids: Sequence[str],
    match: str,
    limit: int,
    *,
    only: Collection[int] | None = None,
) -> list[Candidate]:
    """The best chunks of these stores by FTS5's own bm25, best first.

    ``match`` is an FTS5 expression; ``only`` limits the chunks to those of these entries (their
    ``seq``) before they are counted towards ``limit``.
    """
    found = await connection.scalars(
        select(vector_stores.c.seq).where(vector_stores.c.id.in_(store_ids))
    )
    stores = " OR ".join(f'"{store_token(number)}"' for number in found)
    if not stores:
        return []
    values: dict[str, Any] = {"match": f"({stores}) AND ({match})", "limit": limit}
    if only is not None:
        values["entries"] = json.dumps(sorted(only))
    best = _BEST.format(among="" if only is None else _AMONG)
    statement = text(_RANKED.format(best=best)).columns(
        attributes=entries.c.attributes.type, place=chunks.c.place.type
    )
    rows = await connection.execute(statement, values)
    return [Candidate(**row._mapping) for row in rows]


async def entries_of(
    connection: AsyncConnection, store_ids: Sequence[str]
) -> list[tuple[int, dict[str, Any]]]:
    """Every file of these stores: its entry's ``seq`` and its attributes."""
    rows = await connection.execute(
        select(entries.c.seq, entries.c.attributes).where(entries.c.vector_store_id.in_(store_ids))
    )
    return [(row.seq, row.attributes) for row in rows]


async def number(connection: AsyncConnection) -> int:
    """How many chunks there are, of all stores."""
    return await connection.scalar(select(func.count()).select_from(chunks)) or 0


_COUNTS = text("""
    SELECT (
        SELECT count(*) FROM (
            SELECT 1 FROM chunk_words WHERE chunk_words MATCH asked.value LIMIT :enough
        )
    ) FROM json_each(:matches) AS asked ORDER BY asked.key
""")


async def counts(connection: AsyncConnection, matches: Sequence[str], enough: int) -> list[int]:
    """How many chunks fit each FTS5 expression; none is counted further than ``enough``."""
    values = {"matches": json.dumps(list(matches)), "enough": enough}
    return list(await connection.scalars(_COUNTS, values))
