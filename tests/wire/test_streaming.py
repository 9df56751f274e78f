"""Streams: the order of events, the SDK's accumulators, readers that leave."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncAssistantEventHandler
from openai.types.beta import AssistantStreamEvent
from openai.types.beta.threads import Run

from services.engine.models.base import Finished, ModelError, TextDelta
from services.engine.runs.feed import BACKLOG_BYTES, DONE, Feed
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import USAGE, calls, says


async def events_of(stream: Any) -> list[AssistantStreamEvent]:
    return [event async for event in stream]


def names(events: list[AssistantStreamEvent]) -> list[str]:
    """The events' names, a row of equal ones told once."""
    told: list[str] = []
    for event in events:
        if not told or told[-1] != event.event:
            told.append(event.event)
    return told


async def test_a_text_answer_streams_in_the_recorded_order(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True
    )
    events = await events_of(stream)
    assert names(events) == [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.completed",
        "thread.run.step.completed",
        "thread.run.completed",
    ]
    final = events[-1].data
    assert isinstance(final, Run)
    assert (final.status, final.expires_at) == ("completed", None)
    assert final.usage is not None


async def test_create_and_run_begins_with_the_thread(wire: Wire) -> None:
    assistant = await wire.assistant()
    stream = await wire.client.beta.threads.create_and_run(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "hi"}]},
        stream=True,
    )
    told = names(await events_of(stream))
    assert told[:2] == ["thread.created", "thread.run.created"]
    assert told[-1] == "thread.run.completed"


async def test_the_bytes_end_with_done_and_carry_one_line_of_data_each(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    answer = await wire.raw(
        "POST", f"/threads/{thread.id}/runs", json={"assistant_id": assistant.id, "stream": True}
    )
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    blocks = answer.text.removesuffix("\n\n").split("\n\n")
    assert blocks[-1] == "event: done\ndata: [DONE]"
    assert all(len(block.split("\n")) == 2 for block in blocks)


async def test_annotations_come_with_the_first_delta_only(wire: Wire) -> None:
    go = asyncio.Event()
    wire.model.scripts = [[TextDelta("one"), go, *says(" two")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True
    )
    deltas: list[dict[str, Any]] = []
    async for event in stream:
        if event.event == "thread.message.delta":
            go.set()
            assert event.data.delta.content
            deltas.append(event.data.delta.content[0].model_dump(exclude_unset=True))
    assert deltas == [
        {"index": 0, "type": "text", "text": {"value": "one", "annotations": []}},
        {"index": 0, "type": "text", "text": {"value": " two"}},
    ]


async def test_the_sdks_helper_accumulates_the_whole_answer(wire: Wire) -> None:
    wire.model.scripts = [says(*(f"word{number} " for number in range(200)))]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    async with wire.client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id
    ) as stream:
        text = "".join([piece async for piece in stream.text_deltas])
    assert text == "".join(f"word{number} " for number in range(200))
    final = await stream.get_final_messages()
    assert final[0].content[0].type == "text"
    assert final[0].content[0].text.value == text
    assert (await stream.get_final_run()).status == "completed"


async def test_function_calls_end_the_stream_and_resume_in_another(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", '{"at": "x"}'), ("look", "{}")), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
    events = await events_of(stream)
    assert names(events) == [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.requires_action",
    ]
    run = events[-1].data
    assert isinstance(run, Run)
    assert run.required_action is not None
    asked = run.required_action.submit_tool_outputs.tool_calls
    resumed = await runs.submit_tool_outputs(
        run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "ok"} for call in asked],
        stream=True,
    )
    assert names(await events_of(resumed)) == [
        "thread.run.step.completed",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.completed",
        "thread.run.step.completed",
        "thread.run.completed",
    ]


async def test_the_sdks_accumulator_rebuilds_parallel_calls(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", '{"at": "x"}'), ("look", '{"at": "y"}'))]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    async with wire.client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id
    ) as stream:
        await stream.until_done()
    (step,) = await stream.get_final_run_steps()
    assert step.step_details.type == "tool_calls"
    rebuilt = [
        (call.id, call.function.name, call.function.arguments)
        for call in step.step_details.tool_calls
        if call.type == "function"
    ]
    assert rebuilt == [
        (f"call_{0:024d}", "look", '{"at": "x"}'),
        (f"call_{1:024d}", "look", '{"at": "y"}'),
    ]


async def test_outputs_may_be_submitted_from_within_the_first_stream(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}")), says("Seen.")]
    assistant = await wire.assistant(tools=[LOOK])
    thread = await wire.thread("look")
    runs = wire.client.beta.threads.runs
    heard: list[str] = []

    class Handler(AsyncAssistantEventHandler):
        async def on_event(self, event: AssistantStreamEvent) -> None:
            heard.append(event.event)
            if event.event == "thread.run.requires_action":
                assert event.data.required_action is not None
                asked = event.data.required_action.submit_tool_outputs.tool_calls
                async with runs.submit_tool_outputs_stream(
                    run_id=event.data.id,
                    thread_id=thread.id,
                    tool_outputs=[{"tool_call_id": call.id, "output": "ok"} for call in asked],
                    event_handler=Handler(),
                ) as nested:
                    await nested.until_done()

        async def on_end(self) -> None:
            heard.append("end")

    async with runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, event_handler=Handler()
    ) as stream:
        await stream.until_done()
    assert "thread.run.completed" in heard
    assert heard[-1] == "end"
    assert heard.count("end") == 2


async def test_a_closed_stream_does_not_stop_the_run(wire: Wire) -> None:
    go = asyncio.Event()
    wire.model.scripts = [[TextDelta("one"), go, *says(" two")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
    async for event in stream:
        if event.event == "thread.message.delta":
            break
    await stream.close()
    with pytest.raises(openai.BadRequestError, match="while a run"):
        await wire.client.beta.threads.messages.create(thread.id, role="user", content="x")
    go.set()
    run = (await runs.list(thread.id)).data[0]
    assert (await runs.poll(run_id=run.id, thread_id=thread.id)).status == "completed"
    newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert newest.content[0].type == "text"
    assert newest.content[0].text.value == "one two"


async def test_an_incomplete_answer_has_its_own_events(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("Half"), Finished("length", USAGE)]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True
    )
    assert names(await events_of(stream))[-3:] == [
        "thread.message.incomplete",
        "thread.run.step.completed",
        "thread.run.incomplete",
    ]


async def test_a_failure_closes_what_was_open_in_order(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("Half"), ModelError("The endpoint is down.")]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True
    )
    assert names(await events_of(stream))[-3:] == [
        "thread.run.step.failed",
        "thread.message.incomplete",
        "thread.run.failed",
    ]


async def test_cancelling_from_elsewhere_is_told_in_the_stream(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("Half"), asyncio.Event()]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
    told: list[str] = []
    async for event in stream:
        told.append(event.event)
        if event.event == "thread.message.delta":
            run = (await runs.list(thread.id)).data[0]
            await runs.cancel(run.id, thread_id=thread.id)
    assert told[-4:] == [
        "thread.run.cancelling",
        "thread.message.incomplete",
        "thread.run.step.cancelled",
        "thread.run.cancelled",
    ]


async def test_what_an_event_tells_is_stored_already(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
    async for event in stream:
        if event.event == "thread.message.created":
            read = await wire.client.beta.threads.messages.retrieve(
                event.data.id, thread_id=thread.id
            )
            assert read.id == event.data.id
        if event.event == "thread.run.completed":
            assert (await runs.retrieve(event.data.id, thread_id=thread.id)).status == "completed"


async def test_text_in_flight_is_saved_while_it_streams(wire: Wire) -> None:
    wire.model.scripts = [[TextDelta("So far"), asyncio.Event()]]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    await wire.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)

    async def saved() -> bool:
        newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
        part = newest.content[0] if newest.role == "assistant" and newest.content else None
        return part is not None and part.type == "text" and part.text.value == "So far"

    await until(saved)


async def test_a_reader_that_never_reads_is_cut_off_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.engine.runs.feed.PATIENCE_SECONDS", -1.0)
    feed = Feed()
    listener = feed.listen()
    piece = "x" * (BACKLOG_BYTES // 4)
    for _ in range(10):
        feed.publish("thread.message.delta", {"piece": piece})
    heard = b"".join([block async for block in listener])
    assert BACKLOG_BYTES < len(heard) < 2 * BACKLOG_BYTES
    assert b"[DONE]" not in heard


async def test_a_reader_is_not_cut_off_because_much_comes_at_once() -> None:
    feed = Feed()
    listener = feed.listen()
    for _ in range(3):
        feed.publish("thread.message.completed", {"piece": "x" * BACKLOG_BYTES})
    feed.close()
    heard = b"".join([block async for block in listener])
    assert len(heard) > 3 * BACKLOG_BYTES
    assert heard.endswith(DONE)


async def test_a_feed_says_done_once_and_nothing_after() -> None:
    feed = Feed()
    listener = feed.listen()
    feed.close()
    feed.close()
    feed.publish("thread.run.cancelling", {})
    assert b"".join([block async for block in listener]) == DONE


async def test_one_enormous_piece_is_cut_and_streamed_to_its_end(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.runs.loop.MAX_ANSWER_CHARACTERS", 1000)
    wire.model.scripts = [says("x" * 900, "y" * 5000, "z")]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True
    )
    events = await events_of(stream)
    assert events[-1].event == "thread.run.incomplete"
    run = events[-1].data
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    # What the model would have counted is not known: the tokens are estimated, never zero.
    assert run.usage is not None
    assert run.usage.completion_tokens == 250
    assert run.usage.prompt_tokens > 0
    newest = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert newest.content[0].type == "text"
    assert newest.content[0].text.value == "x" * 900 + "y" * 100


async def test_deltas_that_arrive_together_leave_together(wire: Wire) -> None:
    wire.model.scripts = [says(*("x" for _ in range(500)))]
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True
    )
    deltas = [event for event in await events_of(stream) if event.event == "thread.message.delta"]
    assert 1 <= len(deltas) < 100
