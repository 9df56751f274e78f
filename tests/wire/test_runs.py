"""Runs: states, the lock, what overrides what, function calls."""

from __future__ import annotations

import asyncio

import openai
import pytest

from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import calls, says


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
