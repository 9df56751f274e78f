"""Runs that search files, with an endpoint behind them that behaves, or does not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from openai.types.beta.threads import Run

from services.connection.wire import InProcessTransport, Lifespan
from services.engine.app import create_app
from services.engine.models.connect import connect
from services.engine.settings import EngineSettings
from tests.faults import responses_replies as responses
from tests.faults.endpoint import Drop, Endpoint, Reply, call, endpoint, event, says, stream
from tests.faults.endpoint import answer as chat_answer
from tests.wire.conftest import LOOK
from tests.wire.test_file_search import CATS

SEARCH: dict[str, Any] = {"type": "file_search"}
QUERY = {"queries": ["sleeping cats"]}


class Driven:
    """The SDK before an engine that asks ``upstream``, with a file about cats to search."""

    def __init__(self, client: AsyncOpenAI, upstream: Endpoint, driver: str):
        self.client = client
        self.upstream = upstream
        self.responses = driver == "responses"

    async def prepare(self, *tools: Any) -> None:
        file = await self.client.files.create(file=("cats.md", CATS), purpose="assistants")
        store = await self.client.vector_stores.create()
        await self.client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
        self.file_id = file.id
        self.assistant = await self.client.beta.assistants.create(
            model="gpt-4o",
            tools=[SEARCH, *tools],
            tool_resources={"file_search": {"vector_store_ids": [store.id]}},
        )
        self.thread = await self.client.beta.threads.create(
            messages=[{"role": "user", "content": "When do cats sleep?"}]
        )

    async def run(self) -> Run:
        return await self.client.beta.threads.runs.create_and_poll(
            thread_id=self.thread.id, assistant_id=self.assistant.id, poll_interval_ms=10
        )

    def searches(self) -> Reply:
        if self.responses:
            return responses.answered(
                *responses.thinks("secret", 0), *responses.calls("file_search", QUERY, 1)
            )
        return call("file_search", QUERY)

    def says(self, *pieces: str) -> Reply:
        if self.responses:
            return responses.answered(*responses.says(*pieces))
        return chat_answer(*pieces)

    def breaks(self, *pieces: str) -> Reply:
        if self.responses:
            return stream(*responses.created(), *responses.says(*pieces)[:-2], Drop())
        return stream(*says(*pieces), Drop())

    def fails(self, *pieces: str) -> Reply:
        if self.responses:
            error = {"code": "server_error", "message": "the GPU is on fire"}
            return stream(*responses.says(*pieces), responses.ending("failed", error=error))
        return stream(*says(*pieces), event({"error": {"message": "the GPU is on fire"}}))

    async def check_ended(self, run: Run) -> None:
        """Nothing of an ended run stays open, and its thread is free."""
        steps = await self.client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id)
        assert all(step.status != "in_progress" for step in steps.data)
        assert run.usage is not None
        assert sum(step.usage.total_tokens for step in steps.data if step.usage) <= (
            run.usage.total_tokens
        )
        for message in (await self.client.beta.threads.messages.list(run.thread_id)).data:
            assert message.status in ("completed", "incomplete")
        await self.client.beta.threads.messages.create(run.thread_id, role="user", content="Next")


@pytest.fixture(params=["chat", "responses"])
async def driven(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Driven]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(endpoint())
        upstream.paths = {"/responses" if request.param == "responses" else "/chat/completions"}
        connected = connect(upstream.url, None, "test-model", driver=request.param)
        app = create_app(EngineSettings(tmp_path / "data"), connected)
        lifespan = await stack.enter_async_context(Lifespan(app))
        transport = InProcessTransport(app, state=lifespan.state)
        http_client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport))
        client = AsyncOpenAI(
            base_url="http://understudy.local/v1",
            api_key="test",
            http_client=http_client,
            max_retries=0,
        )
        yield Driven(client, upstream, request.param)


async def test_a_search_and_a_citation_split_over_the_stream(driven: Driven) -> None:
    driven.upstream.will(driven.searches(), driven.says("All day ", "【0:0†sou", "rce】."))
    await driven.prepare()
    run = await driven.run()
    assert run.status == "completed", run.last_error
    (newest, _) = (await driven.client.beta.threads.messages.list(driven.thread.id)).data
    (part,) = newest.content
    assert part.type == "text"
    (made,) = part.text.annotations
    assert made.type == "file_citation"
    assert (made.text, made.file_citation.file_id) == ("【0:0†source】", driven.file_id)
    assert run.usage is not None
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (22, 14)
    await driven.check_ended(run)


@pytest.mark.parametrize("driven", ["responses"], indirect=True)
async def test_thoughts_go_back_through_rounds_of_searches_and_functions(driven: Driven) -> None:
    looks = responses.answered(
        *responses.thinks("deeper", 0), *responses.calls("look", {"at": "it"}, 1)
    )
    driven.upstream.will(driven.searches(), looks, driven.says("Done."))
    await driven.prepare(LOOK)
    run = await driven.run()
    assert run.required_action is not None, run.last_error
    (asked,) = run.required_action.submit_tool_outputs.tool_calls
    run = await driven.client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=driven.thread.id,
        tool_outputs=[{"tool_call_id": asked.id, "output": "seen"}],
        poll_interval_ms=10,
    )
    assert run.status == "completed", run.last_error
    last = driven.upstream.posts("/responses")[-1].body["input"]
    assert [item["type"] for item in last] == [
        "message",
        *("reasoning", "function_call", "function_call_output"),
        *("reasoning", "function_call", "function_call_output"),
    ]
    assert [item["encrypted_content"] for item in last if item["type"] == "reasoning"] == [
        "secret",
        "deeper",
    ]
    assert "Cats sleep" in json.dumps(last[3])


@pytest.mark.parametrize("how", ["breaks", "fails"])
async def test_an_answer_that_breaks_off_after_a_search_keeps_its_text(
    driven: Driven, how: str
) -> None:
    broken = getattr(driven, how)("All day 【0:0†source】", " and 【0:0†so")
    driven.upstream.will(driven.searches(), broken)
    await driven.prepare()
    run = await driven.run()
    assert run.status == "failed"
    (newest, _) = (await driven.client.beta.threads.messages.list(driven.thread.id)).data
    (part,) = newest.content
    assert part.type == "text"
    assert part.text.value == "All day 【0:0†source】 and 【0:0†so"
    assert [each.text for each in part.text.annotations] == ["【0:0†source】"]
    assert newest.status == "incomplete"
    await driven.check_ended(run)


async def test_a_stream_that_breaks_off_within_a_search_is_no_search(driven: Driven) -> None:
    whole = driven.searches()
    driven.upstream.will(stream(*list(whole.steps)[:-4], Drop()))
    await driven.prepare()
    run = await driven.run()
    assert run.status == "failed"
    await driven.check_ended(run)


async def test_garbage_for_arguments_is_told_to_the_model_and_not_to_the_user(
    driven: Driven,
) -> None:
    garbage: Any = {"queries": {"\ud83d": [None, 5, {"a": []}]}, "query": "\ud83d\u202e 【【"}
    search = (
        responses.answered(*responses.calls("file_search", garbage))
        if driven.responses
        else call("file_search", garbage)
    )
    driven.upstream.will(search, driven.says("Ok."))
    await driven.prepare()
    run = await driven.run()
    assert run.status == "completed", run.last_error
    await driven.check_ended(run)
