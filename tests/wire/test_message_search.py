"""Searching what was said, in every thread: beyond the hosted API."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from services.engine.retrieval.words import analysed
from services.engine.store import message_words
from tests.waiting import longest_pause
from tests.wire.conftest import Wire, open_wire
from tests.wire.scripted import says
from tests.wire.test_store_failures import limit_pages


async def found(wire: Wire, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = await wire.raw("GET", "/threads/search", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["data"]
    return results


async def test_a_message_is_found_by_other_forms_of_its_words(wire: Wire) -> None:
    thread = await wire.thread("The cats were sleeping on the sofa.", "Nothing of that here.")
    (hit,) = await found(wire, "sleep cat")
    assert (hit["thread_id"], hit["role"]) == (thread.id, "user")
    marked = [hit["snippet"][start:end] for start, end in hit["marks"]]
    assert marked == ["cats", "sleeping"]
    assert 0 < hit["score"] <= 1


async def test_questions_and_answers_of_all_threads_are_found(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("A walrus has tusks.")) as wire:
        assistant = await wire.assistant()
        first, second = await wire.thread("What has tusks?"), await wire.thread("My walrus.")
        await wire.client.beta.threads.runs.create_and_poll(
            thread_id=first.id, assistant_id=assistant.id, poll_interval_ms=10
        )
        hits = await found(wire, "walrus")
        assert {(hit["thread_id"], hit["role"]) for hit in hits} == {
            (first.id, "assistant"),
            (second.id, "user"),
        }


async def test_the_message_that_holds_more_of_the_words_comes_first(wire: Wire) -> None:
    await wire.thread("Rivers are long.", "Long green rivers.", "Green things.")
    hits = await found(wire, "long green rivers")
    assert hits[0]["snippet"] == "Long green rivers."
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("Die Häuser stehen am Fluss und sind sehr alt.", "haus"),
        ("Las canciones antiguas", "canción"),
        ("Старые книги на полке", "книга"),
        ("今天天气很好", "天气"),
        ("日本語の文章です", "日本"),
    ],
)
async def test_languages_are_found_in_their_own_ways(wire: Wire, said: str, query: str) -> None:
    await wire.thread(said, "Something else altogether")
    (hit,) = await found(wire, query)
    assert hit["snippet"] == said


async def test_what_is_deleted_is_not_found_any_more(wire: Wire) -> None:
    thread = await wire.thread("An ostrich.", "Another ostrich.")
    first, second = await found(wire, "ostrich")
    await wire.client.beta.threads.messages.delete(first["message_id"], thread_id=thread.id)
    (left,) = await found(wire, "ostrich")
    assert left["message_id"] == second["message_id"]
    await wire.client.beta.threads.delete(thread.id)
    assert await found(wire, "ostrich") == []


async def test_a_long_message_shows_the_place_of_the_words(wire: Wire) -> None:
    long = "filler text " * 400 + "then a pangolin appears " + "and more text " * 400
    await wire.thread(long)
    (hit,) = await found(wire, "pangolin")
    ((start, end),) = hit["marks"]
    assert hit["snippet"][start:end] == "pangolin"
    assert long[hit["start"] :].startswith("pangolin")
    assert len(hit["snippet"]) <= 240


@pytest.mark.parametrize("query", ['"', "NEAR(", "* OR *", "a" * 5000, "\x00", "-", "words: x"])
async def test_no_query_is_an_error(wire: Wire, query: str) -> None:
    await wire.thread("Plain words.")
    await found(wire, query)


async def test_without_a_query_the_request_is_refused(wire: Wire) -> None:
    answer = await wire.raw("GET", "/threads/search")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "query"


async def test_limit_bounds_the_results(wire: Wire) -> None:
    await wire.thread(*(f"Otter number {number}" for number in range(7)))
    assert len(await found(wire, "otter", limit=3)) == 3


async def test_two_searches_at_once_both_find_what_neither_had_indexed(wire: Wire) -> None:
    await wire.thread(*(f"Heron {number}" for number in range(40)))
    for hits in await asyncio.gather(*(found(wire, "heron", limit=100) for _ in range(4))):
        assert len(hits) == 40


async def test_a_full_disk_does_not_keep_anybody_from_searching(wire: Wire) -> None:
    await wire.thread("A stork.")
    assert len(await found(wire, "stork")) == 1
    await wire.thread("Another stork. " * 500)
    await limit_pages(wire.engine.database, more=0)
    assert len(await found(wire, "stork")) == 1
    await limit_pages(wire.engine.database, more=10_000)
    assert len(await found(wire, "stork")) == 2


async def test_long_messages_hold_up_nobody(wire: Wire) -> None:
    """Neither while they are indexed, nor while the place of the words is looked for."""
    odd = " ".join(f"x{uuid.uuid4()}" for _ in range(4_000))
    thread = await wire.thread(*(f"{odd} zebra {number}" for number in range(4)))
    for _ in range(2):
        async with longest_pause() as pause:
            hits = await found(wire, "zebra", limit=100)
        assert {hit["thread_id"] for hit in hits} == {thread.id}
        assert all(hit["snippet"][slice(*hit["marks"][0])] == "zebra" for hit in hits)
        assert pause() < 0.3


async def test_searches_at_once_index_what_is_new_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wire.thread("An okapi.")
    made: list[str] = []

    def counting(text: str) -> str:
        made.append(text)
        return analysed(text)

    monkeypatch.setattr("services.engine.retrieval.message_search.analysed", counting)
    answers = await asyncio.gather(*(found(wire, "okapi") for _ in range(5)))
    assert [len(each) for each in answers] == [1] * 5
    assert made == ["An okapi."]


async def test_words_of_deleted_messages_leave_the_index(wire: Wire) -> None:
    thread = await wire.thread("A quagga.", "Another quagga.")
    assert len(await found(wire, "quagga")) == 2
    await wire.client.beta.threads.delete(thread.id)
    assert await found(wire, "quagga") == []
    async with wire.engine.database.read() as connection:
        assert await message_words.number(connection) == 0


async def test_the_markers_of_citations_are_not_shown(wire: Wire) -> None:
    await wire.thread("A crane 【4:0†source】 and another crane 【4:1†source】 stood there.")
    (hit,) = await found(wire, "crane stood")
    assert hit["snippet"] == "A crane and another crane stood there."
    marked = [hit["snippet"][start:end] for start, end in hit["marks"]]
    assert marked == ["crane", "crane", "stood"]
