"""What can be known of a run and of a thread, over the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI

from services.inspection import Inspection, Step, StepCall, call_of, run_of, working_seconds
from services.records import ServiceError
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.scripted import USAGE, calls, says


async def run_once(wire: Wire, *, thread_id: str | None = None, tools: Any = ()) -> tuple[str, str]:
    assistant = await wire.assistant(tools=list(tools))
    thread_id = thread_id or (await wire.thread("Hello?")).id
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=assistant.id
    )
    return thread_id, run.id


async def test_a_report_has_steps_tokens_and_times(wire: Wire) -> None:
    thread_id, run_id = await run_once(wire)
    report = await Inspection(wire.client).report(thread_id, run_id)
    assert (report.run.id, report.run.status, report.run.model) == (run_id, "completed", "scripted")
    (step,) = report.steps
    assert step.message_id is not None
    assert step.usage is not None
    assert step.usage.prompt_tokens == USAGE.prompt_tokens
    assert report.seconds is not None
    assert report.settings["response_format"] == "auto"


async def test_a_function_call_is_told_with_its_arguments_and_output(tmp_path: Any) -> None:
    async with open_wire(tmp_path, calls(("look", '{"at":"sea"}')), says("Blue.")) as wire:
        thread_id, run_id = await run_once(wire, tools=[LOOK])
        run = await wire.client.beta.threads.runs.retrieve(run_id, thread_id=thread_id)
        assert run.required_action is not None
        (call,) = run.required_action.submit_tool_outputs.tool_calls
        await wire.client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run_id,
            thread_id=thread_id,
            tool_outputs=[{"tool_call_id": call.id, "output": "blue"}],
        )
        report = await Inspection(wire.client).report(thread_id, run_id)
        assert [step.by_user for step in report.steps] == [True, False]
        assert report.steps[0].calls == (
            StepCall("function", "look", call.id, '{\n  "at": "sea"\n}', "blue"),
        )


async def test_the_requests_of_our_own_server_are_told(wire: Wire) -> None:
    thread_id, run_id = await run_once(wire)
    report = await Inspection(wire.client).report(thread_id, run_id)
    assert report.requests is not None, "our own server tells them, if only an empty list"


async def test_runs_are_listed_newest_first_and_summed_once(wire: Wire) -> None:
    inspection = Inspection(wire.client)
    thread_id, first = await run_once(wire)
    sums = await inspection.figures(thread_id)
    assert (sums.runs, sums.usage.prompt_tokens) == (1, USAGE.prompt_tokens)
    _, second = await run_once(wire, thread_id=thread_id)
    assert [run.id for run in await inspection.runs(thread_id)] == [second, first]
    again = await inspection.figures(thread_id)
    assert (again.runs, again.usage.prompt_tokens) == (2, 2 * USAGE.prompt_tokens)
    assert await inspection.figures(thread_id) == again


async def test_a_run_that_is_not_there_is_said(wire: Wire) -> None:
    thread_id, _ = await run_once(wire)
    with pytest.raises(ServiceError, match="Could not read the run"):
        await Inspection(wire.client).report(thread_id, "run_none")


# Other servers, and what they may send

RUN = {
    "id": "run_1",
    "object": "thread.run",
    "thread_id": "thread_1",
    "assistant_id": "asst_1",
    "status": "completed",
    "model": "gpt-4o",
    "created_at": 100,
    "started_at": 100,
    "completed_at": 160,
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    "tools": [{"type": "function", "function": {"name": "look"}}],
}
STEP = {
    "id": "step_1",
    "status": "completed",
    "created_at": 101,
    "completed_at": 151,
    "step_details": {
        "type": "tool_calls",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look"}}],
    },
}


def foreign(asked: list[str], runs: int = 1) -> AsyncOpenAI:
    """A server that knows the hosted API alone; ``runs`` of them, in pages of 100."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/v1")
        asked.append(path)
        if path.endswith("/requests"):
            return httpx2.Response(404, json={"error": {"message": "Unknown request URL"}})
        if path.endswith("/steps"):
            return httpx2.Response(200, json={"data": [STEP], "has_more": False})
        if path.endswith("/runs"):
            start = int(str(request.url.params.get("after", "run_0")).removeprefix("run_"))
            some = range(start + 1, min(start + 100, runs) + 1)
            data = [{**RUN, "id": f"run_{number}"} for number in some]
            return httpx2.Response(200, json={"data": data, "has_more": some.stop <= runs})
        return httpx2.Response(200, json=RUN)

    http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return AsyncOpenAI(base_url="http://x/v1", api_key="k", http_client=http_client, max_retries=0)


async def test_a_server_that_does_not_tell_its_requests_is_none_to_complain_of() -> None:
    report = await Inspection(foreign([])).report("thread_1", "run_1")
    assert report.requests is None
    assert report.models == ()
    assert report.seconds == 10, "the fifty seconds in which a function waited do not count"


async def test_ended_runs_are_read_once_however_many_there_are() -> None:
    asked: list[str] = []
    inspection = Inspection(foreign(asked, runs=250))
    sums = await inspection.figures("thread_1")
    assert (sums.runs, sums.usage.completion_tokens, sums.seconds) == (250, 1250, 2500)
    asked.clear()
    assert await inspection.figures("thread_1") == sums
    assert asked == ["/threads/thread_1/runs"]


async def test_ids_of_a_server_cannot_lead_elsewhere() -> None:
    asked: list[str] = []
    await Inspection(foreign(asked)).report("../files", "a/b?c")
    assert all(path.startswith("/threads/") for path in asked)


def test_a_file_search_tells_scores_and_passages() -> None:
    call = call_of(
        {
            "id": "c",
            "type": "file_search",
            "file_search": {
                "ranking_options": {"ranker": "auto", "score_threshold": 0},
                "results": [
                    {"file_name": "a.md", "score": 0.81, "content": [{"text": "Passage."}]},
                    {"file_id": "file_2"},
                ],
            },
        }
    )
    assert call.output == "0.810  a.md\nPassage.\n\nfile_2"
    assert '"ranker": "auto"' in call.given


def test_code_tells_its_logs_and_images() -> None:
    told = {
        "input": "plot()",
        "outputs": [{"type": "logs", "logs": "ok"}, {"type": "image", "image": {"file_id": "f"}}],
    }
    call = call_of({"type": "code_interpreter", "code_interpreter": told})
    assert (call.given, call.output) == ("plot()", "ok\n[image f]")
    assert call_of({"type": "new", "new": 1}).kind == "new"


def test_working_time_is_none_before_the_start_and_never_below_zero() -> None:
    run = run_of(RUN)
    assert working_seconds(replace(run, started_at=None), ()) is None
    long = Step("s", "completed", 0, 500, calls=(StepCall("function", "f"),))
    assert working_seconds(run, (long,)) == 0
