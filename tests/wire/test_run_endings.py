"""How runs end: cancelled, failed, incomplete, expired; and that the thread is free then."""

from __future__ import annotations

import asyncio
import time

import openai
import pytest

from services.engine.models.base import Finished, ModelError, RefusalDelta, TextDelta
from services.engine.runs.runner import Runner
from services.engine.store import runs as stored_runs
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import USAGE, calls, says


async def test_cancelling_keeps_the_partial_answer_and_frees_the_thread(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("So far"), asyncio.Event()], says("Again.")]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)
    messages = wire.client.beta.threads.messages

    async def begun() -> bool:
        return len((await messages.list(thread.id)).data) == 2

    await until(begun)
    assert (await runs.cancel(run.id, thread_id=thread.id)).status == "cancelling"
    run = await runs.poll(run_id=run.id, thread_id=thread.id)
    assert run.status == "cancelled"
    assert run.cancelled_at is not None
    assert run.expires_at is None
    answer = (await messages.list(thread.id)).data[0]
    assert answer.content[0].type == "text"
    assert answer.content[0].text.value == "So far"
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "run_cancelled"
    assert wire.model.closed == 1
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'cancelled'."):
        await runs.cancel(run.id, thread_id=thread.id)
    again = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert again.status == "completed"


async def test_a_waiting_run_can_be_cancelled(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}"))]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    await runs.cancel(run.id, thread_id=thread.id)
    run = await runs.poll(run_id=run.id, thread_id=thread.id)
    assert (run.status, run.required_action) == ("cancelled", None)
    step = (await runs.steps.list(run.id, thread_id=thread.id)).data[0]
    assert step.status == "cancelled"


async def test_a_run_cannot_be_changed_while_it_is_active(wire: Wire) -> None:
    go = asyncio.Event()
    wire.model.scripts = [[go, *says("done")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)

    async def in_progress() -> bool:
        return (await runs.retrieve(run.id, thread_id=thread.id)).status == "in_progress"

    await until(in_progress)
    with pytest.raises(
        openai.BadRequestError, match="(?i)cannot update run with status 'in_progress'"
    ):
        await runs.update(run.id, thread_id=thread.id, metadata={"k": "v"})
    go.set()
    await runs.poll(run_id=run.id, thread_id=thread.id)
    changed = await runs.update(run.id, thread_id=thread.id, metadata={"k": "v"})
    assert changed.metadata == {"k": "v"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelError("The endpoint is down."), "server_error"),
        (ModelError("Too many requests.", "rate_limit_exceeded"), "rate_limit_exceeded"),
        (ModelError("Too long.", "invalid_prompt"), "invalid_prompt"),
    ],
)
async def test_a_model_that_fails_ends_the_run_with_its_reason(
    wire: Wire, error: ModelError, code: str
) -> None:
    wire.model.scripts = [[TextDelta("Half"), error], says("Fine.")]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "failed"
    assert run.failed_at is not None
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == (code, error.message)
    answer = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert answer.content[0].type == "text"
    assert answer.content[0].text.value == "Half"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "run_failed"
    again = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert again.status == "completed"


async def test_a_stream_that_breaks_off_is_a_failure(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("Half")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "failed"


async def test_an_unexpected_error_frees_the_thread_and_tells_no_detail(wire: Wire) -> None:
    wire.model.scripts = [[RuntimeError("secret detail")], says("Fine.")]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "failed"
    assert run.last_error is not None
    assert "secret" not in run.last_error.message
    again = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert again.status == "completed"


@pytest.mark.parametrize(
    ("reason", "run_reason", "message_reason"),
    [
        ("length", "max_completion_tokens", "max_tokens"),
        ("content_filter", "content_filter", "content_filter"),
    ],
)
async def test_an_answer_cut_short_is_incomplete(
    wire: Wire, reason: str, run_reason: str, message_reason: str
) -> None:
    wire.model.scripts = [[TextDelta("Half"), Finished(reason, USAGE)]]  # type: ignore[arg-type]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, max_completion_tokens=16
    )
    assert (run.status, run.expires_at) == ("incomplete", None)
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == run_reason
    answer = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == message_reason
    assert wire.model.requests[0].max_tokens == 16


async def test_a_refusal_is_a_part_of_its_own(wire: Wire) -> None:
    wire.model.scripts = [[RefusalDelta("I will not."), Finished("stop", USAGE)]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    part = (await wire.client.beta.threads.messages.list(thread.id)).data[0].content[0]
    assert part.type == "refusal"
    assert part.refusal == "I will not."


async def test_an_answer_of_nothing_is_still_a_message(wire: Wire) -> None:
    wire.model.scripts = [says()]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert newest.role == "assistant"
    assert newest.content[0].type == "text"
    assert newest.content[0].text.value == ""


async def test_a_run_nobody_answers_expires(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}"))]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    async with wire.engine.database.write() as connection:
        await stored_runs.change(connection, run.id, {"expires_at": int(time.time()) - 1})
    expired = await runs.retrieve(run.id, thread_id=thread.id)
    assert (expired.status, expired.expires_at) == ("expired", None)
    step = (await runs.steps.list(run.id, thread_id=thread.id)).data[0]
    assert step.status == "expired"
    with pytest.raises(
        openai.BadRequestError, match='Runs in status "expired" do not accept tool outputs.'
    ):
        await runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=[])
    await wire.client.beta.threads.messages.create(thread.id, role="user", content="free again")


async def test_a_run_that_takes_too_long_expires(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.runs.creation.LIFETIME_SECONDS", 0)
    monkeypatch.setattr("services.engine.runs.runner.WATCH_SECONDS", 0.01)
    wire.model.scripts = [[TextDelta("Half"), asyncio.Event()]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "expired"


async def test_deleting_a_busy_thread_stops_its_run(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("Half"), asyncio.Event()]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    await wire.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    await until(lambda: wire.model.requests)
    await wire.client.beta.threads.delete(thread.id)
    assert wire.model.closed == 1
    assert isinstance(wire.engine.runner, Runner)


async def test_a_store_that_fails_is_told_in_the_stream_and_the_run_ended_later(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs

    async def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("services.engine.runs.loop.end_run", full)
        stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
        with pytest.raises(openai.APIError, match="engine failed during this run"):
            async for _ in stream:
                pass
    run = (await runs.list(thread.id)).data[0]
    run = await runs.poll(run_id=run.id, thread_id=thread.id)
    assert run.status == "failed"
