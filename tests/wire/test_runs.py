"""Runs: states, the lock, overrides, function calls, cancellation, expiry."""

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


async def test_a_run_is_queued_and_ends_completed_with_usage(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)
    assert (run.status, run.usage) == ("queued", None)
    assert run.expires_at == run.created_at + 600
    run = await runs.poll(run_id=run.id, thread_id=thread.id)
    assert (run.status, run.expires_at, run.required_action) == ("completed", None, None)
    assert run.usage is not None
    assert (run.usage.prompt_tokens, run.usage.total_tokens) == (7, 10)
    newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert newest.content[0].type == "text"
    assert newest.content[0].text.value == "Hello, world."
    assert (newest.status, newest.run_id, newest.assistant_id) == (
        "completed",
        run.id,
        assistant.id,
    )
    step = (await runs.steps.list(run.id, thread_id=thread.id)).data[0]
    assert step.step_details.type == "message_creation"
    assert step.step_details.message_creation.message_id == newest.id
    assert step.usage is not None
    assert step.usage.completion_tokens == 3


async def test_the_model_sees_instructions_and_the_conversation(wire: Wire) -> None:
    assistant = await wire.assistant(instructions="Be brief.")
    thread = await wire.thread("first")
    runs = wire.client.beta.threads.runs
    await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    await wire.client.beta.threads.messages.create(thread.id, role="user", content="second")
    await runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, additional_instructions="In French."
    )
    seen = [(message.role, message.text) for message in wire.model.requests[-1].messages]
    assert seen == [
        ("system", "Be brief.\n\nIn French."),
        ("user", "first"),
        ("assistant", "Hello, world."),
        ("user", "second"),
    ]


async def test_a_run_overrides_its_assistant(wire: Wire) -> None:
    assistant = await wire.assistant(instructions="Old.", temperature=0.1)
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant.id,
        model="scripted",
        instructions="New.",
        tools=[LOOK],
        temperature=0.9,
        metadata={"k": "v"},
    )
    assert (run.instructions, run.temperature, run.metadata) == ("New.", 0.9, {"k": "v"})
    request = wire.model.requests[0]
    assert request.messages[0].text == "New."
    assert [tool.name for tool in request.tools] == ["look"]
    assert request.temperature == 0.9


async def test_nulls_in_a_run_mean_not_given(wire: Wire) -> None:
    assistant = await wire.assistant(instructions="Kept.")
    thread = await wire.thread("hi")
    fields = ("model", "tools", "instructions", "tool_choice", "max_prompt_tokens", "metadata")
    answer = await wire.raw(
        "POST",
        f"/threads/{thread.id}/runs",
        json={"assistant_id": assistant.id, **dict.fromkeys(fields)},
    )
    assert answer.status_code == 200
    assert answer.json()["instructions"] == "Kept."


async def test_last_messages_truncates_the_conversation(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("one", "two", "three")
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant.id,
        truncation_strategy={"type": "last_messages", "last_messages": 2},
    )
    assert [message.text for message in wire.model.requests[0].messages] == ["two", "three"]


async def test_additional_messages_are_stored_before_the_run(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread()
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant.id,
        additional_messages=[{"role": "user", "content": "added"}],
    )
    assert [message.text for message in wire.model.requests[0].messages] == ["added"]


async def test_an_empty_thread_without_instructions_cannot_run(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread()
    with pytest.raises(openai.BadRequestError) as caught:
        await wire.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    assert caught.value.code == "invalid_thread"
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, instructions="Say something."
    )
    assert run.status == "completed"


async def test_a_busy_thread_takes_neither_message_nor_run(wire: Wire) -> None:
    go = asyncio.Event()
    wire.model.scripts = [[go, *says("late")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create(thread.id, assistant_id=assistant.id)
    with pytest.raises(openai.BadRequestError) as caught:
        await wire.client.beta.threads.messages.create(thread.id, role="user", content="x")
    message = f"Can't add messages to {thread.id} while a run {run.id} is active."
    assert caught.value.body == {
        "message": message,
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
    with pytest.raises(
        openai.BadRequestError, match=f"Thread {thread.id} already has an active run {run.id}."
    ):
        await runs.create(
            thread.id,
            assistant_id=assistant.id,
            additional_messages=[{"role": "user", "content": "must not be stored"}],
        )
    go.set()
    assert (await runs.poll(run_id=run.id, thread_id=thread.id)).status == "completed"
    assert len((await wire.client.beta.threads.messages.list(thread.id)).data) == 2


async def test_two_runs_at_once_get_one_thread_once(wire: Wire) -> None:
    go = asyncio.Event()
    wire.model.scripts = [[go, *says("done")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    results = await asyncio.gather(
        *(
            wire.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
            for _ in range(8)
        ),
        return_exceptions=True,
    )
    go.set()
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert sum(isinstance(result, openai.BadRequestError) for result in results) == 7


async def test_function_calls_wait_for_outputs_and_go_on(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", '{"at": "x"}'), ("look", "{}")), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look at x")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert (run.status, run.usage) == ("requires_action", None)
    assert run.required_action is not None
    asked = run.required_action.submit_tool_outputs.tool_calls
    assert [call.function.arguments for call in asked] == ['{"at": "x"}', "{}"]
    step = (await runs.steps.list(run.id, thread_id=thread.id)).data[0]
    assert (step.status, step.usage) == ("in_progress", None)
    assert step.step_details.type == "tool_calls"
    assert step.step_details.tool_calls[0].type == "function"
    assert step.step_details.tool_calls[0].function.output is None

    # The order of outputs is free.
    run = await runs.submit_tool_outputs(
        run.id,
        thread_id=thread.id,
        tool_outputs=[
            {"tool_call_id": asked[1].id, "output": ""},
            {"tool_call_id": asked[0].id, "output": "a cat"},
        ],
    )
    assert (run.status, run.required_action) == ("queued", None)
    run = await runs.poll(run_id=run.id, thread_id=thread.id)
    assert run.status == "completed"
    assert run.usage is not None
    assert run.usage.total_tokens == 20
    steps = (await runs.steps.list(run.id, thread_id=thread.id, order="asc")).data
    assert [step.type for step in steps] == ["tool_calls", "message_creation"]
    details = steps[0].step_details
    assert details.type == "tool_calls"
    outputs = [call.function.output for call in details.tool_calls if call.type == "function"]
    assert outputs == ["a cat", ""]
    said = wire.model.requests[1].messages
    assert [message.role for message in said] == ["user", "assistant", "tool", "tool"]
    assert [call.name for call in said[1].calls] == ["look", "look"]
    assert (said[2].call_id, said[2].text) == (asked[0].id, "a cat")


async def test_text_and_calls_of_one_turn_are_one_message_to_the_model(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}"), text="Let me look."), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.required_action is not None
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    await runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "ok"}],
    )
    turn = wire.model.requests[1].messages[1]
    assert (turn.role, turn.text, len(turn.calls)) == ("assistant", "Let me look.", 1)


@pytest.mark.parametrize("outputs", [[], [{"tool_call_id": "call_other", "output": "x"}]])
async def test_outputs_that_do_not_match_change_nothing(
    wire: Wire, outputs: list[dict[str, str]]
) -> None:
    wire.model.scripts = [calls(("look", "{}")), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.required_action is not None
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    got = [output["tool_call_id"] for output in outputs]
    with pytest.raises(openai.BadRequestError) as caught:
        await runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs)  # type: ignore[arg-type]
    assert f"Expected tool outputs for call_ids ['{call.id}'], got {got}" in str(caught.value)
    assert (await runs.retrieve(run.id, thread_id=thread.id)).status == "requires_action"


async def test_a_run_that_does_not_wait_takes_no_outputs(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    with pytest.raises(
        openai.BadRequestError, match='Runs in status "completed" do not accept tool outputs.'
    ):
        await runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=[])


async def test_a_tool_that_nobody_offered_is_answered_by_the_engine(wire: Wire) -> None:
    wire.model.scripts = [calls(("launch", "{}")), says("Sorry.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("launch")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "completed"
    assert "no tool named 'launch'" in wire.model.requests[1].messages[-1].text


async def test_a_model_that_only_calls_unknown_tools_is_given_up(wire: Wire) -> None:
    wire.model.scripts = [calls(("launch", "{}"))]
    assistant = await wire.assistant()
    thread = await wire.thread("launch")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "failed"
    assert len(wire.model.requests) == 16


async def test_a_required_tool_is_required_once(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}")), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant.id,
        tool_choice={"type": "function", "function": {"name": "look"}},
    )
    assert run.required_action is not None
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    await runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=[{"tool_call_id": call.id, "output": "ok"}]
    )
    assert [request.tool_choice for request in wire.model.requests] == [{"name": "look"}, "auto"]


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
