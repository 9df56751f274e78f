"""Answers that have to match a schema, from endpoints that do not see to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.engine.models.base import ModelRequest, ModelUsage, TextDelta
from services.engine.models.chat_completions import ChatCompletions
from services.engine.models.schema_check import SchemaCheck
from services.engine.models.structured import MOST_HELD, StructuredModel, unfenced
from tests.faults.conftest import Heard, asking, hear
from tests.faults.endpoint import (
    Drop,
    Endpoint,
    Gate,
    answer,
    call,
    chunk,
    ending,
    refusal,
    says,
    stream,
)

Connect = Callable[..., ChatCompletions]
COLOUR = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
RED = '{"colour": "red"}'


def wanting(*tools: str, schema: object = None, strict: object = True, **more: Any) -> ModelRequest:
    described = {"name": "x", "schema": schema or COLOUR, "strict": strict}
    wanted = {"type": "json_schema", "json_schema": described}
    return asking("Which?", *tools, response_format=wanted, **more)


@pytest.fixture
def ask_structured(fake: Endpoint, connected: Connect) -> Callable[[ModelRequest], Any]:
    async def once(request: ModelRequest) -> Heard:
        return await hear(StructuredModel(connected(fake.url)), request)

    return once


Ask = Callable[[ModelRequest], Any]


async def test_a_matching_answer_arrives_whole(fake: Endpoint, ask_structured: Ask) -> None:
    fake.will(answer('{"colour"', ': "red"}'))
    heard = await ask_structured(wanting())
    assert [each.text for each in heard.events if isinstance(each, TextDelta)] == [RED]
    assert heard.finished.usage == ModelUsage(11, 7)
    assert len(fake.chats) == 1


@pytest.mark.parametrize(
    "wrong",
    ['{"colour": "green"}', '{"color": "red"}', "Red, I think.", "[]", "", "NaN", '{"colour": "re'],
)
async def test_an_answer_that_does_not_match_is_repaired_once(
    fake: Endpoint, ask_structured: Ask, wrong: str
) -> None:
    fake.will(answer(wrong), answer(RED))
    heard = await ask_structured(wanting())
    assert heard.text == RED
    assert heard.finished.usage == ModelUsage(22, 14), "both attempts are paid for"
    *_, made, complaint = fake.chats[1].body["messages"]
    assert (made["role"], made["content"]) == ("assistant", wrong)
    assert "does not match the JSON schema" in complaint["content"]


async def test_what_was_wrong_is_told(fake: Endpoint, ask_structured: Ask) -> None:
    fake.will(answer('{"colour": "green"}'), answer(RED))
    await ask_structured(wanting())
    complaint = fake.chats[1].body["messages"][-1]["content"]
    assert "at colour: 'green' is not one of ['red', 'blue']" in complaint


async def test_an_answer_that_stays_wrong_goes_through_with_a_line_in_the_log(
    fake: Endpoint, ask_structured: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    fake.always(answer("Red."))
    heard = await ask_structured(wanting())
    assert (heard.text, heard.finished.reason) == ("Red.", "stop")
    assert len(fake.chats) == 2
    assert "did not answer in the schema asked for, twice" in caplog.text


async def test_a_repair_that_cannot_be_asked_for_leaves_the_answer(
    fake: Endpoint, ask_structured: Ask
) -> None:
    fake.will(answer("Red."), refusal(503, "overloaded"))
    heard = await ask_structured(wanting())
    assert heard.text == "Red."
    assert heard.error is None


@pytest.mark.parametrize(
    "text", [f"```json\n{RED}\n```", f"```\n{RED}\n```\n", f"  ```JSON\r\n{RED}```"]
)
async def test_a_fence_around_the_answer_is_taken_off(
    fake: Endpoint, ask_structured: Ask, text: str
) -> None:
    fake.will(answer(*text))
    assert (await ask_structured(wanting())).text == RED
    assert len(fake.chats) == 1


def test_only_a_fence_around_everything_is_one() -> None:
    assert unfenced("Here:\n```json\n{}\n```") == "Here:\n```json\n{}\n```"


async def test_calls_pass_untouched_and_so_does_the_text_before_them(
    fake: Endpoint, ask_structured: Ask
) -> None:
    part = {"index": 0, "id": "c", "function": {"name": "look", "arguments": '{"a": 1}'}}
    fake.will(
        call("look", {"a": 1}),
        stream(*says("Let me see."), chunk({"tool_calls": [part]}), *ending("tool_calls")),
    )
    assert (await ask_structured(wanting("look"))).calls == [("look", '{"a": 1}')]
    heard = await ask_structured(wanting("look"))
    assert (heard.text, heard.calls) == ("Let me see.", [("look", '{"a": 1}')])
    assert isinstance(heard.events[0], TextDelta)
    assert len(fake.chats) == 2


async def test_a_repair_may_not_call_tools(fake: Endpoint, ask_structured: Ask) -> None:
    fake.will(answer("Red."), call("look", {}))
    heard = await ask_structured(wanting("look"))
    assert (heard.text, heard.calls) == ("Red.", [])
    assert fake.chats[1].body["tool_choice"] == "none"


async def test_an_answer_that_is_cut_off_is_given_out_as_it_is(
    fake: Endpoint, ask_structured: Ask
) -> None:
    fake.will(stream(*says('{"col'), Drop()), stream(*says('{"col'), *ending("length")))
    heard = await ask_structured(wanting())
    assert heard.text == '{"col'
    assert "before the answer was complete" in heard.complaint
    heard = await ask_structured(wanting())
    assert (heard.text, heard.finished.reason) == ('{"col', "length")
    assert len(fake.chats) == 2


async def test_a_refusal_is_not_checked(fake: Endpoint, ask_structured: Ask) -> None:
    fake.will(stream(chunk({"refusal": "No."}), *ending()))
    assert (await ask_structured(wanting())).refusal == "No."
    assert len(fake.chats) == 1


async def test_the_repair_keeps_to_the_token_limit(fake: Endpoint, ask_structured: Ask) -> None:
    fake.will(answer("Red."), answer(RED), answer("Red."))
    assert (await ask_structured(wanting(max_tokens=100))).text == RED
    assert fake.chats[1].body["max_tokens"] == 93
    assert (await ask_structured(wanting(max_tokens=9))).text == "Red."
    assert len(fake.chats) == 3, "what is left is too little for an answer"


async def test_an_answer_too_long_to_hold_is_streamed(fake: Endpoint, ask_structured: Ask) -> None:
    text = "x" * (MOST_HELD // 2)
    fake.will(answer(text, text, "y", "z"))
    heard = await ask_structured(wanting())
    assert len(heard.text) == MOST_HELD + 2
    assert len(fake.chats) == 1


@pytest.mark.parametrize(
    "request_made",
    [
        asking("Hi"),
        asking("Hi", response_format={"type": "json_object"}),
        wanting(strict=False),
        wanting(strict=None),
    ],
    ids=["text", "json_object", "not strict", "unsaid"],
)
async def test_nothing_else_is_held_back(
    fake: Endpoint, connected: Connect, request_made: ModelRequest
) -> None:
    gate = Gate()
    fake.will(stream(*says("One "), gate, *says("two."), *ending()))
    events = StructuredModel(connected(fake.url)).stream(request_made)
    async with asyncio.timeout(5):
        assert await anext(events) == TextDelta("One ")
    gate.opened.set()
    assert "".join([e.text async for e in events if isinstance(e, TextDelta)]) == "two."


# Schemas that are odd themselves


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"$ref": "#/nowhere"},
        {"properties": 5},
        {"$ref": "#"},
        {"type": "string", "pattern": "^(a+)+$"},
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
    ],
)
def test_a_schema_that_cannot_be_used_checks_nothing_and_takes_no_time(
    schema: dict[str, Any],
) -> None:
    for value in ("a" * 40 + "!", {"a" * 40 + "!": 1}):
        problem = SchemaCheck(schema).problem(json.dumps(value))
        assert problem is None or "is not of type 'string'" in problem


def test_a_value_nested_too_deeply_is_told() -> None:
    assert "nested too deeply" in (SchemaCheck(COLOUR).problem("[" * 100_000) or "")


def test_several_problems_are_told_shortly() -> None:
    schema = {"items": {"type": "integer"}}
    problem = SchemaCheck(schema).problem(json.dumps(["x" * 1000] * 20)) or ""
    assert problem.startswith("at [0]: ")
    assert len(problem) < 1200
