"""Searching the store's passages: which are found, in which order, with which scores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select, text

from services.engine.retrieval import search as searching
from services.engine.retrieval.search import Passage, search
from services.engine.retrieval.words import analysed
from services.engine.schemas.filters import Filter
from services.engine.store import chunks, tables
from services.engine.store.database import Database
from services.engine.store.tables import files, vector_store_files, vector_stores

LANGUAGES = {
    "en": "The committee was discussing proposals about the libraries of both cities.",
    "de": "In den alten Städten sind die Häuser teuer, und die Büchereien schließen früh.",
    "es": "Las canciones que cantaban los niños en la plaza son muy antiguas.",
    "ru": "В старых городах живут известные писатели и художники.",
    "zh": "我们昨天在北京大学的图书馆看书，然后去吃烤鸭。",
    "ar": "زار الطلاب المكتبات الكبيرة في المدينة القديمة.",
}


class Store:
    """A database with vector stores, filled without files on disk."""

    def __init__(self, database: Database):
        self.database = database
        self._stores: set[str] = set()
        self._files: set[str] = set()

    async def put(
        self,
        name: str,
        *texts: str,
        store: str = "vs_1",
        attributes: Mapping[str, Any] | None = None,
    ) -> int:
        """Puts a file of these chunks into a store; the entry's number."""
        made = {"created_at": 0}
        async with self.database.write() as connection:
            if store not in self._stores:
                fields = {"id": store, "last_active_at": 0, "metadata": {}, **made}
                await connection.execute(insert(vector_stores), fields)
                self._stores.add(store)
            if name not in self._files:
                file = {"id": name, "filename": f"{name}.txt", "purpose": "assistants", "bytes": 0}
                await connection.execute(insert(files), {**file, **made})
                self._files.add(name)
            entry: int = (
                await connection.execute(
                    insert(vector_store_files).returning(vector_store_files.c.seq),
                    {
                        "id": name,
                        "vector_store_id": store,
                        "status": "completed",
                        "usage_bytes": 0,
                        "chunking_strategy": {},
                        "attributes": dict(attributes or {}),
                        **made,
                    },
                )
            ).scalar_one()
            await chunks.add(connection, entry, [(each, analysed(each), None) for each in texts])
        return entry

    async def search(
        self,
        *queries: str,
        stores: Sequence[str] = ("vs_1",),
        most: int = 10,
        filters: Mapping[str, Any] | None = None,
        threshold: float = 0.0,
    ) -> list[Passage]:
        wanted = TypeAdapter[Any](Filter).validate_python(filters) if filters else None
        async with self.database.read() as connection:
            return await search(
                connection, stores, queries, most=most, filters=wanted, threshold=threshold
            )

    async def names(self, *queries: str, **options: Any) -> list[str]:
        return [passage.file_id for passage in await self.search(*queries, **options)]

    async def number(self, table: str) -> int:
        async with self.database.read() as connection:
            count: int = await connection.scalar(text(f"SELECT count(*) FROM {table}"))
            return count


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = Database(tmp_path / "store.db")
    await database.open()
    yield Store(database)
    await database.close()


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("Which proposal was discussed?", "en"),
        ("library city", "en"),
        ("Was kostet ein Haus?", "de"),
        ("Stadt", "de"),
        ("¿Qué canción cantó el niño?", "es"),
        ("cancion", "es"),
        ("Какой писатель жил в городе?", "ru"),
        ("художник", "ru"),
        ("北京的图书馆在哪里？", "zh"),
        ("鸭", "zh"),
        ("أين المكتبة؟", "ar"),
        ("طلاب المدينه", "ar"),
    ],
)
async def test_inflected_words_find_their_text_among_six_languages(
    store: Store, query: str, language: str
) -> None:
    for name, each in LANGUAGES.items():
        await store.put(name, each)
    assert (await store.names(query))[0] == language


async def test_a_passage_carries_what_a_result_needs(store: Store) -> None:
    await store.put("report", "First of all.", "Revenue grew fast.", attributes={"year": 2024})
    (found,) = await store.search("revenue")
    assert (found.file_id, found.file_name) == ("report", "report.txt")
    assert (found.vector_store_id, found.attributes) == ("vs_1", {"year": 2024})
    assert found.text == "Revenue grew fast."
    assert found.chunk == 2
    assert 0 < found.score <= 1


async def test_the_passage_with_more_and_rarer_words_stands_first(store: Store) -> None:
    await store.put("one", "The river floods the valley in spring, and the valley is green.")
    await store.put("two", "The zeppelin crossed the valley.")
    await store.put("three", "The mountains lie around the valley of the river.")
    found = await store.search("the zeppelin over the valley")
    assert found[0].file_id == "two"
    assert [passage.score for passage in found] == sorted(
        (passage.score for passage in found), reverse=True
    )


async def test_even_a_single_passage_has_a_telling_score(store: Store) -> None:
    await store.put("only", "Revenue grew fast in the third quarter.")
    (whole,) = await store.search("revenue in the third quarter")
    (half,) = await store.search("revenue and elephants")
    assert whole.score > 0.6
    assert 0.05 < half.score < whole.score
    assert await store.search("elephants") == []


async def test_a_word_that_is_in_every_passage_still_finds(store: Store) -> None:
    for number in range(5):
        await store.put(f"f{number}", f"Revenue of quarter {number}")
    assert len(await store.search("revenue")) == 5


async def test_a_threshold_leaves_out_what_fits_less(store: Store) -> None:
    await store.put("good", "Solar panels on the roof of the school.")
    await store.put("weak", "The school has a garden, a kitchen and a library.")
    everything = await store.search("solar panels on the school roof")
    assert [passage.file_id for passage in everything] == ["good", "weak"]
    between = (everything[0].score + everything[1].score) / 2
    assert await store.names("solar panels on the school roof", threshold=between) == ["good"]
    assert await store.search("solar panels on the school roof", threshold=1.0) == []


async def test_several_queries_are_merged_by_rank(store: Store) -> None:
    await store.put("cats", "Cats sleep for most of the day.")
    await store.put("dogs", "Dogs run for most of the day.")
    await store.put("both", "Cats and dogs, in one house.")
    assert set(await store.names("sleeping cats", "running dogs")) == {"cats", "dogs", "both"}
    found = await store.search("cats", "dogs", "house")
    assert found[0].file_id == "both"
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)


async def test_the_same_query_twice_changes_nothing(store: Store) -> None:
    await store.put("cats", "Cats sleep.")
    await store.put("dogs", "Dogs and cats run.")
    assert await store.search("cats", "cats") == await store.search("cats")


async def test_only_the_asked_stores_are_searched(store: Store) -> None:
    await store.put("mine", "Revenue grew.", store="vs_1")
    await store.put("theirs", "Revenue fell.", store="vs_2")
    assert await store.names("revenue", stores=["vs_1"]) == ["mine"]
    assert await store.names("revenue", stores=["vs_2"]) == ["theirs"]
    assert set(await store.names("revenue", stores=["vs_1", "vs_2"])) == {"mine", "theirs"}
    assert await store.names("revenue", stores=[]) == []
    assert await store.names("revenue", stores=["vs_none"]) == []


async def test_a_file_in_two_searched_stores_is_found_once(store: Store) -> None:
    await store.put("report", "Revenue grew.", store="vs_1")
    await store.put("report", "Revenue grew.", store="vs_2")
    await store.put("copy", "Revenue grew.", store="vs_2")
    found = await store.search("revenue", stores=["vs_2", "vs_1", "vs_2"])
    assert [(each.file_id, each.vector_store_id) for each in found] == [
        ("report", "vs_2"),
        ("copy", "vs_2"),
    ]


async def test_a_narrow_filter_loses_no_result(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 4)
    for number in range(30):
        words = "Revenue " * (30 - number)
        await store.put(f"f{number}", f"{words} and other things", attributes={"n": number})
    late = {"type": "gte", "key": "n", "value": 25}
    found = await store.names("revenue", most=3, filters=late)
    assert len(found) == 3
    assert set(found) < {f"f{number}" for number in range(25, 30)}
    assert len(await store.names("revenue", most=10, filters=late)) == 5
    nothing = {"type": "eq", "key": "n", "value": -1}
    assert await store.names("revenue", filters=nothing) == []


async def test_repeated_passages_do_not_crowd_out_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 4)
    await store.put("log", *["Revenue revenue revenue"] * 50)
    await store.put("report", "There was some revenue in spring.")
    assert await store.names("revenue", most=2) == ["log", "report"]


async def test_in_a_large_index_rare_words_decide(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LARGE", 10)
    for number in range(20):
        await store.put(f"f{number}", f"The report of the year, part {number}")
    await store.put("target", "The zeppelin of the year")
    assert (await store.names("the zeppelin of the year"))[0] == "target"
    assert len(await store.names("the zeppelin of the year", most=1)) == 1
    # Asked for more than have rare words, it gives those with the common ones too.
    assert len(await store.names("the zeppelin of the year", most=50)) == 21
    assert len(await store.names("the report of the year", most=50)) == 21


@pytest.mark.parametrize(
    "query", ["", "   ", "?!", '"', "a AND (b", "NEAR(", "*", "Þ1", "\x00", "\ud800", "x " * 50_000]
)
async def test_no_query_is_an_error(store: Store, query: str) -> None:
    await store.put("report", "Revenue grew.")
    assert await store.search(query) == []
    assert await store.names(query, "revenue") == ["report"]


async def test_an_empty_engine_finds_nothing(store: Store) -> None:
    assert await store.search("anything") == []


async def test_chunks_replace_those_before_them_and_keep_their_order(store: Store) -> None:
    entry = await store.put("report", "One apple.", "Two pears.")
    async with store.database.write() as connection:
        await chunks.add(connection, entry, [(each, analysed(each), None) for each in "bac"])
    async with store.database.read() as connection:
        assert await chunks.texts(connection, entry) == ["b", "a", "c"]
    assert await store.search("apple pears") == []
    assert await store.number("chunk_words") == 3


async def test_what_is_written_together_is_undone_together(store: Store) -> None:
    entry = await store.put("report", "One apple.")

    async def write_and_fail() -> None:
        async with store.database.write() as connection:
            await chunks.add(connection, entry, [("Two pears.", analysed("Two pears."), None)])
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    assert await store.names("apple") == ["report"]
    assert await store.names("pears") == []


@pytest.mark.parametrize("gone", [vector_stores, vector_store_files])
async def test_words_go_with_what_held_them(store: Store, gone: Any) -> None:
    """Deleting a store or one of its files cascades to chunks, and from there to their words."""
    await store.put("report", "One apple.", "Two pears.")
    async with store.database.write() as connection:
        await connection.execute(delete(gone))
        assert (await connection.execute(select(tables.chunks))).all() == []
        # FTS5 compares the words with what it has indexed, and raises if they differ.
        await connection.execute(
            text("INSERT INTO chunk_words(chunk_words) VALUES ('integrity-check')")
        )
    assert await store.number("chunk_words") == 0
    assert await store.search("apple") == []
