"""Markers in an answer: which become citations, and what a citation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.waiting import longest_pause
from tests.wire.conftest import open_wire
from tests.wire.scripted import says
from tests.wire.test_file_search import BOATS, CATS, asks, newest, ran, searching, told


@pytest.mark.parametrize(
    "pieces",
    [
        ["All day 【0:0†source】, they say."],
        ["All day ", "【0:0†sou", "rce】", ", they say."],
        [*"All day 【0:0†source】, they say."],
    ],
)
async def test_a_marker_becomes_a_citation_however_it_is_split(
    tmp_path: Path, pieces: list[str]
) -> None:
    async with open_wire(tmp_path, asks("sleeping cats"), says(*pieces)) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        deltas: list[Any] = []
        async with wire.client.beta.threads.runs.stream(
            thread_id=thread_id, assistant_id=assistant_id
        ) as stream:
            async for event in stream:
                if event.event == "thread.message.delta":
                    deltas += event.data.delta.content or []
        (part,) = (await newest(wire, thread_id)).content
        assert part.type == "text"
        assert part.text.value == "All day 【0:0†source】, they say."
        (made,) = part.text.annotations
        assert made.type == "file_citation"
        (file,) = (await wire.client.files.list()).data
        assert made.file_citation.file_id == file.id
        assert (made.start_index, made.end_index) == (8, 20)
        assert part.text.value[made.start_index : made.end_index] == made.text
        # One delta has the whole marker and its annotation; the texts add up.
        (cited,) = [delta.text for delta in deltas if delta.text.annotations]
        assert cited.value == cited.annotations[0].text == made.text
        assert "".join(delta.text.value for delta in deltas) == part.text.value


@pytest.mark.parametrize(
    "text",
    [
        "See 【7:0†source】.",
        "See 【0:9†source】.",
        "Open 【0:0†sour",
        "【",
        "A 【0:0】 b",
        "【【0:0†x】",
    ],
)
async def test_a_marker_that_stands_for_nothing_stays_text(tmp_path: Path, text: str) -> None:
    async with open_wire(tmp_path, asks("sleeping cats"), says(*text)) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        assert (await ran(wire, assistant_id, thread_id)).status == "completed"
        (part,) = (await newest(wire, thread_id)).content
        assert part.type == "text"
        assert (part.text.value, part.text.annotations) == (text, [])


async def test_markers_count_on_through_the_thread_and_old_ones_stay_true(tmp_path: Path) -> None:
    scripts = (
        asks("sleeping cats"),
        says("First 【0:0†source】."),
        asks("floating boats"),
        says("Then 【1:0†source】, and 【0:0†source】 as before."),
    )
    async with open_wire(tmp_path, *scripts) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS), ("boats.md", BOATS))
        await ran(wire, assistant_id, thread_id)
        await wire.client.beta.threads.messages.create(thread_id, role="user", content="Boats?")
        await ran(wire, assistant_id, thread_id)
        assert told(wire.model.requests[3]).startswith("【1:0†source】 boats.md")
        names = {file.id: file.filename for file in (await wire.client.files.list()).data}
        (part,) = (await newest(wire, thread_id)).content
        assert part.type == "text"
        cited = [(each.text, names[each.file_citation.file_id]) for each in part.text.annotations]  # type: ignore[union-attr]  # both are file_citation
        assert cited == [("【1:0†source】", "boats.md"), ("【0:0†source】", "cats.md")]


async def test_a_flood_of_markers_is_cited_whole_and_holds_up_nobody(tmp_path: Path) -> None:
    flood = "All day【0:0†source】. " * 5_000
    async with open_wire(tmp_path, asks("sleeping cats"), says(flood)) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        async with longest_pause() as pause:
            run = await ran(wire, assistant_id, thread_id)
        assert run.status == "completed"
        (part,) = (await newest(wire, thread_id)).content
        assert part.type == "text"
        assert part.text.value == flood
        assert len(part.text.annotations) == 5_000
        for each in part.text.annotations:
            assert flood[each.start_index : each.end_index] == each.text
        assert pause() < 0.3


async def test_numbers_that_a_text_makes_up_do_not_end_citations(tmp_path: Path) -> None:
    scripts = (asks("sleeping cats"), says("All day 【0:0†source】."))
    async with open_wire(tmp_path, *scripts) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        await wire.client.beta.threads.messages.create(
            thread_id, role="user", content="You said 【999999999:0†source】."
        )
        await ran(wire, assistant_id, thread_id)
        assert told(wire.model.requests[1]).startswith("【0:0†source】")
        (part,) = (await newest(wire, thread_id)).content
        assert part.type == "text"
        assert [each.text for each in part.text.annotations] == ["【0:0†source】"]
