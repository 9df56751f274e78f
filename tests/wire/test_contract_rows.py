"""Single rows of the wire's contract: headers, cursors, limits, and the words of its errors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.engine.models.base import Finished, ModelError, TextDelta
from services.engine.store import runs as stored_runs
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.scripted import USAGE, calls, says


async def _files(wire: Wire, count: int) -> list[str]:
    made = [
        await wire.client.files.create(file=(f"{number}.txt", b"text"), purpose="assistants")
        for number in range(count)
    ]
    return [file.id for file in made]


# --- cursors ----------------------------------------------------------------------------------


async def test_a_file_in_two_stores_is_listed_once_in_each(wire: Wire) -> None:
    """A cursor is an id of the store that is listed: the same file has another place elsewhere."""
    file_ids = await _files(wire, 3)
    for _ in range(2):
        store = await wire.client.vector_stores.create(file_ids=file_ids)
        for order in ("asc", "desc"):
            seen = []
            async for file in wire.client.vector_stores.files.list(store.id, limit=1, order=order):
                seen.append(file.id)
                assert len(seen) <= 3
            assert sorted(seen) == sorted(file_ids)


async def test_before_counts_within_the_store(wire: Wire) -> None:
    file_ids = await _files(wire, 3)
    for _ in range(2):
        store = await wire.client.vector_stores.create(file_ids=file_ids)
        page = await wire.client.vector_stores.files.list(
            store.id, order="asc", before=file_ids[2], limit=1
        )
        assert [file.id for file in page.data] == [file_ids[1]]


@pytest.mark.parametrize("how", ["detached", "deleted"])
async def test_files_can_be_taken_out_of_a_store_while_they_are_listed(
    wire: Wire, how: str
) -> None:
    """The usual way to empty a store: list it, delete what comes, and ask for the next page."""
    file_ids = await _files(wire, 5)
    await wire.client.vector_stores.create(file_ids=file_ids)
    store = await wire.client.vector_stores.create(file_ids=file_ids)
    gone = []
    async for file in wire.client.vector_stores.files.list(store.id, limit=2):
        if how == "detached":
            await wire.client.vector_stores.files.delete(file.id, vector_store_id=store.id)
        else:
            await wire.client.files.delete(file.id)
        gone.append(file.id)
    assert sorted(gone) == sorted(file_ids)


async def test_a_file_that_came_back_stands_at_its_new_place(wire: Wire) -> None:
    first, second = await _files(wire, 2)
    store = await wire.client.vector_stores.create(file_ids=[first, second])
    for _ in range(2):
        await wire.client.vector_stores.files.delete(first, vector_store_id=store.id)
        await wire.client.vector_stores.files.create(store.id, file_id=first)
    page = await wire.client.vector_stores.files.list(store.id, order="asc", after=second)
    assert [file.id for file in page.data] == [first]


async def test_a_cursor_that_was_never_in_the_store_is_refused(wire: Wire) -> None:
    inside, outside = await _files(wire, 2)
    store = await wire.client.vector_stores.create(file_ids=[inside])
    answer = await wire.raw("GET", f"/vector_stores/{store.id}/files?after={outside}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "after"


@pytest.mark.parametrize("empty", ["limit", "order", "after", "before"])
async def test_an_empty_parameter_of_a_list_is_one_that_was_not_given(
    wire: Wire, empty: str
) -> None:
    answer = await wire.raw("GET", f"/assistants?{empty}=")
    assert answer.status_code == 200


# --- how runs end -----------------------------------------------------------------------------

HALF = TextDelta("Half")
ENDS = {
    "completed": ([*says("Hello")], "completed_at", None),
    "incomplete": ([HALF, Finished("length", USAGE)], "completed_at", "max_tokens"),
    "failed": ([HALF, ModelError("The endpoint is down.")], "failed_at", "run_failed"),
    "cancelled": ([HALF, asyncio.Event()], "cancelled_at", "run_cancelled"),
    "expired": ([HALF, asyncio.Event()], None, "run_expired"),
}


@pytest.mark.parametrize("status", ENDS)
async def test_an_end_sets_its_own_time_and_no_other(
    wire: Wire, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, own_time, reason = ENDS[status]
    wire.model.scripts = [script]
    monkeypatch.setattr("services.engine.runs.runner.WATCH_SECONDS", 0.01)
    assistant, thread = await wire.assistant(), await wire.thread("hi")
    runs = wire.client.beta.threads.runs
    stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
    told: list[Any] = []
    async for event in stream:
        told.append(event)
        if event.event == "thread.message.delta":
            run_id = (await runs.list(thread.id)).data[0].id
            if status == "cancelled":
                await runs.cancel(run_id, thread_id=thread.id)
            elif status == "expired":
                async with wire.engine.database.write() as connection:
                    await stored_runs.change(connection, run_id, {"expires_at": 1})
    last = told[-1]
    assert last.event == f"thread.run.{status}"
    run = (await wire.raw("GET", f"/threads/{thread.id}/runs/{last.data.id}")).json()
    times = {name for name in ("completed_at", "failed_at", "cancelled_at") if run[name]}
    assert times == ({own_time} if own_time else set())
    assert run["status"] == status
    assert run["started_at"] is not None
    assert run["expires_at"] is None
    assert run["required_action"] is None
    assert run["usage"] is not None
    assert (run["last_error"] is None) == (status != "failed")
    assert (run["incomplete_details"] is None) == (status != "incomplete")

    path = f"/threads/{thread.id}/messages?run_id={run['id']}"
    (message,) = (await wire.raw("GET", path)).json()["data"]
    if reason is None:
        assert (message["status"], message["incomplete_details"]) == ("completed", None)
        assert message["completed_at"]
        assert not message["incomplete_at"]
    else:
        assert (message["status"], message["incomplete_details"]) == (
            "incomplete",
            {"reason": reason},
        )
        assert message["incomplete_at"]
        assert not message["completed_at"]
        assert message["content"][0]["text"]["value"] == "Half"

    (step,) = (await wire.raw("GET", f"/threads/{thread.id}/runs/{run['id']}/steps")).json()["data"]
    of_step = "completed" if status == "incomplete" else status
    step_times = {"completed_at", "failed_at", "cancelled_at", "expired_at"}
    assert {name for name in step_times if step[name]} == {f"{of_step}_at"}
    assert step["status"] == of_step
    names = [event.event for event in told if not event.event.endswith("delta")]
    # A failure is told from within: the step, then its message.
    parts = [f"thread.message.{message['status']}", f"thread.run.step.{of_step}"]
    assert names[-3:-1] == (parts[::-1] if status == "failed" else parts)
    assert names[-1] == f"thread.run.{status}"


async def test_a_run_has_600_seconds_counted_from_its_creation(wire: Wire) -> None:
    wire.model.scripts = [calls(("look", "{}")), says("Seen.")]
    assistant, thread = await wire.assistant(tools=[LOOK]), await wire.thread("look")
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.expires_at == run.created_at + 600
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    again = await runs.submit_tool_outputs(
        run.id, thread_id=thread.id, tool_outputs=[{"tool_call_id": call.id, "output": ""}]
    )
    assert (again.status, again.required_action) == ("queued", None)
    assert (again.expires_at, again.started_at) == (run.expires_at, run.started_at)


async def test_a_file_search_without_a_store_is_offered_to_nobody(wire: Wire) -> None:
    """Assistants are often made with the tool before there is anything to search."""
    assistant = await wire.assistant(tools=[{"type": "file_search"}])
    thread = await wire.thread("What is the capital?")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    assert run.status == "completed"
    assert not wire.model.requests[0].tools


async def test_a_file_search_that_is_insisted_on_without_a_store_finds_nothing(
    wire: Wire,
) -> None:
    wire.model.scripts = [calls(("file_search", '{"queries": ["capital"]}')), says("Nothing.")]
    assistant = await wire.assistant(tools=[{"type": "file_search"}])
    thread = await wire.thread("What is the capital?")
    runs = wire.client.beta.threads.runs
    async with asyncio.timeout(20):
        run = await runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, tool_choice={"type": "file_search"}
        )
    assert run.status == "completed"
    steps = (await wire.raw("GET", f"/threads/{thread.id}/runs/{run.id}/steps?order=asc")).json()
    (call,) = steps["data"][0]["step_details"]["tool_calls"]
    assert call["type"] == "file_search"
    assert call["file_search"]["results"] == []


# --- headers ----------------------------------------------------------------------------------


async def test_pollers_of_files_and_batches_are_told_when_to_look_again(wire: Wire) -> None:
    (file_id,) = await _files(wire, 1)
    store = await wire.client.vector_stores.create()
    path = f"/vector_stores/{store.id}"
    attached = await wire.raw("POST", f"{path}/files", json={"file_id": file_id})
    read = await wire.raw("GET", f"{path}/files/{file_id}")
    batch = await wire.raw("POST", f"{path}/file_batches", json={"file_ids": [file_id]})
    looked = await wire.raw("GET", f"{path}/file_batches/{batch.json()['id']}")
    for answer in (attached, read, batch, looked):
        assert 0 < int(answer.headers["openai-poll-after-ms"]) < 1000


# --- the words of errors ----------------------------------------------------------------------


async def _refused(wire: Wire, path: str, body: Any) -> dict[str, Any]:
    answer = await wire.raw("POST", path, json=body)
    assert answer.status_code == 400
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


async def test_three_supported_values_are_listed_with_commas(wire: Wire) -> None:
    error = await _refused(
        wire, "/threads/runs", {"assistant_id": "asst_x", "tool_choice": "sometimes"}
    )
    assert error["message"] == (
        "Invalid value: 'sometimes'. Supported values are: 'none', 'auto', and 'required'."
    )
    assert error["param"] == "tool_choice"


async def test_an_unknown_tool_names_its_place_and_what_there_is(wire: Wire) -> None:
    error = await _refused(wire, "/assistants", {"model": "m", "tools": [{"type": "retrieval"}]})
    assert error["message"] == (
        "Invalid value: 'retrieval'. "
        "Supported values are: 'code_interpreter', 'file_search', and 'function'."
    )
    assert error["param"] == "tools[0].type"


async def test_unknown_values_of_a_query_or_a_form_are_listed_likewise(wire: Wire) -> None:
    store = await wire.client.vector_stores.create()
    for answer, supported in (
        (await wire.raw("GET", "/assistants?order=up"), "'asc' and 'desc'"),
        (
            await wire.raw("GET", f"/vector_stores/{store.id}/files?filter=up"),
            "'in_progress', 'completed', 'failed', and 'cancelled'",
        ),
        (
            await wire.raw(
                "POST", "/files", files={"file": ("a.txt", b"a")}, data={"purpose": "up"}
            ),
            "'assistants', 'batch', 'fine-tune', 'vision', 'user_data', and 'evals'",
        ),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == (
            f"Invalid value: 'up'. Supported values are: {supported}."
        )


async def test_an_unknown_response_format_names_its_type(wire: Wire) -> None:
    error = await _refused(wire, "/assistants", {"model": "m", "response_format": {"type": "xml"}})
    assert error["message"] == (
        "Invalid value: 'xml'. Supported values are: 'text', 'json_object', and 'json_schema'."
    )
    assert error["param"] == "response_format.type"


async def test_arrays_and_objects_that_are_too_long_say_how_long(wire: Wire) -> None:
    tool = {"type": "function", "function": {"name": "look"}}
    error = await _refused(wire, "/assistants", {"model": "m", "tools": [tool] * 129})
    assert error["message"] == (
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an "
        "array with length 129 instead."
    )
    assert (error["param"], error["code"]) == ("tools", "array_above_max_length")
    pairs = {str(number): "" for number in range(17)}
    error = await _refused(wire, "/threads", {"metadata": pairs})
    assert error["message"] == (
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 17 properties instead."
    )
    assert (error["param"], error["code"]) == ("metadata", "object_above_max_properties")


async def test_a_name_of_metadata_that_is_too_long_is_named_as_one(wire: Wire) -> None:
    error = await _refused(wire, "/threads", {"metadata": {"k" * 65: "v"}})
    assert error["message"] == (
        "Invalid property name in 'metadata': 'kkk...kkk' is too long. Expected a string with "
        "maximum length 64, but got a string with length 65 instead."
    )
    assert error["param"] == f"metadata.{'k' * 65}"
    assert error["code"] == "property_name_above_max_length"


async def test_a_mistake_of_the_whole_body_names_no_parameter(wire: Wire) -> None:
    store = await wire.client.vector_stores.create()
    for path, body in (
        (f"/vector_stores/{store.id}/file_batches", {}),
        ("/assistants", ["model"]),
    ):
        error = await _refused(wire, path, body)
        assert error["param"] is None


# --- metadata ---------------------------------------------------------------------------------


@pytest.mark.parametrize("replaced", [False, True])
async def test_metadata_merges_or_replaces_as_the_engine_is_set(
    tmp_path: Path, replaced: bool
) -> None:
    async with open_wire(tmp_path, replace_metadata=replaced) as wire:
        first, second = {"a": "1", "b": "2"}, {"b": "3"}
        expected = second if replaced else {"a": "1", "b": "3"}
        assistant = await wire.assistant(metadata=first)
        thread = await wire.client.beta.threads.create(metadata=first)
        store = await wire.client.vector_stores.create(metadata=first)
        for path in (
            f"/assistants/{assistant.id}",
            f"/threads/{thread.id}",
            f"/vector_stores/{store.id}",
        ):
            changed = await wire.raw("POST", path, json={"metadata": second})
            assert changed.json()["metadata"] == expected
