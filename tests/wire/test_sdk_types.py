"""Every answer of every route, held against the type that the SDK declares for it.

One conversation with the engine touches every route and every way a run can end; a hook keeps what
came over the wire. What then differs from the SDK's types must be in ``DIFFERENCES``, and what is
in there must differ.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from openai.types.beta import AssistantStreamEvent
from openai.types.beta.threads import RunStatus

from tests.wire.conftest import open_wire
from tests.wire.sdk_conversation import converse
from tests.wire.sdk_traffic import ANSWERS, OWN, Traffic, routes

_RECORDED = "on the recorded wire, though not in the published schema"
_PAGE = "of the wire's list, which the SDK's page reads past"
_ONCE = "sent once: the SDK's accumulators add up what is repeated"
_GIVEN = "as the client gave it: what was left out stays out"
# (type, key, kind): why the wire is right and the type is not, or does not say all.
DIFFERENCES: dict[tuple[str, str, str], str] = {
    ("assistant.Assistant", "reasoning_effort", "unknown"): _RECORDED,
    ("assistant.ToolResources", "code_interpreter", "missing"): "only of tools that are on",
    ("assistant.ToolResources", "file_search", "missing"): "only of tools that are on",
    ("thread.ToolResources", "code_interpreter", "missing"): "only of tools that are in use",
    ("thread.ToolResources", "file_search", "missing"): "only of tools that are in use",
    ("thread.Thread", "understudy", "unknown"): "the list of threads, which the hosted API lacked",
    ("run.Run", "instructions", "wrong"): "null when there are none, as recorded",
    ("run.Run", "reasoning_effort", "unknown"): _RECORDED,
    ("run.Run", "tool_resources", "unknown"): _RECORDED,
    ("run.Usage", "prompt_token_details", "unknown"): _RECORDED,
    ("run.Usage", "completion_tokens_details", "unknown"): _RECORDED,
    ("run_step.Usage", "prompt_token_details", "unknown"): _RECORDED,
    ("run_step.Usage", "completion_tokens_details", "unknown"): _RECORDED,
    ("run_step.RunStep", "expires_at", "unknown"): "the wire's name; the schema's is sent as well",
    ("vector_store.VectorStore", "name", "wrong"): "null when none was given, as recorded",
    ("vector_store.VectorStore", "description", "unknown"): "given in the request, so told again",
    ("file_object.FileObject", "expires_at", "missing"): "absent from files that do not expire",
    ("file_search_tool.FileSearchTool", "file_search", "missing"): _GIVEN,
    ("file_search_tool.FileSearch", "max_num_results", "missing"): _GIVEN,
    ("function_definition.FunctionDefinition", "strict", "missing"): _GIVEN,
    ("file_search_tool_call.FileSearchResult", "content", "missing"): "only if include[] asks",
    ("function_tool_call_delta.FunctionToolCallDelta", "id", "missing"): _ONCE,
    ("function_tool_call_delta.Function", "name", "missing"): _ONCE,
    ("function_tool_call_delta.Function", "output", "missing"): _ONCE,
    ("message_delta.MessageDelta", "role", "missing"): "optional, and never on the recorded wire",
    ("text_delta.TextDelta", "annotations", "missing"): _ONCE,
    ("assistant_stream_event.ThreadCreated", "enabled", "missing"): "of audio, not of threads",
    ("assistant_stream_event.ErrorEvent", "data", "wrapped"): (
        "the SDK raises only for {'error': ...}, though its type is the bare object"
    ),
    ("error_object.ErrorObject", "misalignment", "missing"): "of the Responses API alone",
    ("model.Model", "shutdown_date", "missing"): "newer than the Assistants API",
    ("pagination.AsyncCursorPage", "object", "unknown"): _PAGE,
    ("pagination.AsyncCursorPage", "first_id", "unknown"): _PAGE,
    ("pagination.AsyncCursorPage", "last_id", "unknown"): _PAGE,
    ("pagination.AsyncPage", "has_more", "unknown"): _PAGE,
    ("pagination.AsyncPage", "next_page", "unknown"): _PAGE,
    ("pagination.AsyncPage", "search_query", "unknown"): _PAGE,
}


@pytest.fixture
async def traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Traffic]:
    async with open_wire(tmp_path / "data") as wire:
        kept = Traffic(wire.app)
        wire.client._client.event_hooks = {"response": [kept.keep]}
        await converse(wire, monkeypatch)
        yield kept


async def test_every_answer_is_what_the_sdk_declares(traffic: Traffic) -> None:
    assert {route for route, _ in traffic.answers} == set(ANSWERS)
    served = {
        (method, route.path)
        for route in routes(traffic.app)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert served == set(ANSWERS) | OWN
    found = {each.entry: each for each in traffic.found()}
    assert [each for entry, each in found.items() if entry not in DIFFERENCES] == []
    assert DIFFERENCES.keys() - found.keys() == set()


async def test_all_states_and_kinds_came_over_the_wire(traffic: Traffic) -> None:
    assert traffic.told("thread.run", "status") == set(get_args(RunStatus))
    assert traffic.told("thread.run.step", "status") == {
        "in_progress",
        "cancelled",
        "failed",
        "completed",
        "expired",
    }
    assert traffic.told("thread.message", "status") == {"in_progress", "incomplete", "completed"}
    assert traffic.told("vector_store.file", "status") == {"in_progress", "completed", "failed"}
    assert traffic.told("upload", "status") == {"pending", "completed", "cancelled"}
    (union, *_) = get_args(AssistantStreamEvent)
    names = {get_args(event.model_fields["event"].annotation)[0] for event in get_args(union)}
    assert {event["event"] for event in traffic.events} == names
    kinds = {each["type"] for each in traffic.objects() if isinstance(each.get("type"), str)}
    assert KINDS - kinds == set()


KINDS = {
    "text",
    "image_file",
    "image_url",
    "refusal",
    "function",
    "tool_calls",
    "message_creation",
    "submit_tool_outputs",
    "file_search",
    "file_citation",
    "static",
    "json_schema",
    "json_object",
}
