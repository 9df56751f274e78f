"""How well and how fast words find: ``python -m tests.benchmarks.retrieval FOLDER [CHUNKS ...]``.

FOLDER holds collections, one a folder: ``corpus.jsonl`` (``_id``, ``text``), ``queries.jsonl``
(``_id``, ``text``) and ``qrels.tsv`` (query, passage, 1). Every passage is a file of its own, its
title left out. Printed for each: nDCG@10 and recall@20 of SQLite's FTS5 as it comes (``unicode61``)
and of the engine's search, over the same texts in one run, and the ratio of the first.

For each number of CHUNKS, made of the collection's sentences: the speed of analysing, indexing and
searching them, and the ratios to FTS5 alone (``porter unicode61``, all words of the query).
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from services.engine.retrieval.search import search
from services.engine.retrieval.words import analysed
from services.engine.store import chunks
from services.engine.store.database import Database
from services.engine.store.tables import files, vector_store_files, vector_stores

DEPTH = 20
CHUNK = 3200  # characters
A_FILE = 100  # chunks
PLAIN_QUERY = "SELECT id FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?"
MADE = {"created_at": 0}
STORE = {"id": "vs_1", "last_active_at": 0, "metadata": {}}

Ranking = list[str]


@dataclass(frozen=True)
class Collection:
    texts: dict[str, str]
    queries: dict[str, str]
    right: dict[str, set[str]]


def load(folder: Path) -> Collection:
    texts = {row["_id"]: row["text"] for row in _lines(folder / "corpus.jsonl")}
    queries = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl")}
    right: dict[str, set[str]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, passage, _ = line.split("\t")
        right.setdefault(query, set()).add(passage)
    return Collection(texts, queries, right)


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def quality(collection: Collection, rankings: dict[str, Ranking]) -> tuple[float, float]:
    """nDCG@10 and recall@20, means over the queries."""
    gains, recalls = [], []
    for query, right in collection.right.items():
        ranking = rankings[query]
        gain = sum(1 / math.log2(at + 2) for at, each in enumerate(ranking[:10]) if each in right)
        gains.append(gain / sum(1 / math.log2(at + 2) for at in range(min(10, len(right)))))
        recalls.append(len(right & set(ranking[:DEPTH])) / len(right))
    return statistics.mean(gains), statistics.mean(recalls)


def plain(collection: Collection) -> dict[str, Ranking]:
    """FTS5 with its own tokenizer, the words of a query joined by OR."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE VIRTUAL TABLE t USING fts5(id UNINDEXED, text)")
        database.executemany("INSERT INTO t VALUES (?, ?)", collection.texts.items())
        return {
            query: [row[0] for row in database.execute(PLAIN_QUERY, (any_word(text), DEPTH))]
            for query, text in collection.queries.items()
        }


def any_word(text: str) -> str:
    return " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))


async def fill(database: Database, texts: Mapping[str, Sequence[str]]) -> float:
    """One store with a file for each key, its texts the chunks; the seconds that indexing took."""
    async with database.write() as connection:
        await connection.execute(insert(vector_stores), {**STORE, **MADE})
        for seq, name in enumerate(texts, start=1):
            file = {"id": name, "filename": f"{name}.txt", "purpose": "assistants", "bytes": 0}
            await connection.execute(insert(files), {**MADE, **file})
            entry = {"seq": seq, "id": name, "vector_store_id": "vs_1", "status": "completed"}
            rest = {"usage_bytes": 0, "chunking_strategy": {}, "attributes": {}}
            await connection.execute(insert(vector_store_files), {**MADE, **entry, **rest})
    began = time.perf_counter()
    async with database.write() as connection:
        for seq, each in enumerate(texts.values(), start=1):
            await chunks.add(connection, seq, [(text, analysed(text), None) for text in each])
    return time.perf_counter() - began


@asynccontextmanager
async def opened() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "store.db")
        await database.open()
        try:
            yield database
        finally:
            await database.close()


async def ours(collection: Collection) -> dict[str, Ranking]:
    rankings = {}
    async with opened() as database:
        await fill(database, {name: [text] for name, text in collection.texts.items()})
        async with database.read() as connection:
            for query, text in collection.queries.items():
                found = await search(connection, ["vs_1"], [text], most=DEPTH)
                rankings[query] = [passage.file_id for passage in found]
    return rankings


async def speed(collection: Collection, number: int) -> None:
    """``number`` full chunks of the collection's sentences: every common word is in each chunk."""
    chance = random.Random(number)
    sentences = [
        sentence
        for text in collection.texts.values()
        for sentence in re.split(r"(?<=[.!?。])\s*", text)
        if sentence
    ]
    texts = []
    for _ in range(number):
        text = ""
        while len(text) < CHUNK:
            text += f"{chance.choice(sentences)} "
        texts.append(text)
    questions = chance.sample(list(collection.queries.values()), 50)
    with tempfile.TemporaryDirectory() as folder:
        plainly = sqlite3.connect(Path(folder) / "plain.db")
        plainly.execute("PRAGMA journal_mode=WAL")
        plainly.execute(
            "CREATE VIRTUAL TABLE t USING fts5(id UNINDEXED, text, tokenize='porter unicode61')"
        )
        began = time.perf_counter()
        with plainly:
            plainly.executemany("INSERT INTO t VALUES (?, ?)", enumerate(texts))
        raw = time.perf_counter() - began
        before = []
        for question in questions:
            began = time.perf_counter()
            plainly.execute(PLAIN_QUERY, (any_word(question), DEPTH)).fetchall()
            before.append(time.perf_counter() - began)
        plainly.close()
    began = time.perf_counter()
    for text in texts:
        analysed(text)
    analysis = time.perf_counter() - began
    after = []
    async with opened() as database:
        parts = {f"file-{at}": texts[at : at + A_FILE] for at in range(0, number, A_FILE)}
        indexing = await fill(database, parts)
        async with database.read() as connection:
            for question in questions:
                began = time.perf_counter()
                await search(connection, ["vs_1"], [question], most=DEPTH)
                after.append(time.perf_counter() - began)
    size = sum(len(text.encode()) for text in texts) / 1e6
    here, there = statistics.median(after), statistics.median(before)
    print(
        f"{number} chunks, {size:.1f} MB: analysed {size / analysis:.1f} MB/s; indexed with "
        f"analysis {size / indexing:.1f} MB/s, {raw / indexing:.2f} times FTS5; a query "
        f"{here * 1e3:.1f} ms (p95 {sorted(after)[-3] * 1e3:.1f}), {here / there:.2f} times FTS5"
    )


async def main(collections: Mapping[str, Collection], sizes: Sequence[int]) -> None:
    print(f"{'nDCG@10 recall@20':18} {'FTS5':>13} {'engine':>15} {'ratio':>7}")
    for name, collection in collections.items():
        before = quality(collection, plain(collection))
        after = quality(collection, await ours(collection))
        print(
            f"{name:16} {before[0]:7.3f} {before[1]:7.3f} {after[0]:7.3f} {after[1]:7.3f} "
            f"{after[0] / before[0]:7.2f}"
        )
    for name, collection in collections.items():
        for size in sizes:
            print(end=f"{name} ")
            await speed(collection, size)


if __name__ == "__main__":
    found = {each.name: load(each) for each in sorted(Path(sys.argv[1]).iterdir()) if each.is_dir()}
    asyncio.run(main(found, [int(size) for size in sys.argv[2:]]))
