"""The words of messages, for a search over all threads.

Like the index of ``chunks.py``: FTS5 over tokens made elsewhere. Triggers note which messages are
new, changed or gone; whoever searches has them indexed first. So an answer costs no analysis while
it is written, and nothing that was ever said is missing from the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.store.tables import threads

SEARCH_TABLES = (
    """CREATE VIRTUAL TABLE message_words USING fts5(words, tokenize='ascii')""",
    """CREATE TABLE message_words_due (seq INTEGER PRIMARY KEY)""",
    """CREATE TRIGGER message_is_new AFTER INSERT ON messages
        WHEN new.status != 'in_progress' BEGIN
        INSERT OR IGNORE INTO message_words_due VALUES (new.seq);
    END""",
    """CREATE TRIGGER message_is_written AFTER UPDATE OF status ON messages
        WHEN new.status != 'in_progress' BEGIN
        INSERT OR IGNORE INTO message_words_due VALUES (new.seq);
    END""",
    # To take words out costs more than to take the message out: a thread may have very many.
    """CREATE TRIGGER message_is_gone AFTER DELETE ON messages BEGIN
        INSERT OR IGNORE INTO message_words_due VALUES (old.seq);
    END""",
    """INSERT INTO message_words_due SELECT seq FROM messages WHERE status != 'in_progress'""",
)


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose words are not in the index yet, or one that is gone (no content)."""

    seq: int
    content: str | None
    """As JSON."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message that holds words of a query, with the thread it is in."""

    seq: int
    words: str
    id: str
    thread_id: str
    role: str
    created_at: int
    preview: str
    thread_metadata: dict[str, Any]


_DUE = """
    SELECT seq, content FROM (
        SELECT due.seq, messages.content,
            sum(length(messages.content)) OVER (ORDER BY due.seq DESC)
                - length(messages.content) AS before
        FROM (SELECT seq FROM message_words_due ORDER BY seq DESC LIMIT :most) AS due
        LEFT JOIN messages ON messages.seq = due.seq
    ) WHERE coalesce(before, 0) < :characters ORDER BY seq DESC
"""
_RANKED = """
    SELECT found.rowid AS seq, found.words, messages.id, messages.thread_id, messages.role,
        messages.created_at, threads.preview, threads.metadata AS thread_metadata
    FROM message_words AS found
    CROSS JOIN messages ON messages.seq = found.rowid
    CROSS JOIN threads ON threads.id = messages.thread_id
    WHERE found.message_words MATCH :match
    ORDER BY bm25(message_words) LIMIT :limit
"""


async def due(connection: AsyncConnection, most: int, characters: int) -> list[Due]:
    """The newest messages that are still to be indexed, of about so many characters in all."""
    values = {"most": most, "characters": characters}
    return [Due(*row) for row in await connection.execute(text(_DUE), values)]


async def index(connection: AsyncConnection, words: Sequence[tuple[int, str]]) -> None:
    """Sets the words of messages, each as (``seq``, tokens)."""
    rows = [{"seq": seq, "words": tokens} for seq, tokens in words]
    await connection.execute(text("DELETE FROM message_words WHERE rowid = :seq"), rows)
    # One that was deleted meanwhile is not put back.
    await connection.execute(
        text(
            "INSERT INTO message_words(rowid, words) "
            "SELECT seq, :words FROM messages WHERE seq = :seq"
        ),
        rows,
    )
    await connection.execute(text("DELETE FROM message_words_due WHERE seq = :seq"), rows)


async def ranked(connection: AsyncConnection, match: str, limit: int) -> list[Found]:
    """The best messages by FTS5's own bm25, best first."""
    statement = text(_RANKED).columns(thread_metadata=threads.c.metadata.type)
    rows = await connection.execute(statement, {"match": match, "limit": limit})
    return [Found(**row._mapping) for row in rows]


async def content(connection: AsyncConnection, seq: int) -> str | None:
    """A message's content as JSON, None if it is gone."""
    statement = text("SELECT content FROM messages WHERE seq = :seq")
    found: str | None = await connection.scalar(statement, {"seq": seq})
    return found


async def number(connection: AsyncConnection) -> int:
    """How many messages are indexed."""
    return int((await connection.execute(text("SELECT count(*) FROM message_words"))).scalar_one())


async def holders(connection: AsyncConnection, match: str) -> int:
    """In how many messages an FTS5 expression is true."""
    statement = text("SELECT count(*) FROM message_words WHERE message_words MATCH :match")
    return int((await connection.execute(statement, {"match": match})).scalar_one())
