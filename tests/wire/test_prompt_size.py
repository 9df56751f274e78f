"""Prompts that are too long: older messages are left out, the newest never."""

from __future__ import annotations

from collections.abc import Sequence

from services.engine.models.base import ModelError, ModelRequest, TextDelta
from services.engine.store import runs as stored_runs
from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import Script, Step, calls, says

TOO_LONG = ModelError("The prompt is too long for the model.", "invalid_prompt")


def small_model(most: int) -> Script:
    """A model that takes so many messages and no more."""

    def script(request: ModelRequest) -> Sequence[Step]:
        return says("Fine.") if len(request.messages) <= most else [TOO_LONG]

    return script


async def test_a_prompt_the_model_cannot_take_is_shortened_and_asked_again(wire: Wire) -> None:
    wire.model.scripts = [small_model(3)]
    assistant = await wire.assistant()
    thread = await wire.thread(*(f"message {number} {'x' * 400}" for number in range(10)))
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "completed"
    sizes = [len(request.messages) for request in wire.model.requests]
    assert sizes[0] == 10
    assert sizes[-1] <= 3
    newest = wire.model.requests[-1].messages[-1].text
    assert newest.startswith("message 9")


async def test_one_message_that_is_too_long_fails_with_the_reason(wire: Wire) -> None:
    wire.model.scripts = [[TOO_LONG]]
    assistant = await wire.assistant()
    thread = await wire.thread("one", "two", "three")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "failed"
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == ("invalid_prompt", TOO_LONG.message)
    assert len(wire.model.requests) < 5


async def test_an_answer_that_has_begun_is_never_begun_again(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("Half"), TOO_LONG]]
    assistant = await wire.assistant()
    thread = await wire.thread("one", "two", "three")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "failed"
    assert len(wire.model.requests) == 1


async def test_a_prompt_budget_leaves_older_messages_out(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread(*(f"{number} {'x' * 800}" for number in range(10)))
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, max_prompt_tokens=500
    )
    seen = wire.model.requests[0].messages
    assert 1 <= len(seen) <= 3
    assert seen[-1].text.startswith("9 ")


async def test_a_prompt_budget_that_is_used_up_ends_the_run_incomplete(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}")), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, max_prompt_tokens=256
    )
    assert run.required_action is not None
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    async with wire.engine.database.write() as connection:
        await stored_runs.change(connection, run.id, {"max_prompt_tokens": 7})
    run = await runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=[{"tool_call_id": call.id, "output": ""}]
    )
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_prompt_tokens"
