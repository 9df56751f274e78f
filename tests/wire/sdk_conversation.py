"""A conversation that touches every route, and every way in which a run can end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest

from services.engine.models.base import Finished, ModelError, RefusalDelta, TextDelta
from services.engine.store import runs as stored_runs
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import USAGE, Script, calls, says

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def converse(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    await assistants(wire)
    await threads_and_messages(wire)
    await functions(wire)
    await searches(wire)
    await endings(wire, monkeypatch)
    await files(wire)
    await uploads(wire)
    await vector_stores(wire)
    await models(wire)


async def assistants(wire: Wire) -> None:
    api = wire.client.beta.assistants
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": True, "description": "d"}
    await wire.assistant()
    made = await wire.assistant(
        name="All",
        description="Everything set.",
        instructions="Be brief.",
        tools=[LOOK, {"type": "code_interpreter"}, {"type": "file_search"}],
        metadata={"a": "1"},
        temperature=0.5,
        top_p=1,
        reasoning_effort="low",
        response_format={"type": "json_schema", "json_schema": schema},
    )
    await api.update(made.id, response_format={"type": "json_object"})
    await api.retrieve(made.id)
    await api.list()
    await api.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await api.retrieve(made.id)


async def threads_and_messages(wire: Wire) -> None:
    image = await wire.client.files.create(file=("a.png", PNG), purpose="vision")
    text = await wire.client.files.create(file=("a.txt", b"text"), purpose="assistants")
    api = wire.client.beta.threads
    thread = await api.create(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look."},
                    {"type": "image_file", "image_file": {"file_id": image.id}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ],
            }
        ],
        metadata={"a": "1"},
        tool_resources={"code_interpreter": {"file_ids": [text.id]}},
    )
    message = await api.messages.create(
        thread.id,
        role="user",
        content="Read.",
        attachments=[
            {"file_id": text.id, "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}
        ],
    )
    await api.retrieve(thread.id)
    await api.update(thread.id, metadata={"b": "2"})
    await api.messages.list(thread.id)
    await api.messages.retrieve(message.id, thread_id=thread.id)
    await api.messages.update(message.id, thread_id=thread.id, metadata={"c": "3"})
    await api.messages.delete(message.id, thread_id=thread.id)
    await wire.raw("GET", "/threads")
    await api.delete(thread.id)


async def streamed(wire: Wire, script: Script, **fields: Any) -> tuple[str, str]:
    """A streamed run on a thread of its own, to the stream's end; the thread's and run's ids."""
    wire.model.scripts = [script]
    assistant = await wire.assistant(tools=[LOOK], metadata={"a": "1"})
    thread = await wire.thread("hi")
    body = {"assistant_id": assistant.id, "stream": True, **fields}
    await wire.raw("POST", f"/threads/{thread.id}/runs", json=body)
    run = (await wire.client.beta.threads.runs.list(thread.id)).data[0]
    await wire.client.beta.threads.messages.list(thread.id)
    await wire.client.beta.threads.runs.steps.list(run.id, thread_id=thread.id)
    return thread.id, run.id


async def interrupted(wire: Wire, interrupt: Callable[[str, str], Awaitable[None]]) -> None:
    """A streamed run that another connection ends in the middle of its text."""
    runs = wire.client.beta.threads.runs
    asked = len(wire.model.requests)
    stream = asyncio.create_task(streamed(wire, [TextDelta("So far"), asyncio.Event()]))
    await until(lambda: len(wire.model.requests) > asked)
    thread = (await wire.raw("GET", "/threads")).json()["data"][0]["id"]
    run = (await runs.list(thread)).data[0]

    async def at_work() -> bool:
        steps = await runs.steps.list(run.id, thread_id=thread)
        return bool(steps.data)

    await until(at_work)
    await interrupt(thread, run.id)
    await stream


async def functions(wire: Wire) -> None:
    """Runs that wait for outputs, get them, are changed, or are cancelled."""
    runs = wire.client.beta.threads.runs
    thread, run = await streamed(
        wire,
        calls(("look", "{}"), ("look", '{"at": "b"}')),
        tool_choice={"type": "function", "function": {"name": "look"}},
        truncation_strategy={"type": "last_messages", "last_messages": 5},
        max_prompt_tokens=5000,
        max_completion_tokens=5000,
        reasoning_effort="low",
        response_format={"type": "text"},
    )
    wire.model.scripts = [says("Done.")]
    waiting = await runs.retrieve(run, thread_id=thread)
    assert waiting.required_action is not None
    asked = waiting.required_action.submit_tool_outputs.tool_calls
    outputs = [{"tool_call_id": call.id, "output": "seen"} for call in asked]
    with pytest.raises(openai.BadRequestError):
        await runs.submit_tool_outputs(run, thread_id=thread, tool_outputs=[])
    await wire.raw(
        "POST",
        f"/threads/{thread}/runs/{run}/submit_tool_outputs",
        json={"tool_outputs": outputs, "stream": True},
    )
    (step, *_) = (await runs.steps.list(run, thread_id=thread)).data
    await runs.steps.retrieve(step.id, thread_id=thread, run_id=run)
    await runs.update(run, thread_id=thread, metadata={"k": "v"})

    thread, run = await streamed(wire, calls(("look", "{}")))
    await runs.submit_tool_outputs(
        run,
        thread_id=thread,
        tool_outputs=[{"tool_call_id": f"call_{0:024d}", "output": "seen"}],
    )
    await until(lambda: len(wire.model.requests) > 0)
    thread, run = await streamed(wire, calls(("look", "{}")))
    await runs.cancel(run, thread_id=thread)
    await runs.retrieve(run, thread_id=thread)
    await runs.steps.list(run, thread_id=thread)


async def searches(wire: Wire) -> None:
    """A run that searches a store and cites what it found, streamed."""
    api = wire.client.vector_stores
    file = await wire.client.files.create(file=("cats.md", b"Cats purr."), purpose="assistants")
    store = await api.create(file_ids=[file.id])
    await api.files.poll(file.id, vector_store_id=store.id)
    ranking = {"ranker": "auto", "score_threshold": 0.0}
    assistant = await wire.assistant(
        tools=[{"type": "file_search", "file_search": {"ranking_options": ranking}}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    thread = await wire.thread("Do cats purr?")
    wire.model.scripts = [
        calls(("file_search", '{"queries": ["cats purr"]}')),
        says("They do【0:0†source】."),
    ]
    content = "step_details.tool_calls[*].file_search.results[*].content"
    body = {"assistant_id": assistant.id, "stream": True}
    await wire.raw("POST", f"/threads/{thread.id}/runs?include[]={content}", json=body)
    runs = wire.client.beta.threads.runs
    run = (await runs.list(thread.id)).data[0]
    await runs.steps.list(run.id, thread_id=thread.id)
    await runs.steps.list(run.id, thread_id=thread.id, include=[content])
    await wire.client.beta.threads.messages.list(thread.id)


async def endings(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other way a run can end."""
    runs = wire.client.beta.threads.runs
    await streamed(wire, says("A", "B"))
    thread = await wire.thread("hi")
    made = await runs.create(thread.id, assistant_id=(await wire.assistant()).id)
    await runs.poll(made.id, thread_id=thread.id)
    await streamed(wire, [RefusalDelta("No."), Finished("stop", USAGE)])
    await streamed(wire, [TextDelta("Half"), Finished("length", USAGE)])
    await streamed(wire, [TextDelta("Half"), ModelError("It broke.", "rate_limit_exceeded")])
    await streamed(wire, [ModelError("No such thing.", "invalid_prompt")])
    await wire.client.beta.threads.create_and_run(
        assistant_id=(await wire.assistant()).id,
        thread={"messages": [{"role": "user", "content": "hi"}]},
    )
    body = {
        "assistant_id": (await wire.assistant()).id,
        "thread": {"messages": [{"role": "user", "content": "hi"}]},
        "stream": True,
    }
    await wire.raw("POST", "/threads/runs", json=body)

    async def cancel(thread_id: str, run_id: str) -> None:
        await runs.cancel(run_id, thread_id=thread_id)

    async def expire(_: str, run_id: str) -> None:
        async with wire.engine.database.write() as connection:
            await stored_runs.change(connection, run_id, {"expires_at": int(time.time()) - 1})

    monkeypatch.setattr("services.engine.runs.runner.WATCH_SECONDS", 0.01)
    await interrupted(wire, cancel)
    await interrupted(wire, expire)

    async def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("services.engine.runs.loop.end_run", full)
        await streamed(wire, says("Nobody is told."))


async def files(wire: Wire) -> None:
    api = wire.client.files
    made = await api.create(
        file=("a.txt", b"text"),
        purpose="assistants",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    await api.retrieve(made.id)
    await api.list()
    await api.content(made.id)
    await api.delete(made.id)


async def uploads(wire: Wire) -> None:
    api = wire.client.uploads
    for size in (4, 4):
        upload = await api.create(
            filename="a.txt", purpose="assistants", bytes=size, mime_type="text/plain"
        )
        part = await api.parts.create(upload.id, data=b"four")
    await api.complete(upload.id, part_ids=[part.id])
    upload = await api.create(
        filename="a.txt", purpose="assistants", bytes=4, mime_type="text/plain"
    )
    await api.cancel(upload.id)


async def vector_stores(wire: Wire) -> None:
    api = wire.client.vector_stores
    good = await wire.client.files.create(file=("a.txt", b"cats purr"), purpose="assistants")
    bad = await wire.client.files.create(file=("b.txt", b"\x00\xff" * 40), purpose="assistants")
    store = await api.create(
        name="All",
        description="Everything set.",
        expires_after={"anchor": "last_active_at", "days": 7},
        metadata={"a": "1"},
    )
    await api.create()
    batch = await api.file_batches.create_and_poll(
        store.id, file_ids=[good.id, bad.id], attributes={"a": 1, "b": True, "c": "x"}
    )
    await api.file_batches.list_files(batch.id, vector_store_id=store.id)
    await api.file_batches.cancel(batch.id, vector_store_id=store.id)
    await api.files.create(store.id, file_id=good.id, chunking_strategy={"type": "auto"})
    await api.files.poll(good.id, vector_store_id=store.id)
    await api.files.list(store.id)
    await api.files.update(good.id, vector_store_id=store.id, attributes={"a": 2.5})
    await api.files.content(good.id, vector_store_id=store.id)
    await api.search(store.id, query="cats")
    await api.files.delete(bad.id, vector_store_id=store.id)
    await api.retrieve(store.id)
    await api.update(store.id, name="Other")
    await api.list()
    await api.delete(store.id)


async def models(wire: Wire) -> None:
    async for model in wire.client.models.list():
        await wire.client.models.retrieve(model.id)
