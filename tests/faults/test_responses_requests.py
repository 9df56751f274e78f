"""What is sent to a Responses endpoint, and what instead once it has refused a field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
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
from services.engine.models.recalled_thoughts import RecalledThoughts
from services.engine.models.responses import Responses
from services.engine.models.responses_request import responses_body
from tests.faults.conftest import Ask, asking, hear
from tests.faults.endpoint import Endpoint, Reply, Request, refusal
from tests.faults.responses_replies import answered, calls, greeting, says, thinks, thought

Connect = Callable[..., Responses]


def said(role: Any, text: str, **more: Any) -> ModelMessage:
    return ModelMessage(role, (TextContent(text),), **more)


def body_of(*messages: ModelMessage, openai: bool = True, **fields: Any) -> dict[str, Any]:
    request = ModelRequest("m", messages or (said("user", "Hi"),), **fields)
    return responses_body(request, openai=openai, refused=frozenset(), thoughts=RecalledThoughts())


def test_only_what_was_set_is_sent_and_nothing_is_stored() -> None:
    parts = [{"type": "input_text", "text": "Hi"}]
    assert body_of() == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": parts}],
        "stream": True,
        "store": False,
    }


def test_a_conversation_becomes_instructions_and_items() -> None:
    image = ImageContent("data:image/png;base64,AA==", "low")
    body = body_of(
        said("system", "Be brief."),
        said("system", "Be kind."),
        ModelMessage("user", (TextContent("Look"), image)),
        said("assistant", "I see.", calls=(CallMade("call_a", "f", '{"a": '),)),
        said("tool", "out", call_id="call_a"),
    )
    assert body["instructions"] == "Be brief.\n\nBe kind."
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
    answer = [{"type": "output_text", "text": "I see."}]
    arguments = json.dumps({"not_json": '{"a": '})
    assert body["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Look"}, picture],
        },
        {"type": "message", "role": "assistant", "content": answer},
        {"type": "function_call", "call_id": "call_a", "name": "f", "arguments": arguments},
        {"type": "function_call_output", "call_id": "call_a", "output": "out"},
    ]


def test_elsewhere_an_answer_is_plain_text_which_every_server_takes() -> None:
    body = body_of(said("user", "a"), said("assistant", "b"), said("user", "c"), openai=False)
    assert body["input"][1] == {"type": "message", "role": "assistant", "content": "b"}


def test_tools_are_flat_and_say_whether_they_are_strict() -> None:
    tools = (ToolDefinition("f", "does f", {"type": "object"}, True), ToolDefinition("g"))
    body = body_of(tools=tools, tool_choice={"name": "g"}, parallel_tool_calls=False)
    assert body["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "does f",
            "parameters": {"type": "object"},
            "strict": True,
        },
        {
            "type": "function",
            "name": "g",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
    ]
    assert body["tool_choice"] == {"type": "function", "name": "g"}
    assert body["parallel_tool_calls"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    alone = body_of(tool_choice="required", parallel_tool_calls=False)
    assert not {"tools", "tool_choice", "parallel_tool_calls", "include"} & set(alone)


def test_formats_effort_and_limits_in_the_words_of_the_api() -> None:
    schema = {"name": "x", "schema": {"type": "object"}, "strict": True}
    body = body_of(
        response_format={"type": "json_schema", "json_schema": schema},
        reasoning_effort="high",
        max_tokens=5,
        temperature=0.5,
        top_p=0.5,
    )
    assert body["text"] == {"format": {"type": "json_schema", **schema}}
    assert body["reasoning"] == {"effort": "high"}
    assert body["max_output_tokens"] == 16, "the API takes no less"
    assert (body["temperature"], body["top_p"]) == (0.5, 0.5)
    loose = body_of(response_format={"type": "json_object"})
    assert loose["text"] == {"format": {"type": "json_object"}}


# Refused fields

EVERYTHING: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "reasoning_effort": "low",
    "max_tokens": 99,
    "parallel_tool_calls": False,
    "tool_choice": "required",
}


def without(field: str, message: str) -> Callable[[Request], Reply]:
    """An endpoint that refuses ``field`` wherever it is, and answers without it."""

    def reply(request: Request) -> Reply:
        present = re.search(rf'"{field}"', json.dumps(request.body))
        return refusal(400, message) if present else greeting("Fine.")

    return reply


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("include", "Encrypted content is not supported with this model."),
        ("include", "Unknown parameter: 'include'."),
        ("store", "body.store: Extra inputs are not permitted"),
        ("temperature", "Unsupported parameter: 'temperature' is not supported with this model."),
        ("top_p", "Unsupported parameter: 'top_p' is not supported with this model."),
        ("reasoning", "Unsupported parameter: 'reasoning.effort' is not supported"),
        ("parallel_tool_calls", "parallel_tool_calls is not supported"),
        ("tool_choice", "`tool_choice` is not supported by this server"),
        ("strict", "tools.0.strict: unexpected keyword"),
        ("max_output_tokens", "unknown field max_output_tokens"),
    ],
)
async def test_a_refused_field_is_left_out_once_and_for_all(
    responding: Endpoint, responder: Connect, field: str, message: str
) -> None:
    responding.always(without(field, message))
    model = responder(responding.url)
    tools = (ToolDefinition("look", strict=True),)
    request = ModelRequest("m", (said("user", "Hi"),), tools, **EVERYTHING)
    assert (await hear(model, request)).text == "Fine."
    first, second = (each.body for each in responding.posts("/responses"))
    if field != "strict":
        assert set(first) - set(second) == {field}, "nothing else may be lost"
    assert (await hear(model, request)).text == "Fine."
    assert len(responding.posts("/responses")) == 3, "what was learned is remembered"


async def test_a_bad_value_is_not_taken_for_an_unknown_field(
    responding: Endpoint, respond: Ask
) -> None:
    responding.always(refusal(400, "Invalid 'temperature': must be between 0 and 2."))
    assert "must be between 0 and 2" in (await respond(asking(temperature=3.0))).complaint
    assert len(responding.posts("/responses")) == 1


async def test_a_refusal_that_never_ends_is_given_up(responding: Endpoint, respond: Ask) -> None:
    responding.always(refusal(400, "unsupported: store, temperature, input, assistant, text"))
    request = ModelRequest("m", (said("user", "a"), said("assistant", "b")), temperature=0.1)
    assert "unsupported" in (await respond(request)).complaint
    assert len(responding.posts("/responses")) <= 5


async def test_a_format_no_endpoint_takes_is_told_in_words(
    responding: Endpoint, respond: Ask
) -> None:
    responding.always(without("format", "text.format is not supported"))
    schema = {"name": "x", "schema": {"type": "object", "required": ["colour"]}}
    request = asking(response_format={"type": "json_schema", "json_schema": schema})
    assert (await respond(request)).text == "Fine."
    assert "colour" in responding.posts("/responses")[-1].body["instructions"]


async def test_the_word_json_is_said_where_the_endpoint_looks_for_it(
    responding: Endpoint, respond: Ask
) -> None:
    def picky(request: Request) -> Reply:
        if "JSON" in json.dumps(request.body["input"]):
            return greeting("{}")
        message = "Response input messages must contain the word 'json' in some form to use it."
        return refusal(400, message)

    responding.always(picky)
    assert (await respond(asking(response_format={"type": "json_object"}))).text == "{}"
    last = responding.posts("/responses")[-1].body
    assert last["text"] == {"format": {"type": "json_object"}}


async def test_instructions_that_are_refused_are_a_message(
    responding: Endpoint, respond: Ask
) -> None:
    responding.always(without("instructions", "Unknown parameter: 'instructions'"))
    request = ModelRequest("m", (said("system", "Be brief."), said("user", "Hi")))
    assert (await respond(request)).text == "Fine."
    first = responding.posts("/responses")[-1].body["input"][0]
    assert (first["role"], first["content"][0]["text"]) == ("system", "Be brief.")


async def test_an_earlier_answer_gets_every_field_where_its_type_is_strict(
    responding: Endpoint, respond: Ask
) -> None:
    def strict(request: Request) -> Reply:
        answer = request.body["input"][1]
        if {"id", "status"} <= set(answer) and "annotations" in answer["content"][0]:
            return greeting("Fine.")
        return refusal(400, "ResponseOutputMessage was missing required properties: id, status")

    responding.always(strict)
    messages = (said("user", "a"), said("assistant", "b"), said("user", "c"))
    assert (await respond(ModelRequest("m", messages))).text == "Fine."


# Thoughts between the rounds of one run


def next_round(request: ModelRequest, text: str, *made: CallMade) -> ModelRequest:
    """The request that follows once the calls were answered, as a run makes it."""
    content = (TextContent(text),) if text else ()
    outputs = (said("tool", "out", call_id=call.id) for call in made)
    turn = ModelMessage("assistant", content, tuple(made))
    return replace(request, messages=[*request.messages, turn, *outputs])


def kinds(request: Request) -> list[str]:
    return [item["type"] for item in request.body["input"]]


async def test_thoughts_go_back_in_their_places_together_with_the_outputs(
    responding: Endpoint, responder: Connect
) -> None:
    responding.will(
        answered(
            *thinks("one", 0),
            *says("Let me see.", index=1),
            *thinks("two", 2),
            *calls("look", {"a": 1}, 3),
            *calls("find", {"b": 2}, 4),
        ),
        greeting("Fine."),
    )
    model = responder(responding.url)
    request = asking("Go", "look", "find")
    first = await hear(model, request)
    made = [CallMade(each.id, each.name, "{}") for each in first.started]
    assert (await hear(model, next_round(request, first.text, *made))).text == "Fine."
    sent = responding.posts("/responses")[-1]
    assert kinds(sent) == [
        "message",
        "reasoning",
        "message",
        "reasoning",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]
    again = sent.body["input"][1]
    assert again == {"type": "reasoning", "id": "rs_0", "summary": [], "encrypted_content": "one"}
    ids = [item["call_id"] for item in sent.body["input"] if "call_id" in item]
    assert ids == [each.id for each in made] * 2, "never an id of the endpoint's"


async def test_without_thoughts_to_recall_the_calls_go_back_alone(
    responding: Endpoint, responder: Connect
) -> None:
    responding.always(greeting("Fine."))
    request = next_round(asking("Go", "look"), "", CallMade("call_old", "look", "{}"))
    assert (await hear(responder(responding.url), request)).text == "Fine."
    sent = responding.posts("/responses")[-1]
    assert kinds(sent) == ["message", "function_call", "function_call_output"]


async def test_a_thought_that_led_to_nothing_sent_is_not_sent(
    responding: Endpoint, responder: Connect
) -> None:
    responding.will(answered(*thinks("one", 0), *says("Hm.", index=1), *calls("look", {}, 2)))
    responding.always(greeting("Fine."))
    model = responder(responding.url)
    request = asking("Go", "look")
    made = [CallMade(each.id, each.name, "{}") for each in (await hear(model, request)).started]
    await hear(model, next_round(request, "", *made))
    sent = responding.posts("/responses")[-1]
    assert kinds(sent) == ["message", "function_call", "function_call_output"]


async def test_thoughts_the_endpoint_does_not_take_back_are_left_out(
    responding: Endpoint, responder: Connect
) -> None:
    def forgetful(request: Request) -> Reply:
        if "reasoning" in kinds(request):
            return refusal(400, "The encrypted content for item rs_0 could not be verified.")
        return greeting("Fine.")

    responding.will(answered(*thinks("one", 0), *calls("look", {}, 1)))
    responding.always(forgetful)
    model = responder(responding.url)
    request = asking("Go", "look")
    made = [CallMade(each.id, each.name, "{}") for each in (await hear(model, request)).started]
    assert (await hear(model, next_round(request, "", *made))).text == "Fine."


async def test_thoughts_of_one_model_are_not_given_to_another(
    responding: Endpoint, responder: Connect
) -> None:
    responding.will(answered(*thinks("one", 0), *calls("look", {}, 1)))
    responding.always(greeting("Fine."))
    model = responder(responding.url)
    request = asking("Go", "look")
    made = [CallMade(each.id, each.name, "{}") for each in (await hear(model, request)).started]
    await hear(model, replace(next_round(request, "", *made), model="another"))
    assert "reasoning" not in kinds(responding.posts("/responses")[-1])


def test_only_the_latest_thoughts_are_kept() -> None:
    by_number = RecalledThoughts(most_turns=2)
    by_size = RecalledThoughts(most_characters=2500)
    for recalled in (by_number, by_size):
        for number in range(4):
            recalled.keep("m", [thought("x" * 1000, number), f"call_{number}"])
        kept = [number for number in range(4) if recalled.turn("m", [f"call_{number}"])]
        assert kept == [2, 3]
