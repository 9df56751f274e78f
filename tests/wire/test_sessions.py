"""The services' view: records, conversations, and sessions that carry a run to its end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.assistants import Assistants
from services.engine.models.base import ModelError, TextDelta
from services.engine.store import runs as stored_runs
from services.events import (
    ApprovalNeeded,
    ApprovalSettled,
    MessageEnded,
    MessageStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    StepChanged,
    TextAdded,
    UsageReported,
)
from services.functions.folder import FunctionsFolder
from services.records import (
    Answer,
    Approve,
    AssistantDraft,
    Deny,
    FunctionTool,
    Message,
    RunNotStarted,
    ServiceError,
    ToolStep,
)
from services.runs import Runs
from services.session import RunSession
from services.threads import Threads
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.scripted import calls, says

LOOK_FILE = '''
def look(at: str = "nothing") -> str:
    """Looks at something."""
    return f"I see {at}."
'''


class Services:
    """What a workspace holds, over the test's wire."""

    def __init__(self, wire: Wire, functions: Path):
        self.wire = wire
        self.assistants = Assistants(wire.client)
        self.threads = Threads(wire.client)
        self.runs = Runs(wire.client, FunctionsFolder(functions))

    async def ask(self, text: str, *, tools: bool = False) -> RunSession:
        assistant = await self.wire.assistant(tools=[LOOK] if tools else [])
        thread = await self.threads.create()
        return await self.runs.send(thread.id, assistant.id, text)


@pytest.fixture
async def services(wire: Wire, tmp_path: Path) -> AsyncIterator[Services]:
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "mine.py").write_text(LOOK_FILE)
    services = Services(wire, functions)
    yield services
    await services.runs.close()


async def heard(session: RunSession) -> list[RunEvent]:
    return [event async for event in session.watch()]


async def waiting(session: RunSession) -> None:
    await until(lambda: session.pending)


async def test_an_assistant_goes_out_and_comes_back_as_it_was(services: Services) -> None:
    tool = FunctionTool("look", "Looks.", {"type": "object", "properties": {}}, strict=False)
    draft = AssistantDraft("Name", "gpt-4o", "Be brief.", "For tests", (tool,), 0.3, 0.9)
    made = await services.assistants.create(draft)
    (read,) = await services.assistants.list()
    assert read == made
    assert (read.name, read.model, read.instructions) == ("Name", "gpt-4o", "Be brief.")
    assert (read.tools, read.temperature, read.top_p) == ((tool,), 0.3, 0.9)
    cleared = await services.assistants.update(made.id, AssistantDraft("Name", "gpt-4o"))
    assert (cleared.instructions, cleared.tools) == ("", ())


async def test_a_session_tells_the_answer_from_start_to_end(services: Services) -> None:
    session = await services.ask("hi")
    events = await heard(session)
    assert isinstance(events[0], RunStarted)
    assert "".join(each.text for each in events if isinstance(each, TextAdded)) == "Hello, world."
    (ended,) = [each for each in events if isinstance(each, MessageEnded)]
    assert ended.message.text == "Hello, world."
    (usage,) = [each.usage for each in events if isinstance(each, UsageReported)]
    assert (usage.prompt_tokens, usage.completion_tokens) == (7, 3)
    last = events[-1]
    assert isinstance(last, RunEnded)
    assert (last.run.status, last.sentence) == ("completed", "")
    assert not session.active
    assert session.question is not None
    assert session.question.text == "hi"


async def test_a_late_watcher_catches_up(services: Services) -> None:
    go = asyncio.Event()
    services.wire.model.scripts = [[TextDelta("one"), go, *says(" two")]]
    session = await services.ask("hi")
    await until(lambda: any(message.text for message in session.messages()))
    late: list[RunEvent] = []
    async for event in session.watch():
        late.append(event)
        go.set()
    started = [each for each in late if isinstance(each, MessageStarted)]
    assert len(started) == 1
    assert "".join(each.text for each in late if isinstance(each, TextAdded)) == "one two"
    assert isinstance(late[-1], RunEnded)
    assert isinstance((await heard(session))[-1], RunEnded)


async def test_a_watcher_that_leaves_does_not_stop_the_run(services: Services) -> None:
    go = asyncio.Event()
    services.wire.model.scripts = [[TextDelta("one"), go, *says(" two")]]
    session = await services.ask("hi")
    async for event in session.watch():
        if isinstance(event, TextAdded):
            break
    go.set()
    await until(lambda: not session.active)
    assert session.messages()[0].text == "one two"


async def test_an_approved_call_runs_the_users_function(services: Services) -> None:
    services.wire.model.scripts = [calls(("look", '{"at": "x"}')), says("Seen.")]
    session = await services.ask("look", tools=True)
    events: list[RunEvent] = []
    async for event in session.watch():
        events.append(event)
        if isinstance(event, ApprovalNeeded):
            (request,) = event.requests
            assert (request.tool, request.runs_here) == ("look", True)
            await session.decide(request.call_id, Approve(request.fingerprint))
    assert any(isinstance(each, ApprovalSettled) for each in events)
    steps = [each.step for each in events if isinstance(each, StepChanged)]
    assert steps[-1].calls[0].output == "I see x."
    assert services.wire.model.requests[1].messages[-1].text == "I see x."


async def test_a_denied_call_tells_the_model_and_goes_on(services: Services) -> None:
    services.wire.model.scripts = [calls(("look", "{}"), ("look", "{}")), says("Fine.")]
    session = await services.ask("look", tools=True)
    await waiting(session)
    first, second = session.pending
    assert (first.position, first.of, second.position) == (1, 2, 2)
    await session.decide(first.call_id, Deny())
    assert services.wire.model.requests[1:] == []
    await session.decide(second.call_id, Deny("not today"))
    events = await heard(session)
    assert isinstance(events[-1], RunEnded)
    outputs = [message.text for message in services.wire.model.requests[1].messages[-2:]]
    assert "denied" in outputs[0]
    assert outputs[1].endswith("Reason: not today")


async def test_an_answer_by_hand_is_the_output(services: Services) -> None:
    services.wire.model.scripts = [calls(("search", "{}")), says("Found.")]
    tool = {"type": "function", "function": {"name": "search"}}
    assistant = await services.wire.assistant(tools=[tool])
    thread = await services.threads.create()
    session = await services.runs.send(thread.id, assistant.id, "search")
    await waiting(session)
    (request,) = session.pending
    assert not request.runs_here
    with pytest.raises(ServiceError, match="No function of that name"):
        await session.decide(request.call_id, Approve(request.fingerprint))
    await session.decide(request.call_id, Answer(request.fingerprint, "three laptops"))
    await heard(session)
    assert services.wire.model.requests[1].messages[-1].text == "three laptops"


async def test_a_decision_about_another_call_is_refused(services: Services) -> None:
    services.wire.model.scripts = [calls(("look", "{}")), says("Seen.")]
    session = await services.ask("look", tools=True)
    await waiting(session)
    with pytest.raises(ServiceError, match="not the one that was shown"):
        await session.decide(session.pending[0].call_id, Approve("another"))
    assert len(session.pending) == 1


async def test_cancelling_keeps_what_was_written(services: Services) -> None:
    services.wire.model.scripts = [[TextDelta("So far"), asyncio.Event()]]
    session = await services.ask("hi")
    await until(lambda: any(message.text for message in session.messages()))
    await session.cancel()
    events = await heard(session)
    last = events[-1]
    assert isinstance(last, RunEnded)
    assert last.run.status == "cancelled"
    (message,) = session.messages()
    assert (message.text, message.incomplete_reason) == ("So far", "run_cancelled")
    await session.cancel()


async def test_cancelling_while_a_call_waits_ends_the_run(services: Services) -> None:
    services.wire.model.scripts = [calls(("look", "{}"))]
    session = await services.ask("look", tools=True)
    await waiting(session)
    call_id = session.pending[0].call_id
    await session.cancel()
    last = (await heard(session))[-1]
    assert isinstance(last, RunEnded)
    assert last.run.status == "cancelled"
    assert session.pending == ()
    await session.decide(call_id, Deny())


async def test_a_call_nobody_decides_ends_with_its_run(services: Services) -> None:
    services.wire.model.scripts = [calls(("look", "{}"))]
    session = await services.ask("look", tools=True)
    await waiting(session)
    assert session.run is not None
    async with services.wire.engine.database.write() as connection:
        await stored_runs.change(connection, session.run.id, {"expires_at": int(time.time()) - 1})
    conversation = await services.threads.open(session.thread_id)
    assert conversation.last_run is not None
    assert conversation.last_run.status == "expired"


async def test_a_failed_run_says_why(services: Services) -> None:
    services.wire.model.scripts = [[ModelError("The endpoint is down.")]]
    session = await services.ask("hi")
    last = (await heard(session))[-1]
    assert isinstance(last, RunEnded)
    assert last.sentence == "The run failed: The endpoint is down."


async def test_a_busy_thread_refuses_in_a_sentence(services: Services) -> None:
    services.wire.model.scripts = [[TextDelta("one"), asyncio.Event()]]
    session = await services.ask("hi")
    with pytest.raises(ServiceError, match="Could not send the message: Can't add messages"):
        await services.runs.send(session.thread_id, session.assistant_id, "more")


async def test_a_conversation_holds_messages_and_tool_rows_in_their_order(
    services: Services,
) -> None:
    services.wire.model.scripts = [calls(("look", "{}"), text="Let me."), says("Seen.")]
    session = await services.ask("look", tools=True)
    await waiting(session)
    await session.decide(session.pending[0].call_id, Deny())
    await heard(session)
    conversation = await services.threads.open(session.thread_id)
    told = [
        f"{item.role}: {item.text}" if isinstance(item, Message) else f"tool: {item.calls[0].name}"
        for item in conversation.items
    ]
    assert told == ["user: look", "assistant: Let me.", "tool: look", "assistant: Seen."]
    assert conversation.thread.title == "look"
    assert not conversation.older


async def test_older_messages_come_in_pages(services: Services) -> None:
    thread = await services.wire.thread(*(f"message {number}" for number in range(10)))
    newest = await services.threads.open(thread.id, limit=4)
    assert [item.text for item in newest.items if isinstance(item, Message)] == [
        f"message {number}" for number in range(6, 10)
    ]
    assert newest.older
    older = await services.threads.open(thread.id, before=newest.items[0].id, limit=10)
    assert [item.text for item in older.items if isinstance(item, Message)] == [
        f"message {number}" for number in range(6)
    ]
    assert not older.older


async def test_a_page_in_the_middle_does_not_name_the_thread(services: Services) -> None:
    thread = await services.wire.thread(*(f"message {number}" for number in range(5)))
    assert (await services.threads.open(thread.id, limit=2)).thread.title == ""
    assert (await services.threads.open(thread.id)).thread.title == "message 0"


async def test_the_thread_list_tells_who_waits(services: Services) -> None:
    services.wire.model.scripts = [calls(("look", "{}"))]
    session = await services.ask("look at this", tools=True)
    await waiting(session)
    (thread,) = await services.threads.list()
    assert (thread.title, thread.waits_for_decision) == ("look at this", True)
    renamed = await services.threads.rename(thread.id, "  Mine ")
    assert renamed.title == "Mine"
    assert (await services.threads.list())[0].title == "Mine"


async def test_a_waiting_call_is_asked_again_after_a_restart(tmp_path: Path) -> None:
    folder, functions = tmp_path / "data", tmp_path / "functions"
    async with open_wire(folder, calls(("look", "{}"))) as first:
        session = await Services(first, functions).ask("look", tools=True)
        await waiting(session)
        await session.close()
    async with open_wire(folder, says("Seen.")) as second:
        services = Services(second, functions)
        resumed = await services.runs.resume(session.thread_id)
        assert resumed is not None
        await waiting(resumed)
        (row,) = resumed.steps()
        assert isinstance(row, ToolStep)
        await resumed.decide(resumed.pending[0].call_id, Deny())
        last = (await heard(resumed))[-1]
        assert isinstance(last, RunEnded)
        assert last.run.status == "completed"
        assert json.loads(second.model.requests[0].messages[1].calls[0].arguments) == {}


async def test_a_run_of_another_process_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    go = asyncio.Event()
    async with open_wire(folder, [TextDelta("one"), go, *says(" two")]) as first:
        session = await Services(first, tmp_path).ask("hi")
        await until(lambda: any(message.text for message in session.messages()))
        async with open_wire(folder) as second:
            followed = await Services(second, tmp_path).runs.resume(session.thread_id)
            assert followed is not None
            pieces: list[str] = []
            async for event in followed.watch():
                if isinstance(event, TextAdded):
                    pieces.append(event.text)
                    go.set()
            assert "".join(pieces) == "one two"
            assert not followed.active


async def test_a_run_that_cannot_start_leaves_the_message_in_the_thread(
    services: Services,
) -> None:
    thread = await services.threads.create()
    with pytest.raises(RunNotStarted, match="Your message is in the thread"):
        await services.runs.send(thread.id, "asst_gone", "hello")
    conversation = await services.threads.open(thread.id)
    assert [item.text for item in conversation.items if isinstance(item, Message)] == ["hello"]
