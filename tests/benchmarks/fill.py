"""Stores full of rows, written past the wire: through it, a large one would take hours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Table, insert

from services.engine.store.database import Database
from services.engine.store.tables import assistants, messages, runs, threads

AT_ONCE = 5000


async def fill(
    home: Path, *, assistants_: int = 0, threads_: Sequence[int] = (), with_runs: bool = False
) -> None:
    """Puts a store into the folder ``home``: a thread for each number of messages.

    Ids are ``asst_0``, ``thread_0``, ``msg_0`` and so on. ``with_runs`` gives every message a
    completed run.
    """
    folder = home / "data"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    database = Database(folder / "understudy.db")
    await database.open()
    try:
        await _rows(database, assistants, [_assistant(each) for each in range(assistants_)])
        await _rows(database, threads, [_thread(each) for each in range(len(threads_))])
        entries = [
            _message(thread, message)
            for thread, count in enumerate(threads_)
            for message in range(count)
        ]
        for number, entry in enumerate(entries):
            entry["id"] = f"msg_{number}"
        await _rows(database, messages, entries)
        if with_runs:
            await _rows(database, runs, [_run(entry) for entry in entries])
    finally:
        await database.close()


async def _rows(database: Database, table: Table, rows: list[dict[str, object]]) -> None:
    for first in range(0, len(rows), AT_ONCE):
        async with database.write() as connection:
            await connection.execute(insert(table), rows[first : first + AT_ONCE])


def _assistant(number: int) -> dict[str, object]:
    return {
        "id": f"asst_{number}",
        "created_at": 1_700_000_000 + number,
        "name": f"Assistant {number}",
        "description": "Answers questions about one subject.",
        "model": "gpt-4o",
        "instructions": "You answer briefly, and say so when you do not know.",
        "tools": [{"type": "file_search"}],
        "tool_resources": {},
        "metadata": {"team": "bench", "number": str(number)},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
    }


def _thread(number: int) -> dict[str, object]:
    return {
        "id": f"thread_{number}",
        "created_at": 1_700_000_000 + number,
        "activity": number + 1,
        "active_at": 1_700_000_000 + number,
        "preview": f"Question {number}",
        "tool_resources": {},
        "metadata": {"team": "bench"},
    }


def _message(thread: int, number: int) -> dict[str, object]:
    value = f"Line {number} of thread {thread}. It is as long as many messages are. " * 3
    return {
        "thread_id": f"thread_{thread}",
        "created_at": 1_700_000_000 + number,
        "completed_at": 1_700_000_000 + number,
        "role": "assistant" if number % 2 else "user",
        "status": "completed",
        "content": [{"type": "text", "text": {"value": value, "annotations": []}}],
        "attachments": [],
        "metadata": {},
    }


def _run(message: dict[str, object]) -> dict[str, object]:
    return {
        "id": str(message["id"]).replace("msg_", "run_"),
        "thread_id": message["thread_id"],
        "assistant_id": "asst_0",
        "status": "completed",
        "owner": "1-gone",
        "created_at": message["created_at"],
        "model": "bench",
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "parallel_tool_calls": True,
    }
