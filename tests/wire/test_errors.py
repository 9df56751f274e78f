"""Mistakes: the status, the envelope, and the literal texts that clients match."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire.conftest import LOOK, Wire


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        ({}, "Missing required parameter: 'model'.", "model", "missing_required_parameter"),
        (
            {"model": "m", "file_ids": []},
            "Unknown parameter: 'file_ids'.",
            "file_ids",
            "unknown_parameter",
        ),
        (
            {"model": "m", "metadata": {"k": True}},
            "Invalid type for 'metadata.k': expected a string, but got a boolean instead.",
            "metadata.k",
            "invalid_type",
        ),
        (
            {"model": "m", "name": "n" * 257},
            "Invalid 'name': string too long. Expected a string with maximum length 256, "
            "but got a string with length 257 instead.",
            "name",
            "string_above_max_length",
        ),
        (
            {"model": "m", "tools": [LOOK] * 129},
            "Invalid 'tools': array too long. Expected an array with maximum length 128, "
            "but got an array with length 129 instead.",
            "tools",
            "array_above_max_length",
        ),
        (
            {"model": "m", "temperature": 3},
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, "
            "but got 3 instead.",
            "temperature",
            "decimal_above_max_value",
        ),
        (
            {"model": "m", "tools": [{"type": "retrieval"}]},
            "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'file_search', "
            "and 'function'.",
            "tools[0].type",
            "invalid_value",
        ),
        (
            {"model": "m", "response_format": {"type": "json_schema"}},
            "Missing required parameter: 'response_format.json_schema'.",
            "response_format.json_schema",
            "missing_required_parameter",
        ),
        (
            {"model": "m", "metadata": {str(number): "" for number in range(17)}},
            "Invalid 'metadata': too many properties. Expected an object with at most 16 "
            "properties, but got an object with 17 properties instead.",
            "metadata",
            "object_above_max_properties",
        ),
        (
            {"model": "m", "instructions": "\ud800"},
            "Invalid 'instructions': the string is not valid Unicode (it holds half of a "
            "character).",
            "instructions",
            "invalid_value",
        ),
    ],
)
async def test_a_refused_assistant_names_the_field(
    wire: Wire, body: dict[str, Any], message: str, param: str, code: str
) -> None:
    answer = await wire.raw("POST", "/assistants", content=json.dumps(body))
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }
    }


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (5, "content"),
        (None, "content"),
        ("", "content"),
        ([], "content"),
        ([{"type": "text", "text": 5}], "content[0].text"),
        ([{"type": "text", "text": {"value": "x"}}], "content[0].text"),
        ([{"type": "song"}], "content[0].type"),
        ([{"type": "image_url", "image_url": {}}], "content[0].image_url.url"),
        ("x" * 256_001, "content"),
    ],
)
async def test_a_refused_message_names_the_part(wire: Wire, content: Any, param: str) -> None:
    thread = await wire.thread()
    answer = await wire.raw(
        "POST", f"/threads/{thread.id}/messages", json={"role": "user", "content": content}
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert param in (error["param"], error["message"].split("'")[1])
    assert (await wire.client.beta.threads.messages.list(thread.id)).data == []


async def test_a_megabyte_of_text_is_refused_with_its_length(wire: Wire) -> None:
    thread = await wire.thread()
    answer = await wire.raw(
        "POST",
        f"/threads/{thread.id}/messages",
        json={"role": "user", "content": "x" * 1_000_000},
    )
    assert answer.status_code == 400
    assert "string too long" in answer.json()["error"]["message"]
    assert "1000000" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[1,", b"\xff\xfe", b"[" * 100_000, b'{"a":NaN'])
async def test_a_body_that_is_no_json_is_said_so(wire: Wire, body: bytes) -> None:
    answer = await wire.raw("POST", "/assistants", content=body)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/assistants/asst_none", "No assistant found with id 'asst_none'."),
        ("/threads/thread_none", "No thread found with id 'thread_none'."),
        ("/threads/thread_none/messages", "No thread found with id 'thread_none'."),
        ("/threads/thread_none/runs", "No thread found with id 'thread_none'."),
        ("/threads/thread_none/runs/run_none", "No thread found with id 'thread_none'."),
        ("/nothing", "Invalid URL (GET /v1/nothing)"),
    ],
)
async def test_what_is_not_there_is_404(wire: Wire, path: str, message: str) -> None:
    answer = await wire.raw("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == message


async def test_unknown_parts_of_a_thread_are_404(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    for path, message in [
        (f"/threads/{thread.id}/messages/msg_none", "No message found with id 'msg_none'."),
        (f"/threads/{thread.id}/runs/run_none", "No run found with id 'run_none'."),
        (
            f"/threads/{thread.id}/runs/{run.id}/steps/step_none",
            "No run step found with id 'step_none'.",
        ),
    ]:
        answer = await wire.raw("GET", path)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, message)


async def test_a_wrong_prefix_is_400(wire: Wire) -> None:
    answer = await wire.raw("GET", "/threads/undefined/messages")
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        "type": "invalid_request_error",
        "param": "thread_id",
        "code": "invalid_value",
    }


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order")],
)
async def test_a_bad_query_names_its_parameter(wire: Wire, query: str, param: str) -> None:
    answer = await wire.raw("GET", f"/assistants?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("name", ["after", "before"])
async def test_a_bad_cursor_names_the_id(wire: Wire, name: str) -> None:
    answer = await wire.raw("GET", f"/assistants?{name}=asst_nowhere")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == name
    assert "asst_nowhere" in answer.json()["error"]["message"]


async def test_a_failure_of_the_engine_tells_nobody_to_repeat_a_post(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("services.engine.routes.assistants.new_id", fail)
    answer = await wire.raw("POST", "/assistants", json={"model": "m"})
    assert answer.status_code == 500
    assert answer.headers["x-should-retry"] == "false"
    assert "secret" not in answer.text
