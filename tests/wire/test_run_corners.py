"""Runs at awkward moments: stopped while nothing streams yet, or with parts of them deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence

import openai
import pytest

from services.engine.models.base import Finished, ModelEntry, ModelError, ModelEvent
from services.engine.models.catalogue import Catalogue
from services.engine.runs.pump import Pump
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import calls, says


async def test_a_pump_that_is_stopped_before_its_first_step_ends() -> None:
    async def never() -> AsyncGenerator[ModelEvent, None]:
        yield Finished("stop")

    pumps: list[Pump] = []
    # Due ahead of the first step of the task that the pump makes, and when its reader waits.
    asyncio.get_running_loop().call_soon(lambda: pumps[0].stop())
    pumps.append(Pump(never()))
    async with asyncio.timeout(5):
        assert await anext(aiter(pumps[0]), None) is None


async def test_a_run_is_cancelled_while_the_endpoint_is_asked_for_its_models(wire: Wire) -> None:
    asked = asyncio.Event()

    class Silent:
        async def entries(self) -> Sequence[ModelEntry]:
            asked.set()
            await asyncio.Event().wait()
            raise ModelError("never said")

        def stream(self, request: object) -> AsyncGenerator[ModelEvent, None]:
            raise AssertionError("The model must not be asked.")

        async def aclose(self) -> None: ...

    connected = wire.engine.runner._connected
    object.__setattr__(connected, "catalogue", Catalogue(Silent()))
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)
    await asked.wait()
    assert (await runs.cancel(run.id, thread_id=thread.id)).status == "cancelling"

    async def ended() -> bool:
        return (await runs.retrieve(run.id, thread_id=thread.id)).status == "cancelled"

    await until(ended, seconds=3)
    assert wire.model.requests == []


async def test_the_text_before_the_calls_may_be_deleted_while_they_wait(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}"), text="Let me look."), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert newest.run_id == run.id
    await wire.client.beta.threads.messages.delete(newest.id, thread_id=thread.id)
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    ended = await runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "a cat"}],
    )
    assert (ended.status, ended.last_error) == ("completed", None)


async def test_a_waiting_run_is_cancelled_in_one_step(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}"))]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    told = await runs.cancel(run.id, thread_id=thread.id)
    assert (told.status, told.required_action) == ("cancelling", None)
    ended = await runs.retrieve(run.id, thread_id=thread.id)
    assert ended.status == "cancelled"
    (step,) = (await runs.steps.list(run.id, thread_id=thread.id)).data
    assert step.status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run"):
        await runs.cancel(run.id, thread_id=thread.id)


async def test_a_client_that_leaves_within_its_request_is_no_failure_of_the_engine(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/threads",
        "raw_path": b"/v1/threads",
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    with caplog.at_level(logging.WARNING):
        await wire.app(scope, receive, send)
    assert caplog.records == []
