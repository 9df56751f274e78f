"""Sources, thoughts and failures as the app reads them from the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.citations import Sources
from services.engine.models.base import ReasoningDelta
from services.events import MessageEnded, ReasoningAdded, ReasoningEnded, StepChanged, TextAdded
from services.functions.folder import FunctionsFolder
from services.functions.outcomes import says_denied, says_failure
from services.records import Approve, Message, ServiceError, Thought, ToolStep
from services.runs import Runs
from services.threads import Threads
from tests.waiting import until
from tests.wire.conftest import LOOK, open_wire
from tests.wire.scripted import calls, says
from tests.wire.test_file_search import BOATS, CATS, asks, searching

MARKER = "【0:0†source】"


async def test_citations_are_told_while_the_answer_is_written_and_read_back(tmp_path: Path) -> None:
    script = says("All ", "day 【0:0†", "source】, they say.")
    async with open_wire(tmp_path, asks("sleeping cats"), script) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS), ("boats.md", BOATS))
        runs = Runs(wire.client, FunctionsFolder(tmp_path))
        session = await runs.start(thread_id, assistant_id)
        events = [event async for event in session.watch()]
        cited = [event for event in events if isinstance(event, TextAdded) and event.citations]
        assert [event.text for event in cited] == [MARKER]
        (ended,) = [event.message for event in events if isinstance(event, MessageEnded)]
        (citation,) = ended.citations
        assert (citation.marker, ended.text[citation.start : citation.end]) == (MARKER, MARKER)
        step = [event.step for event in events if isinstance(event, StepChanged)][-1]
        found = step.calls[0].found
        assert found is not None
        assert found[0].file_id == citation.file_id
        assert found[0].file_name == "cats.md"
        sources = Sources(wire.client)
        assert await sources.name(citation.file_id) == "cats.md"
        passages = await sources.passages(
            thread_id, ended.run_id or "", citation.file_id, citation.marker
        )
        assert passages[0].cited
        assert passages[0].text in CATS.decode()
        conversation = await Threads(wire.client).open(thread_id)
        stored = [item for item in conversation.items if isinstance(item, Message)][-1]
        assert stored.citations == ended.citations
        await runs.close()


async def test_a_marker_of_an_earlier_run_leads_to_that_runs_passage(tmp_path: Path) -> None:
    scripts = (asks("sleeping cats"), says(f"First {MARKER}."), says(f"Again {MARKER}."))
    async with open_wire(tmp_path, *scripts) as wire:
        assistant_id, thread_id = await searching(wire, ("cats.md", CATS))
        runs = Runs(wire.client, FunctionsFolder(tmp_path))
        for _ in range(2):
            session = await runs.start(thread_id, assistant_id)
            events = [event async for event in session.watch()]
        (ended,) = [event.message for event in events if isinstance(event, MessageEnded)]
        (citation,) = ended.citations
        passages = await Sources(wire.client).passages(
            thread_id, ended.run_id or "", citation.file_id, citation.marker
        )
        assert passages[0].cited
        await runs.close()


async def test_a_file_that_is_gone_is_called_by_its_id(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        sources = Sources(wire.client)
        assert await sources.name("file-gone") == "file-gone"
        sources.learn("file-1", "a.md")
        assert sources.known_name("file-1") == "a.md"
        with pytest.raises(ServiceError):
            await sources.passages("thread_gone", "run_gone", "file-1", MARKER)


async def test_thoughts_are_told_and_read_back_with_the_thread(tmp_path: Path) -> None:
    script = [ReasoningDelta("First this, "), ReasoningDelta("then that."), *says("Done.")]
    async with open_wire(tmp_path, script) as wire:
        assistant = await wire.assistant(tools=[LOOK])
        threads, runs = Threads(wire.client), Runs(wire.client, FunctionsFolder(tmp_path))
        thread = await threads.create()
        session = await runs.send(thread.id, assistant.id, "Think.")
        events = [event async for event in session.watch()]
        told = "".join(event.text for event in events if isinstance(event, ReasoningAdded))
        assert told == "First this, then that."
        (ended,) = [event.thought for event in events if isinstance(event, ReasoningEnded)]
        assert ended.text == told
        assert ended.seconds is not None
        conversation = await threads.open(thread.id)
        (thought,) = [item for item in conversation.items if isinstance(item, Thought)]
        assert thought.text == told
        late = [event async for event in session.watch()]
        assert [e.thought for e in late if isinstance(e, ReasoningEnded)] == [ended]
        await runs.close()


BROKEN = '''
def look(at: str = "nothing") -> str:
    """Looks at something."""
    raise ValueError("nothing to see")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "mine.py").write_text(BROKEN)
    return functions


async def test_a_function_that_failed_is_marked_and_stays_so(tmp_path: Path, folder: Path) -> None:
    async with open_wire(tmp_path, calls(("look", '{"at": "sea"}')), says("Oh.")) as wire:
        assistant = await wire.assistant(tools=[LOOK])
        threads, runs = Threads(wire.client), Runs(wire.client, FunctionsFolder(folder))
        thread = await threads.create()
        session = await runs.send(thread.id, assistant.id, "Look.")
        await until(lambda: session.pending)
        (request,) = session.pending
        await session.decide(request.call_id, Approve(request.fingerprint))
        events = [event async for event in session.watch()]
        step = [event.step for event in events if isinstance(event, StepChanged)][-1]
        assert step.calls[0].failed
        conversation = await threads.open(thread.id)
        (row,) = [item for item in conversation.items if isinstance(item, ToolStep)]
        assert row.calls[0].failed
        await runs.close()


@pytest.mark.parametrize(
    ("output", "failed"),
    [
        ("look failed: ValueError: no", True),
        ("look was not run. Its arguments do not fit:\nat is missing", True),
        ("look took longer than 60 s and was stopped (mine.py, line 3).", True),
        ("look crashed (SIGSEGV) before there was a result.", True),
        ("There is no function look in the functions folder.", True),
        ("mine.py has no function look any more.", True),
        ("look, a ship", False),
        ("looking failed: never", False),
        ("", False),
    ],
)
def test_the_workers_own_sentences_are_known(output: str, failed: bool) -> None:
    assert says_failure("look", output) is failed


def test_a_denial_is_known() -> None:
    assert says_denied("The user denied this call. Reason: no")
    assert not says_denied("The user denied this call, he said")
