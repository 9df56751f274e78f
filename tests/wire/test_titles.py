"""Titles in the model's words: asked for once, never over a name that somebody gave."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.engine.app import create_app
from services.engine.models.base import Finished, ModelError, TextDelta
from services.engine.runs.titles import TITLE_TOKENS, tidy
from services.engine.settings import EngineSettings
from services.records import ServiceError
from services.threads import Threads
from tests.waiting import until
from tests.wire.conftest import Wire, open_wire
from tests.wire.scripted import says


async def answered(wire: Wire, question: str = "What do otters eat?") -> str:
    assistant = await wire.assistant()
    thread = await wire.thread(question)
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
    )
    return thread.id


async def test_the_model_names_a_thread_after_its_first_answer(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Fish."), says("The diet of otters")) as wire:
        threads = Threads(wire.client)
        thread_id = await answered(wire)
        assert await threads.make_title(thread_id) == "The diet of otters"
        assert (await threads.list())[0].title == "The diet of otters"
        request = wire.model.requests[-1]
        assert request.max_tokens == TITLE_TOKENS
        assert "What do otters eat?" in request.messages[-1].text
        assert "Fish." in request.messages[-1].text
        assert not request.tools


async def test_a_thread_is_named_once(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Fish."), says("Otters"), says("Other")) as wire:
        threads = Threads(wire.client)
        thread_id = await answered(wire)
        assert await threads.make_title(thread_id) == "Otters"
        assert await threads.make_title(thread_id) is None
        assert len(wire.model.requests) == 2


async def test_a_name_given_while_the_model_was_thinking_stays(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with open_wire(tmp_path, says("Fish."), [TextDelta("Otters"), go, *says("!")]) as wire:
        threads = Threads(wire.client)
        thread_id = await answered(wire)
        naming = asyncio.create_task(threads.make_title(thread_id))
        await until(lambda: len(wire.model.requests) == 2)
        await threads.rename(thread_id, "Mine")
        go.set()
        assert await naming is None
        assert (await threads.list())[0].title == "Mine"


async def test_nothing_is_asked_before_there_is_an_answer(wire: Wire) -> None:
    thread = await wire.thread("Hello")
    assert await Threads(wire.client).make_title(thread.id) is None
    assert wire.model.requests == []


async def test_the_title_leaves_no_thread_run_or_message_behind(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Fish."), says("Otters")) as wire:
        thread_id = await answered(wire)
        await Threads(wire.client).make_title(thread_id)
        assert len((await wire.raw("GET", "/threads")).json()["data"]) == 1
        listed = await wire.client.beta.threads.messages.list(thread_id)
        assert len(listed.data) == 2
        assert len((await wire.client.beta.threads.runs.list(thread_id)).data) == 1


@pytest.mark.parametrize(
    "script",
    [
        [TextDelta("Half a ti"), Finished("length")],
        [TextDelta("  \n "), Finished("stop")],
        [TextDelta("x" * 5000), Finished("length")],
    ],
)
async def test_half_a_title_is_none(tmp_path: Path, script: list[Any]) -> None:
    async with open_wire(tmp_path, says("Fish."), script) as wire:
        thread_id = await answered(wire)
        assert await Threads(wire.client).make_title(thread_id) is None
        assert (await Threads(wire.client).list())[0].title == "What do otters eat?"


async def test_a_model_that_fails_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Fish."), [ModelError("It is down.")]) as wire:
        threads = Threads(wire.client)
        thread_id = await answered(wire)
        with pytest.raises(ServiceError, match="no title: It is down"):
            await threads.make_title(thread_id)
        assert (await threads.list())[0].title == "What do otters eat?"


async def test_the_rehearsal_names_nothing(tmp_path: Path) -> None:
    import httpx2
    from openai import AsyncOpenAI

    from services.connection.wire import InProcessTransport, Lifespan

    app = create_app(EngineSettings(tmp_path))
    async with Lifespan(app) as state:
        transport = InProcessTransport(app, state=state.state)
        async with httpx2.AsyncClient(transport=transport) as http_client:
            client = AsyncOpenAI(
                base_url="http://understudy.local/v1", api_key="x", http_client=http_client
            )
            assistant = await client.beta.assistants.create(model="rehearsal")
            run = await client.beta.threads.create_and_run_poll(
                assistant_id=assistant.id,
                thread={"messages": [{"role": "user", "content": "Hello"}]},
            )
            assert run.status == "completed"
            assert await Threads(client).make_title(run.thread_id) is None


async def test_a_thread_that_is_not_there_has_no_title(wire: Wire) -> None:
    answer = await wire.raw("POST", "/threads/thread_gone/title", json={})
    assert answer.status_code == 404
    assert await Threads(wire.client).make_title("thread_gone") is None


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ('"The diet of otters."', "The diet of otters"),
        ("**Title: Otters**\n\nI chose this because", "Otters"),
        ("# Otters", "Otters"),
        ("„Fischotter“", "Fischotter"),
        ("\n\n  Two\twords ", "Two words"),
        ("Bell\x07 and \x1b[31mred", "Bell and [31mred"),
        ("word " * 40, "word " * 14 + "word…"),
        ("", ""),
    ],
)
def test_a_title_is_one_bare_line(said: str, title: str) -> None:
    assert tidy(said) == title
