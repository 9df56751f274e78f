"""The words of messages, for a search over all threads.

Like the index of ``chunks.py``: FTS5 over tokens made elsewhere. Triggers note which messages are
new or changed; whoever searches has them indexed first. So an answer costs no analysis while it is
written, and nothing that was ever said is missing from the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.store.tables import messages, threads

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
    """CREATE TRIGGER message_is_gone AFTER DELETE ON messages BEGIN
        DELETE FROM message_words WHERE rowid = old.seq;
        DELETE FROM message_words_due WHERE seq = old.seq;
    END""",
    """INSERT INTO message_words_due SELECT seq FROM messages WHERE status != 'in_progress'""",
)


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose words are not in the index yet."""

    seq: int
    content: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """A message that holds words of a query, with the thread it is in."""

    seq: int
    words: str
    id: str
    thread_id: str
    role: str
    created_at: int
    content: list[dict[str, Any]]
    preview: str
    thread_metadata: dict[str, Any]


_DUE = """
    SELECT messages.seq, messages.content FROM message_words_due AS due
    JOIN messages ON messages.seq = due.seq ORDER BY due.seq DESC LIMIT :most
"""
_RANKED = """
    SELECT found.rowid AS seq, found.words, messages.id, messages.thread_id, messages.role,
        messages.created_at, messages.content, threads.preview,
        threads.metadata AS thread_metadata
    FROM message_words AS found
    CROSS JOIN messages ON messages.seq = found.rowid
    CROSS JOIN threads ON threads.id = messages.thread_id
    WHERE found.message_words MATCH :match
    ORDER BY bm25(message_words) LIMIT :limit
"""


async def due(connection: AsyncConnection, most: int) -> list[Due]:
    """The newest messages that are still to be indexed."""
    statement = text(_DUE).columns(seq=messages.c.seq.type, content=messages.c.content.type)
    return [Due(*row) for row in await connection.execute(statement, {"most": most})]


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
    statement = text(_RANKED).columns(
        content=messages.c.content.type, thread_metadata=threads.c.metadata.type
    )
    rows = await connection.execute(statement, {"match": match, "limit": limit})
    return [Found(**row._mapping) for row in rows]


async def number(connection: AsyncConnection) -> int:
    """How many messages are indexed."""
    return int((await connection.execute(text("SELECT count(*) FROM message_words"))).scalar_one())


async def holders(connection: AsyncConnection, match: str) -> int:
    """In how many messages an FTS5 expression is true."""
    statement = text("SELECT count(*) FROM message_words WHERE message_words MATCH :match")
    return int((await connection.execute(statement, {"match": match})).scalar_one())
