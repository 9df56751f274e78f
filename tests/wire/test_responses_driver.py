"""A run over the Responses API, from the SDK to a model endpoint and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI

from services.connection.wire import InProcessTransport, Lifespan
from services.engine.app import create_app
from services.engine.models.connect import connect
from services.engine.settings import EngineSettings
from tests.faults.endpoint import Endpoint, endpoint, stream
from tests.faults.responses_replies import answered, calls, ending, says, thinks
from tests.wire.conftest import LOOK


@pytest.fixture
async def responding() -> AsyncIterator[Endpoint]:
    async with endpoint() as served:
        served.paths = {"/responses"}
        yield served


@pytest.fixture
async def client(tmp_path: Path, responding: Endpoint) -> AsyncIterator[AsyncOpenAI]:
    """The SDK before an engine that asks the endpoint over the Responses API."""
    connected = connect(responding.url, None, "test-model", driver="responses")
    app = create_app(EngineSettings(tmp_path / "data"), connected)
    async with AsyncExitStack() as stack:
        lifespan = await stack.enter_async_context(Lifespan(app))
        transport = InProcessTransport(app, state=lifespan.state)
        http_client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport))
        yield AsyncOpenAI(
            base_url="http://understudy.local/v1",
            api_key="test",
            http_client=http_client,
            max_retries=0,
        )


async def test_an_assistant_with_a_function_runs_to_its_end(
    client: AsyncOpenAI, responding: Endpoint
) -> None:
    responding.will(
        answered(
            *thinks("secret", 0),
            *says("Let me look.", index=1),
            *calls("look", {"at": "the sky"}, 2),
        ),
        answered(*says("It is ", "blue.")),
    )
    tools: Any = [LOOK]
    assistant = await client.beta.assistants.create(
        model="gpt-4o", instructions="Be brief.", tools=tools, reasoning_effort="low"
    )
    thread = await client.beta.threads.create(
        messages=[{"role": "user", "content": "What colour is the sky?"}]
    )
    run = await client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
    )
    assert run.status == "requires_action", run.last_error
    assert run.required_action is not None
    [call] = run.required_action.submit_tool_outputs.tool_calls
    assert (call.function.name, call.function.arguments) == ("look", '{"at": "the sky"}')

    run = await client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "blue"}],
        poll_interval_ms=10,
    )
    assert run.status == "completed", run.last_error
    messages = await client.beta.threads.messages.list(thread.id, order="asc")
    texts = [part.text.value for each in messages.data for part in each.content]  # type: ignore[union-attr]  # texts alone
    assert texts == ["What colour is the sky?", "Let me look.", "It is blue."]
    assert run.usage is not None
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (22, 14)

    first, second = (request.body for request in responding.posts("/responses"))
    assert (first["instructions"], first["reasoning"]) == ("Be brief.", {"effort": "low"})
    assert [tool["name"] for tool in first["tools"]] == ["look"]
    kinds = [item["type"] for item in second["input"]]
    assert kinds == ["message", "reasoning", "message", "function_call", "function_call_output"]
    assert [item["call_id"] for item in second["input"][3:]] == [call.id, call.id]
    assert second["input"][1]["encrypted_content"] == "secret"


async def test_a_failed_response_ends_the_run_with_the_endpoints_own_reason(
    client: AsyncOpenAI, responding: Endpoint
) -> None:
    error = {"code": "rate_limit_exceeded", "message": "the GPU is taken"}
    responding.will(stream(*says("One "), ending("failed", error=error)))
    assistant = await client.beta.assistants.create(model="gpt-4o")
    run = await client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "Hi"}]},
        poll_interval_ms=10,
    )
    assert run.status == "failed"
    assert run.last_error is not None
    assert run.last_error.code == "rate_limit_exceeded"
    assert "the GPU is taken" in run.last_error.message
    [newest, _] = (await client.beta.threads.messages.list(run.thread_id)).data
    assert newest.status == "incomplete", "what was written is kept"
