"""From older schemas to this one, step by step, in the one transaction that the caller began.

A step is a function that takes the connection; the number it leads to is its key. A step that has
been released never changes: files out there have been through it. (Alembic would bring 0.3 s of
imports, and a version table beside the one number that SQLite keeps in the file's head.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.store import chunks, message_words
from services.engine.store.tables import model_requests


async def version_of(connection: AsyncConnection) -> int:
    """The file's schema version, 0 when it has no tables yet."""
    return int((await connection.exec_driver_sql("PRAGMA user_version")).scalar_one())


async def set_version(connection: AsyncConnection, version: int) -> None:
    await connection.exec_driver_sql(f"PRAGMA user_version={version}")


async def create_search_tables(connection: AsyncConnection) -> None:
    """What SQLAlchemy cannot describe: the word indexes and what keeps them in step."""
    for statement in (*chunks.SEARCH_TABLES, *message_words.SEARCH_TABLES):
        await connection.exec_driver_sql(statement)


async def migrate(connection: AsyncConnection) -> None:
    """All steps from the file's version on; another process may have taken them meanwhile."""
    before = await version_of(connection)
    for version in sorted(each for each in STEPS if each > before):
        await STEPS[version](connection)
        await set_version(connection, version)


async def _words_and_calls(connection: AsyncConnection) -> None:
    """2: files and messages can be searched; built-in tools remember what the model was told."""
    await connection.exec_driver_sql("ALTER TABLE run_steps ADD COLUMN calls JSON")
    await connection.exec_driver_sql("ALTER TABLE run_steps ADD COLUMN expires_at INTEGER")
    await connection.exec_driver_sql("ALTER TABLE run_steps ADD COLUMN reasoning TEXT")
    await connection.exec_driver_sql("ALTER TABLE chunks ADD COLUMN place JSON")
    await connection.run_sync(model_requests.create)
    # The indexer writes them again, with their words.
    await connection.exec_driver_sql("DELETE FROM chunks")
    await create_search_tables(connection)
    await connection.exec_driver_sql(
        "UPDATE vector_store_files SET status = 'in_progress', usage_bytes = 0 "
        "WHERE status = 'completed'"
    )


STEPS: Mapping[int, Callable[[AsyncConnection], Awaitable[None]]] = {2: _words_and_calls}
