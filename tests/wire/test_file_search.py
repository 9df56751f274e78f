"""file_search in a run: what the model is offered and told, the steps, and the citations."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.beta.threads import Message, Run
from sqlalchemy import update

from services.engine.models.base import Finished, ModelRequest, TextDelta
from services.engine.store import threads
from services.engine.store.tables import vector_stores
from services.engine.tools.toolbox import open_toolbox
from services.events import ApprovalNeeded, RunEvent, StepChanged
from services.functions.folder import FunctionsFolder
from services.runs import Runs
from services.session import RunSession
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.scripted import USAGE, Script, calls, says
from tests.wire.test_tool_resources import SEARCH, attach
from tests.wire.test_vector_stores import stored

CATS = b"Cats sleep for most of the day, and hunt at dawn."
BOATS = b"Boats float because they are lighter than the water they displace."
CONTENT = "step_details.tool_calls[*].file_search.results[*].content"


def asks(*queries: str) -> Script:
    return calls(("file_search", json.dumps({"queries": list(queries)})))


async def searching(wire: Wire, *names: tuple[str, bytes]) -> tuple[str, str]:
    """An assistant with a store of these files, and a thread with a question; their ids."""
    files = [await stored(wire, name, data) for name, data in names]
    store = await wire.client.vector_stores.create(file_ids=[file.id for file in files])
    for file in files:
        await wire.client.vector_stores.files.poll(file.id, vector_store_id=store.id)
    assistant = await wire.assistant(
        tools=[SEARCH], tool_resources={"file_search": {"vector_store_ids": [store.id]}}
    )
    return assistant.id, (await wire.thread("When do cats sleep?")).id


async def ran(wire: Wire, assistant_id: str, thread_id: str, **fields: Any) -> Run:
    return await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=assistant_id, poll_interval_ms=10, **fields
    )


async def newest(wire: Wire, thread_id: str) -> Message:
    return (await wire.client.beta.threads.messages.list(thread_id, limit=1)).data[0]


def told(request: ModelRequest) -> str:
    """What the model was told of the search."""
    return request.messages[-1].text


# --- the search -------------------------------------------------------------------------------


async def test_the_model_is_offered_the_search_and_told_the_passages(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("sleeping cats"), says("All day.")) as wire:
        run = await ran(wire, *await searching(wire, ("cats.md", CATS), ("boats.md", BOATS)))
        assert run.status == "completed"
        first, second = wire.model.requests
        (tool,) = first.tools
        assert tool.name == "file_search"
        assert second.messages[-1].role == "tool"
        assert told(second).startswith("【0:0†source】 cats.md\nCats sleep")
        assert [call.name for call in second.messages[-2].calls] == ["file_search"]


async def test_the_step_tells_files_and_scores_and_the_text_only_if_asked(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("sleeping cats"), says("All day.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        run = await ran(wire, assistant_id, thread_id)
        path = f"/threads/{thread_id}/runs/{run.id}/steps"
        for query, texts in (("", 0), (f"&include[]={CONTENT}", 1)):
            steps = (await wire.raw("GET", f"{path}?order=asc{query}")).json()["data"]
            assert [step["type"] for step in steps] == ["tool_calls", "message_creation"]
            (call,) = steps[0]["step_details"]["tool_calls"]
            assert (call["type"], steps[0]["status"]) == ("file_search", "completed")
            search = call["file_search"]
            assert search["ranking_options"] == {
                "ranker": "default_2024_08_21",
                "score_threshold": 0.0,
            }
            (result,) = search["results"]
            assert result["file_name"] == "cats.md"
            assert 0 < result["score"] <= 1
            assert len(result.get("content", [])) == texts
            one = await wire.raw("GET", f"{path}/{steps[0]['id']}?{query.lstrip('&')}")
            assert one.json() == steps[0]


async def test_anything_else_to_include_is_refused(wire: Wire) -> None:
    assistant, thread = await wire.assistant(), await wire.thread("Hello")
    for method, path in (
        ("POST", f"/threads/{thread.id}/runs"),
        ("GET", f"/threads/{thread.id}/runs/run_x/steps"),
    ):
        answer = await wire.raw(
            method, f"{path}?include[]=everything", json={"assistant_id": assistant.id}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "include"


async def test_settings_of_the_tool_limit_what_is_found(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("cats sleep"), says("Ok.")) as wire:
        names = [(f"{number}.md", CATS) for number in range(4)]
        assistant_id, thread_id = await searching(wire, *names)
        settings = {
            "max_num_results": 2,
            "ranking_options": {"ranker": "auto", "score_threshold": 0.0},
        }
        run = await ran(
            wire, assistant_id, thread_id, tools=[{"type": "file_search", "file_search": settings}]
        )
        steps = await wire.client.beta.threads.runs.steps.list(run.id, thread_id=thread_id)
        details: Any = steps.data[-1].step_details
        assert len(details.tool_calls[0].file_search.results) == 2


@pytest.mark.parametrize("arguments", ["{}", '{"queries": [5]}', "[]", "null", '{"queries": ""}'])
async def test_a_call_without_a_query_is_answered_all_the_same(
    tmp_path: Path, arguments: str
) -> None:
    async with open_wire(tmp_path, calls(("file_search", arguments)), says("Ok.")) as wire:
        run = await ran(wire, *await searching(wire, ("cats.md", CATS)))
        assert run.status == "completed"
        assert told(wire.model.requests[1]) == "Nothing was searched: the call holds no query."


async def test_a_function_of_that_name_stays_the_clients(tmp_path: Path) -> None:
    own: Any = {"type": "function", "function": {"name": "file_search"}}
    async with open_wire(tmp_path, calls(("file_search", "{}"))) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        run = await ran(wire, assistant_id, thread_id, tools=[SEARCH, own])
        assert run.status == "requires_action"
        assert [tool.name for tool in wire.model.requests[0].tools] == [
            "file_search_tool",
            "file_search",
        ]


async def test_the_search_is_done_before_the_client_is_asked(tmp_path: Path) -> None:
    both = calls(("look", "{}"), ("file_search", '{"query": "sleeping cats"}'))
    async with open_wire(tmp_path, both, says("See 【0:0†source】 or 【1:0†source】.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        run = await ran(wire, assistant_id, thread_id, tools=[SEARCH, LOOK])
        assert run.status == "requires_action"
        assert run.required_action is not None
        (asked,) = run.required_action.submit_tool_outputs.tool_calls
        assert asked.function.name == "look"
        run = await wire.client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=thread_id,
            tool_outputs=[{"tool_call_id": asked.id, "output": "seen"}],
            poll_interval_ms=10,
        )
        assert run.status == "completed"
        looked, searched = wire.model.requests[1].messages[-2:]
        assert looked.text == "seen"
        assert searched.text.startswith("【1:0†source】 cats.md")
        (part,) = (await newest(wire, thread_id)).content
        assert part.type == "text"
        assert [each.text for each in part.text.annotations] == ["【1:0†source】"]


async def test_a_named_search_is_for_the_first_turn_only(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("cats"), says("Ok.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        await ran(wire, assistant_id, thread_id, tool_choice={"type": "file_search"})
        choices = [request.tool_choice for request in wire.model.requests]
        assert choices == [{"name": "file_search"}, "auto"]


# --- the stores -------------------------------------------------------------------------------


async def test_assistant_and_thread_are_both_searched(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("sleep float"), says("Ok.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        file = await stored(wire, "boats.md", BOATS)
        await wire.client.beta.threads.messages.create(
            thread_id, role="user", content="And boats?", attachments=[attach(file.id, SEARCH)]
        )
        run = await ran(wire, assistant_id, thread_id)
        assert run.status == "completed"
        assert "cats.md" in told(wire.model.requests[1])
        assert "boats.md" in told(wire.model.requests[1])


async def test_a_later_attachment_is_found_by_the_next_run(tmp_path: Path) -> None:
    scripts = (says("I have no files."), asks("sleeping cats"), says("Found."))
    async with open_wire(tmp_path, *scripts) as wire:
        assistant = await wire.assistant(tools=[SEARCH])
        thread = await wire.thread("When do cats sleep?")
        await ran(wire, assistant.id, thread.id)
        assert not wire.model.requests[0].tools
        file = await stored(wire, "cats.md", CATS)
        await wire.client.beta.threads.messages.create(
            thread.id, role="user", content="Here.", attachments=[attach(file.id, SEARCH)]
        )
        await ran(wire, assistant.id, thread.id)
        assert "cats.md" in told(wire.model.requests[2])


async def test_a_run_keeps_its_stores_alive(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Ok.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        (store,) = (await wire.client.vector_stores.list()).data
        async with wire.engine.database.write() as connection:
            await connection.execute(update(vector_stores).values(last_active_at=1))
        await ran(wire, assistant_id, thread_id)
        used = (await wire.client.vector_stores.retrieve(store.id)).last_active_at
        assert used is not None
        assert used >= time.time() - 60


async def test_a_run_on_an_expired_store_fails_and_says_so(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Ok.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        (store,) = (await wire.client.vector_stores.list()).data
        async with wire.engine.database.write() as connection:
            expiry = {"anchor": "last_active_at", "days": 1}
            await connection.execute(
                update(vector_stores).values(last_active_at=1, expires_after=expiry)
            )
        run = await ran(wire, assistant_id, thread_id)
        assert run.status == "failed"
        assert run.last_error is not None
        assert f"Vector store '{store.id}' has expired" in run.last_error.message
        assert (await ran(wire, assistant_id, thread_id, tools=[])).status == "completed"


async def test_a_run_on_a_deleted_store_fails_and_says_so(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Ok.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        (store,) = (await wire.client.vector_stores.list()).data
        await wire.client.vector_stores.delete(store.id)
        run = await ran(wire, assistant_id, thread_id)
        assert run.last_error is not None
        assert run.last_error.message == f"No vector store found with id '{store.id}'."


# --- streaming and stopping -------------------------------------------------------------------


async def test_the_stream_tells_the_search_in_the_recorded_order(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("sleeping cats"), says("All day.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        async with wire.client.beta.threads.runs.stream(
            thread_id=thread_id, assistant_id=assistant_id, include=[CONTENT]
        ) as stream:
            events = [(event.event, event.data) async for event in stream]
        assert [name for name, _ in events] == [
            "thread.run.created",
            "thread.run.queued",
            "thread.run.in_progress",
            "thread.run.step.created",
            "thread.run.step.in_progress",
            "thread.run.step.delta",
            "thread.run.step.completed",
            "thread.run.step.created",
            "thread.run.step.in_progress",
            "thread.message.created",
            "thread.message.in_progress",
            "thread.message.delta",
            "thread.message.completed",
            "thread.run.step.completed",
            "thread.run.completed",
        ]
        (opened,) = events[5][1].delta.step_details.tool_calls
        assert (opened.index, opened.type) == (0, "file_search")
        assert opened.id.startswith("call_")
        (found,) = events[6][1].step_details.tool_calls[0].file_search.results
        assert found.content[0].text == CATS.decode()


async def test_cancelling_ends_a_run_that_waits_for_indexing(tmp_path: Path) -> None:
    async with open_wire(tmp_path, says("Ok.")) as wire:
        # Nothing is indexed any more: the run waits for the thread's file.
        await wire.engine.indexer.close()
        assistant = await wire.assistant(tools=[SEARCH])
        file = await stored(wire, "cats.md", CATS)
        thread = await wire.client.beta.threads.create(
            messages=[{"role": "user", "content": "Hm?", "attachments": [attach(file.id, SEARCH)]}]
        )
        runs = wire.client.beta.threads.runs
        run = await runs.create(thread.id, assistant_id=assistant.id)

        async def status() -> str:
            return (await runs.retrieve(run.id, thread_id=thread.id)).status

        await until(lambda: _is(status, "in_progress"))
        await runs.cancel(run.id, thread_id=thread.id)
        await until(lambda: _is(status, "cancelled"))
        assert wire.model.requests == []


async def test_a_run_does_not_wait_for_ever_for_indexing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.tools.file_search.INDEXING_SECONDS", 0.02)
    async with open_wire(tmp_path, says("Ok.")) as wire:
        await wire.engine.indexer.close()
        assistant = await wire.assistant(tools=[SEARCH])
        file = await stored(wire, "cats.md", CATS)
        thread = await wire.client.beta.threads.create(
            messages=[{"role": "user", "content": "Hm?", "attachments": [attach(file.id, SEARCH)]}]
        )
        assert (await ran(wire, assistant.id, thread.id)).status == "completed"


async def test_without_a_code_interpreter_the_model_is_told(tmp_path: Path) -> None:
    answered = [TextDelta("I cannot run it."), Finished("stop", USAGE)]
    async with open_wire(tmp_path, answered) as wire:
        assistant = await wire.assistant(
            instructions="Be brief.", tools=[{"type": "code_interpreter"}]
        )
        run = await ran(wire, assistant.id, (await wire.thread("Run it.")).id)
        assert run.status == "completed"
        system = wire.model.requests[0].messages[0].text
        assert system.startswith("Be brief.\n\nThe code interpreter is switched on for you, but")
        assert not wire.model.requests[0].tools


async def _is(look: Any, wanted: str) -> bool:
    return bool(await look() == wanted)


async def test_the_app_is_told_of_a_search_and_a_function_in_one_turn(tmp_path: Path) -> None:
    both = calls(("file_search", '{"query": "sleeping cats"}'), ("look", '{"at": "it"}'))
    async with open_wire(tmp_path / "data", both, says("Done.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        await wire.client.beta.assistants.update(assistant_id, tools=[SEARCH, LOOK])
        runs = Runs(wire.client, FunctionsFolder(tmp_path))
        session = await runs.send(thread_id, assistant_id, "And now?")
        told = [
            [(call.kind, call.name, call.arguments) for call in event.step.calls]
            async for event in _until_asked(session)
            if isinstance(event, StepChanged)
        ]
        assert told[-1] == [
            ("file_search", "file_search", ""),
            ("function", "look", '{"at": "it"}'),
        ]
        await runs.close()


async def _until_asked(session: RunSession) -> AsyncIterator[RunEvent]:
    async for event in session.watch():
        yield event
        if isinstance(event, ApprovalNeeded):
            return


# --- very much of it ----------------------------------------------------------------------------


LONG = b"Cats sleep at dawn, for most of the day. " * 2000


async def test_many_searches_in_one_turn_share_the_room_there_is(tmp_path: Path) -> None:
    many = calls(*[("file_search", '{"query": "sleeping cats"}')] * 50)
    async with open_wire(tmp_path, many, says("See 【49:0†source】.")) as wire:
        names = [(f"{number}.md", b"%d. " % number + LONG) for number in range(3)]
        run = await ran(wire, *await searching(wire, *names))
        assert run.status == "completed"
        outputs = [each for each in wire.model.requests[1].messages if each.role == "tool"]
        assert len(outputs) == 50
        assert sum(len(each.text) for each in outputs) < 50 * 4_000
        (part,) = (await newest(wire, run.thread_id)).content
        assert part.type == "text"
        assert [each.text for each in part.text.annotations] == ["【49:0†source】"]


async def test_a_model_that_goes_on_searching_is_not_asked_more_than_fits(tmp_path: Path) -> None:
    searches = [asks("sleeping cats") for _ in range(8)]
    async with open_wire(tmp_path, *searches, says("Done.")) as wire:
        names = [(f"{number}.md", b"%d. " % number + LONG) for number in range(3)]
        assistant_id, thread_id = await searching(wire, *names)
        run = await ran(wire, assistant_id, thread_id, max_prompt_tokens=40_000)
        assert run.status == "completed"
        outputs = [each.text for each in wire.model.requests[-1].messages if each.role == "tool"]
        assert len(outputs) == 8
        assert sum(map(len, outputs)) < 40_000 * 4
        assert outputs[0].startswith("[This was left out")
        assert outputs[-1].startswith("【7:0†source】")


async def test_a_thread_that_goes_just_as_its_run_begins_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_wire(tmp_path, says("Ok.")) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))

        async def after_the_thread(*given: Any, **more: Any) -> Any:
            async with wire.engine.database.write() as connection:
                await threads.remove(connection, thread_id)
            return await open_toolbox(*given, **more)

        monkeypatch.setattr("services.engine.runs.loop.open_toolbox", after_the_thread)
        stream = await wire.client.beta.threads.runs.create(
            thread_id, assistant_id=assistant_id, stream=True
        )
        with pytest.raises(openai.APIError, match="No run found"):
            async for _ in stream:
                pass
        assert [each for each in caplog.records if each.exc_info] == []
