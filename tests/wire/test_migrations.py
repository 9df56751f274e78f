"""Folders of older versions: brought up to date at the start, with nothing lost.

``stores/schema-N.sql`` is what a release of that schema wrote: an assistant, a thread with a run
that called a function, and a vector store with one indexed file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from services.engine.engine import open_engine
from services.engine.settings import EngineSettings
from services.engine.store.database import Database, StoreError
from services.engine.store.tables import SCHEMA_VERSION
from tests.wire.conftest import Wire, open_wire

STORES = Path(__file__).parent / "stores"
VERSIONS = [int(file.stem.rpartition("-")[2]) for file in STORES.glob("schema-*.sql")]
FILE_ID = "file-nSgndbpiPFlksWgr0zPFG9"


def folder_of(version: int, folder: Path) -> Path:
    (folder / "files").mkdir(parents=True)
    (folder / "files" / FILE_ID).write_bytes(b"Cats sleep for most of the day.")
    connection = sqlite3.connect(folder / "understudy.db")
    connection.executescript((STORES / f"schema-{version}.sql").read_text())
    connection.close()
    return folder


def tables_of(file: Path) -> list[tuple[str, str]]:
    """Every table's columns, in whatever order they were added."""
    connection = sqlite3.connect(file)
    try:
        return sorted(
            (table, column[1])
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            for column in connection.execute(f"PRAGMA table_info({table})")
        )
    finally:
        connection.close()


def test_every_older_schema_has_a_folder_here() -> None:
    assert sorted(VERSIONS) == list(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_an_older_version_stored_is_all_there(tmp_path: Path, version: int) -> None:
    async with open_wire(folder_of(version, tmp_path / "data")) as wire:
        beta = wire.client.beta
        (assistant,) = (await beta.assistants.list()).data
        assert (assistant.name, len(assistant.tools)) == ("Old hand", 1)
        thread_id = await only_thread(wire)
        newest, oldest = (await beta.threads.messages.list(thread_id)).data
        assert [part.type for part in oldest.content] == ["text"]
        assert newest.run_id is not None
        steps = (await beta.threads.runs.steps.list(newest.run_id, thread_id=thread_id)).data
        assert [step.type for step in steps] == ["message_creation", "tool_calls"]
        run = await beta.threads.runs.create_and_poll(
            thread_id=thread_id, assistant_id=assistant.id, poll_interval_ms=10
        )
        assert run.status == "completed"


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_was_indexed_is_found(tmp_path: Path, version: int) -> None:
    async with open_wire(folder_of(version, tmp_path / "data")) as wire:
        (store,) = (await wire.client.vector_stores.list()).data
        entry = await wire.client.vector_stores.files.poll(FILE_ID, vector_store_id=store.id)
        assert entry.status == "completed"
        found = await wire.client.vector_stores.search(store.id, query="sleeping cats")
        assert [result.filename for result in found.data] == ["pets.md"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_tables_are_those_of_a_new_folder(tmp_path: Path, version: int) -> None:
    old = folder_of(version, tmp_path / "old") / "understudy.db"
    new = tmp_path / "new.db"
    for path in (old, new):
        database = Database(path)
        await database.open()
        await database.close()
    assert tables_of(old) == tables_of(new)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_file_as_it_was_is_kept(tmp_path: Path, version: int) -> None:
    folder = folder_of(version, tmp_path / "data")
    before = tables_of(folder / "understudy.db")
    engine = await open_engine(EngineSettings(folder))
    await engine.close()
    copy = folder / f"understudy.db.schema-{version}"
    assert tables_of(copy) == before
    assert copy.stat().st_mode & 0o077 == 0


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = folder_of(1, tmp_path / "data") / "understudy.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE chunk_words (here INTEGER)")  # stands in the step's way
    connection.close()
    before = tables_of(path)
    database = Database(path)
    with pytest.raises(StoreError, match=r"schema 1\) and could not be brought up to date"):
        await database.open()
    await database.close()
    assert tables_of(path) == before


async def only_thread(wire: Wire) -> str:
    listed = (await wire.raw("GET", "/threads")).json()["data"]
    assert len(listed) == 1
    return str(listed[0]["id"])


# --- neighbours, full disks -----------------------------------------------------------------------


async def test_engines_that_start_at_once_migrate_once_and_keep_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(1, tmp_path / "data")
    before = tables_of(folder / "understudy.db")
    databases = [Database(folder / "understudy.db") for _ in range(4)]
    await asyncio.gather(*(database.open() for database in databases))
    for database in databases:
        await database.close()
    assert tables_of(folder / "understudy.db.schema-1") == before
    assert sorted(path.name for path in folder.glob("understudy.db.*")) == [
        "understudy.db.schema-1"
    ]


async def test_one_that_looked_before_a_neighbour_migrated_keeps_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(1, tmp_path / "data")
    path = folder / "understudy.db"
    before = tables_of(path)
    late = Database(path)
    first = Database(path)
    await first.open()
    await first.close()
    monkeypatch.setattr("services.engine.store.database._schema_version", lambda _: 1)
    await late.open()
    await late.close()
    assert tables_of(folder / "understudy.db.schema-1") == before


async def test_a_copy_that_cannot_be_made_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(1, tmp_path / "data")
    before = tables_of(folder / "understudy.db")

    class Full(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **_: object) -> None:
            target.execute("CREATE TABLE half (here)")
            raise sqlite3.OperationalError("database or disk is full")

    plain = sqlite3.connect

    def connect(*given: Any, **more: Any) -> sqlite3.Connection:
        return plain(*given, **{"factory": Full, **more})

    database = Database(folder / "understudy.db")
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        with pytest.raises(StoreError, match="disk is full"):
            await database.open()
    await database.close()
    assert list(folder.glob("*schema-1*")) == []
    assert tables_of(folder / "understudy.db") == before


async def test_a_neighbour_that_migrates_for_long_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.store.database.BUSY_TIMEOUT_MS", 20)
    path = folder_of(1, tmp_path / "data") / "understudy.db"
    neighbour = sqlite3.connect(path, isolation_level=None)
    neighbour.execute("BEGIN IMMEDIATE")
    database = Database(path)
    opening = asyncio.create_task(database.open())
    await asyncio.sleep(0.1)
    assert not opening.done()
    neighbour.execute("COMMIT")
    neighbour.close()
    async with asyncio.timeout(10):
        await opening
    await database.close()
