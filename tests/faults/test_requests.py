"""What is sent, and what is sent instead once an endpoint has refused a field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from services.engine.models.base import (
    CallMade,
    ImageContent,
    ModelMessage,
    ModelRequest,
    TextContent,
    ToolDefinition,
)
from services.engine.models.chat_completions import ChatCompletions
from services.engine.models.chat_request import chat_body
from tests.faults.conftest import Ask, asking, hear
from tests.faults.endpoint import Endpoint, Reply, Request, answer, refusal, whole

Connect = Callable[..., ChatCompletions]


def said(role: Any, text: str, **more: Any) -> ModelMessage:
    return ModelMessage(role, (TextContent(text),), **more)


def body_of(*messages: ModelMessage, openai: bool = False, **fields: Any) -> dict[str, Any]:
    request = ModelRequest("m", messages or (said("user", "Hi"),), **fields)
    return chat_body(request, openai=openai, refused=frozenset())


def test_only_what_was_set_is_sent() -> None:
    assert body_of() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_neighbours_of_one_role_become_one_message_but_for_system_and_tool() -> None:
    messages = (
        said("system", "A"),
        said("system", "B"),
        said("user", "1"),
        said("user", "2"),
        said("assistant", "3"),
        said("assistant", "4", calls=(CallMade("c1", "f", "{}"), CallMade("c2", "f", "{}"))),
        said("tool", "5", call_id="c1"),
        said("tool", "6", call_id="c2"),
        said("assistant", "7"),
    )
    sent = body_of(*messages)["messages"]
    assert [(each["role"], each["content"]) for each in sent] == [
        ("system", "A"),
        ("system", "B"),
        ("user", "1\n\n2"),
        ("assistant", "3\n\n4"),
        ("tool", "5"),
        ("tool", "6"),
        ("assistant", "7"),
    ]
    calls = [each["id"] for each in sent[3]["tool_calls"]]
    assert calls == [sent[4]["tool_call_id"], sent[5]["tool_call_id"]] == ["c1", "c2"]


def test_images_are_parts_and_text_alone_is_a_string() -> None:
    image = ImageContent("data:image/png;base64,AA==", "low")
    sent = body_of(ModelMessage("user", (TextContent("Look"), image)))["messages"][0]["content"]
    assert sent == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
    ]
    from_assistant = body_of(ModelMessage("assistant", (TextContent("Here"), image)))["messages"]
    assert from_assistant[0]["content"] == "Here\n\n[an image]"


def test_arguments_that_a_model_garbled_are_sent_as_json() -> None:
    calls = (CallMade("c", "f", '{"a": '), CallMade("d", "f", ""), CallMade("e", "f", '{"b": 1}'))
    sent = body_of(ModelMessage("assistant", calls=calls))["messages"][0]
    assert sent["content"] is None
    arguments = [json.loads(each["function"]["arguments"]) for each in sent["tool_calls"]]
    assert arguments == [{"not_json": '{"a": '}, {}, {"b": 1}]


def test_half_characters_do_not_keep_a_request_from_being_sent() -> None:
    sent = body_of(said("user", "a\ud83d"), said("tool", "b\udc00", call_id="c"))
    assert [message["content"] for message in sent["messages"]] == ["a\ufffd", "b\ufffd"]


def test_tools_and_choices_in_the_words_of_the_wire() -> None:
    tools = (ToolDefinition("f", "does f", {"type": "object"}, True), ToolDefinition("g"))
    sent = body_of(tools=tools, tool_choice={"name": "g"}, parallel_tool_calls=False)
    assert sent["tools"][0]["function"] == {
        "name": "f",
        "description": "does f",
        "parameters": {"type": "object"},
        "strict": True,
    }
    assert sent["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "g"}}
    assert sent["parallel_tool_calls"] is False
    alone = body_of(tool_choice="required", parallel_tool_calls=False)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(alone)


def test_the_token_limit_goes_by_the_name_the_endpoint_knows() -> None:
    assert body_of(max_tokens=5)["max_tokens"] == 5
    assert body_of(max_tokens=5, openai=True)["max_completion_tokens"] == 5


# Refused fields

EVERYTHING: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "reasoning_effort": "low",
    "max_tokens": 9,
    "parallel_tool_calls": False,
    "tool_choice": "required",
}


def without(field: str, message: str) -> Callable[[Request], Reply]:
    """An endpoint that refuses ``field`` wherever it is, and answers without it."""

    def reply(request: Request) -> Reply:
        present = re.search(rf'"{field}"', json.dumps(request.body))
        return refusal(400, message) if present else answer("Fine.")

    return reply


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("stream_options", "Unrecognized request argument supplied: stream_options"),
        ("stream_options", "body.stream_options: Extra inputs are not permitted"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.5 with this model."),
        ("top_p", "Unsupported parameter: 'top_p' is not supported with this model."),
        ("reasoning_effort", "unknown field: reasoning_effort"),
        ("parallel_tool_calls", "parallel_tool_calls is not supported"),
        ("tool_choice", "`tool_choice` is not supported by this server"),
        ("strict", "tools.0.function.strict: unexpected keyword"),
        ("max_tokens", "'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
    ],
)
async def test_a_refused_field_is_left_out_once_and_for_all(
    fake: Endpoint, connected: Connect, field: str, message: str
) -> None:
    fake.always(without(field, message))
    model = connected(fake.url)
    tools = (ToolDefinition("look", strict=True),)
    request = ModelRequest("m", (said("user", "Hi"),), tools, **EVERYTHING)
    assert (await hear(model, request)).text == "Fine."
    assert len(fake.chats) == 2
    first, second = (each.body for each in fake.chats)
    if field != "strict":
        assert set(first) - set(second) == {field}, "nothing else may be lost"
    assert (await hear(model, request)).text == "Fine."
    assert len(fake.chats) == 3, "what was learned is remembered"


async def test_a_refused_limit_is_sent_under_its_other_name(fake: Endpoint, ask: Ask) -> None:
    fake.always(without("max_tokens", "Unsupported parameter: 'max_tokens'"))
    assert (await ask(asking(max_tokens=7))).text == "Fine."
    assert fake.chats[1].body["max_completion_tokens"] == 7


async def test_several_refused_fields_are_left_out_one_after_another(
    fake: Endpoint, ask: Ask
) -> None:
    def picky(request: Request) -> Reply:
        for field in ("stream_options", "temperature", "top_p"):
            if field in request.body:
                return whole({"detail": [{"loc": ["body", field], "msg": "extra_forbidden"}]}, 422)
        return answer("Fine.")

    fake.always(picky)
    assert (await ask(asking(temperature=0.1, top_p=0.1))).text == "Fine."
    assert len(fake.chats) == 4


async def test_a_field_named_only_as_the_parameter_is_understood(fake: Endpoint, ask: Ask) -> None:
    error = {"message": "Unsupported value.", "param": "temperature", "code": "unsupported_value"}
    fake.will(whole({"error": error}, 400), answer("Fine."))
    assert (await ask(asking(temperature=0.1))).text == "Fine."


async def test_a_bad_value_is_not_taken_for_an_unknown_field(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(400, "Invalid 'temperature': must be between 0 and 2."))
    assert "must be between 0 and 2" in (await ask(asking(temperature=3.0))).complaint
    assert len(fake.chats) == 1


async def test_a_refusal_that_never_ends_is_given_up(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(400, "unsupported: stream_options, temperature, max_tokens"))
    assert "unsupported" in (await ask(asking(temperature=0.1, max_tokens=3))).complaint
    assert len(fake.chats) <= 5


async def test_json_mode_finds_the_format_an_endpoint_takes(fake: Endpoint, ask: Ask) -> None:
    def lm_studio(request: Request) -> Reply:
        wanted = request.body.get("response_format", {}).get("type")
        if wanted == "json_object":
            return refusal(400, "'response_format.type' must be 'json_schema' or 'text'")
        return answer("{}")

    fake.always(lm_studio)
    assert (await ask(asking(response_format={"type": "json_object"}))).text == "{}"
    assert fake.chats[1].body["response_format"]["type"] == "json_schema"


async def test_a_schema_no_format_takes_is_told_in_words(fake: Endpoint, ask: Ask) -> None:
    fake.always(without("response_format", "response_format is not supported"))
    schema = {"name": "x", "schema": {"type": "object", "required": ["colour"]}}
    request = asking(response_format={"type": "json_schema", "json_schema": schema})
    assert (await ask(request)).text == "Fine."
    last = fake.chats[-1].body
    assert "colour" in last["messages"][0]["content"]


async def test_a_choice_by_name_becomes_the_only_tool_on_offer(fake: Endpoint, ask: Ask) -> None:
    def strings_only(request: Request) -> Reply:
        if isinstance(request.body.get("tool_choice"), dict):
            return refusal(
                400, "Invalid tool_choice type: 'object'. Supported: none, auto, required"
            )
        return answer("Fine.")

    fake.always(strings_only)
    assert (await ask(asking("Hi", "look", "find", tool_choice={"name": "find"}))).text == "Fine."
    last = fake.chats[-1].body
    assert last["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in last["tools"]] == ["find"]


async def test_tools_that_may_not_be_called_are_not_offered_where_that_cannot_be_said(
    fake: Endpoint, ask: Ask
) -> None:
    fake.always(without("tool_choice", "unsupported parameter tool_choice"))
    assert (await ask(asking("Hi", "look", tool_choice="none"))).text == "Fine."
    assert "tools" not in fake.chats[1].body


async def test_without_a_system_role_the_instructions_are_told_by_the_user(
    fake: Endpoint, ask: Ask
) -> None:
    fake.will(refusal(400, "System role not supported"), answer("Fine."))
    request = ModelRequest("m", (said("system", "Be brief."), said("user", "Hi")))
    assert (await ask(request)).text == "Fine."
    assert fake.chats[1].body["messages"] == [{"role": "user", "content": "Be brief.\n\nHi"}]


async def test_ids_are_shortened_alike_where_an_endpoint_wants_nine_characters(
    fake: Endpoint, ask: Ask
) -> None:
    message = "Tool call id was call_x but must be a-z, A-Z, 0-9, with a length of 9."
    fake.will(refusal(400, message), answer("Fine."))
    long_id = "call_" + "a" * 24
    messages = (
        said("user", "Hi"),
        ModelMessage("assistant", calls=(CallMade(long_id, "f", "{}"),)),
        said("tool", "out", call_id=long_id),
    )
    assert (await ask(ModelRequest("m", messages))).text == "Fine."
    _, made, result = fake.chats[1].body["messages"]
    assert made["tool_calls"][0]["id"] == result["tool_call_id"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", result["tool_call_id"])
