"""The rehearsal's rules: what it says, what it calls, and with what."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engine.models.base import (
    CallArguments,
    CallMade,
    CallStarted,
    Finished,
    ImageContent,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    TextContent,
    TextDelta,
    ToolDefinition,
)
from services.engine.models.rehearsal import Rehearsal
from services.engine.models.rehearsal_arguments import fill_arguments

WEATHER = ToolDefinition(
    "get_weather",
    "The weather somewhere",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
)
TIME = ToolDefinition("get_time")


def user(text: str) -> ModelMessage:
    return ModelMessage("user", (TextContent(text),))


def asked(text: str, *tools: ToolDefinition, **more: Any) -> ModelRequest:
    return ModelRequest("rehearsal", (user(text),), tools, **more)


async def heard(request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in Rehearsal(pace=0).stream(request)]


async def said(request: ModelRequest) -> str:
    events = await heard(request)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def called(request: ModelRequest) -> list[tuple[str, Any]]:
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for event in await heard(request):
        if isinstance(event, CallStarted):
            names[event.index] = event.name
        elif isinstance(event, CallArguments):
            arguments[event.index] = arguments.get(event.index, "") + event.fragment
    return [(name, json.loads(arguments[index])) for index, name in names.items()]


def end_of(events: list[ModelEvent]) -> Finished:
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, Finished) for event in events) == 1
    return events[-1]


@pytest.mark.parametrize(
    "message",
    ["Why is the sky blue?", "Hello!", "help", "markdown", "a table, please: show it", ""],
)
async def test_every_answer_says_that_it_is_no_language_model(message: str) -> None:
    assert "not a language model" in await said(asked(message))


async def test_a_later_answer_says_it_too_but_shorter() -> None:
    first = await said(asked("Why?"))
    turns = (user("Why?"), ModelMessage("assistant", (TextContent("..."),)), user("But why?"))
    later = await said(ModelRequest("rehearsal", turns))
    assert "not a language model" in later
    assert "> But why?" in later
    assert len(later) < len(first) / 2


async def test_an_answer_tells_how_to_connect_a_model() -> None:
    text = await said(asked("Why is the sky blue?"))
    for name in ("UNDERSTUDY_MODEL_URL", "UNDERSTUDY_MODEL_KEY", "UNDERSTUDY_MODEL="):
        assert name in text
    assert "> Why is the sky blue?" in text


async def test_it_mentions_its_instructions_in_a_line() -> None:
    system = ModelMessage("system", (TextContent("You are a pirate.\n" + "Arr. " * 100),))
    text = await said(ModelRequest("rehearsal", (system, user("Why?"))))
    line = next(line for line in text.splitlines() if "You are a pirate. Arr." in line)
    assert len(line) < 150


async def test_it_counts_the_images_it_cannot_see() -> None:
    message = ModelMessage("user", (TextContent("What is this?"), ImageContent("data:,")))
    assert "1 image." in await said(ModelRequest("rehearsal", (message,)))


async def test_the_same_question_gets_the_same_answer() -> None:
    assert await said(asked("Why?")) == await said(asked("Why?"))


async def test_it_speaks_in_words_and_counts_them() -> None:
    events = await heard(asked("Why is the sky blue?"))
    words = [event.text for event in events if isinstance(event, TextDelta)]
    assert max(len(word.strip().split()) for word in words) == 1
    usage = end_of(events).usage
    assert usage.estimated
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("show me some markdown", "| Part |"),
        ("table", "|:-----|"),
        ("Can you write a bit of code?", "```python"),
        ("give me a long text", "## Section 40 of 40"),
    ],
)
async def test_samples_show_what_the_screen_can_do(message: str, part: str) -> None:
    assert part in await said(asked(message))


async def test_the_limit_of_tokens_cuts_the_answer() -> None:
    events = await heard(asked("long", max_tokens=10))
    end = end_of(events)
    assert end.reason == "length"
    assert 0 < end.usage.completion_tokens <= 10


async def test_it_can_be_stopped_at_any_word() -> None:
    async with aclosing(Rehearsal(pace=0).stream(asked("long"))) as events:
        assert isinstance(await anext(events), TextDelta)


# Functions


async def test_the_only_function_is_called_for_a_request() -> None:
    request = asked("What's the weather in Paris?", WEATHER)
    assert await called(request) == [("get_weather", {"city": "Paris"})]
    assert end_of(await heard(request)).reason == "tool_calls"


@pytest.mark.parametrize("message", ["Hello!", "Thanks", "help", "show me a table", "ok"])
async def test_small_talk_calls_nothing(message: str) -> None:
    assert await called(asked(message, WEATHER)) == []


async def test_of_several_functions_only_the_named_ones_are_called() -> None:
    assert await called(asked("Tell me a joke", WEATHER, TIME)) == []
    assert await called(asked("get_time now", WEATHER, TIME)) == [("get_time", {})]
    assert await called(asked("How is the weather in Rome?", WEATHER, TIME)) == [
        ("get_weather", {"city": "Rome"})
    ]


BOTH = "Get the time, and the weather in Rome in fahrenheit"


async def test_several_named_functions_are_called_in_one_turn() -> None:
    assert await called(asked(BOTH, WEATHER, TIME)) == [
        ("get_time", {}),
        ("get_weather", {"city": "Rome", "unit": "fahrenheit"}),
    ]


async def test_one_at_a_time_when_calls_may_not_be_parallel() -> None:
    assert len(await called(asked(BOTH, WEATHER, TIME, parallel_tool_calls=False))) == 1


async def test_ids_of_calls_are_new_each_time() -> None:
    events = [*await heard(asked(BOTH, WEATHER, TIME)), *await heard(asked(BOTH, WEATHER, TIME))]
    ids = [event.id for event in events if isinstance(event, CallStarted)]
    assert len(set(ids)) == 4
    assert all(len(each) == len("call_") + 24 for each in ids)


async def test_the_choice_of_tools_is_honoured() -> None:
    weather = "What's the weather in Paris?"
    assert await called(asked(weather, WEATHER, tool_choice="none")) == []
    required = await called(asked("Hello!", WEATHER, TIME, tool_choice="required"))
    assert [name for name, _ in required] == ["get_weather"]
    forced = await called(asked(weather, WEATHER, TIME, tool_choice={"name": "get_time"}))
    assert [name for name, _ in forced] == ["get_time"]


async def test_outputs_are_quoted_and_nothing_is_called_again() -> None:
    calls = (CallMade("c1", "get_weather", "{}"), CallMade("c2", "get_time", "{}"))
    messages = (
        user("What's the weather in Paris?"),
        ModelMessage("assistant", calls=calls),
        ModelMessage("tool", (TextContent('{"degrees": 18}'),), call_id="c1"),
        ModelMessage("tool", (TextContent(""),), call_id="c2"),
    )
    request = ModelRequest("rehearsal", messages, (WEATHER, TIME), tool_choice="required")
    events = await heard(request)
    assert not any(isinstance(event, CallStarted) for event in events)
    text = await said(request)
    assert "`get_weather` answered:" in text
    assert '"degrees": 18' in text
    assert "`get_time` answered with an empty output" in text


async def test_a_quoted_output_cannot_close_its_own_fence() -> None:
    calls = (CallMade("c1", "f", "{}"),)
    output = ModelMessage("tool", (TextContent("a\n```\n# not a heading\n"),), call_id="c1")
    messages = (user("Go"), ModelMessage("assistant", calls=calls), output)
    assert "````\na\n```\n# not a heading\n````" in await said(ModelRequest("r", messages))


FLIGHTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "origin": {"type": "string"},
        "destination": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "passengers": {"type": "integer", "minimum": 1},
        "direct": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["origin", "destination", "passengers"],
}
NUMBERS = {"properties": {"numbers": {"type": "array", "items": {"type": "number"}}},
           "required": ["numbers"]}  # fmt: skip
QUERY = {"properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
         "required": ["query"]}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "message", "arguments"),
    [
        (
            FLIGHTS,
            "flights from Oslo to New York on 2026-12-24 for 2 passengers, direct",
            {
                "origin": "Oslo",
                "destination": "New York",
                "date": "2026-12-24",
                "passengers": 2,
                "direct": True,
            },
        ),
        (
            FLIGHTS,
            "origin: Oslo, destination=Rio de Janeiro; passengers = 3, tags: cheap, late",
            {
                "origin": "Oslo",
                "destination": "Rio de Janeiro",
                "passengers": 3,
                "tags": ["cheap", "late"],
            },
        ),
        (
            FLIGHTS,
            'with "Oslo" and "Rome"',
            {"origin": "Oslo", "destination": "Rome", "passengers": 1},
        ),
        (
            FLIGHTS,
            'use {"origin": "A", "destination": "B", "passengers": 9, "unknown": 1}',
            {"origin": "A", "destination": "B", "passengers": 9},
        ),
        (NUMBERS, "add 2, 3.5 and -4", {"numbers": [2, 3.5, -4]}),
        (QUERY, "search for the best pizza in town", {"query": "the best pizza in town"}),
        (QUERY, "Look up “quarterly revenue”, limit 5", {"query": "quarterly revenue", "limit": 5}),
        (None, "anything", {}),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}, "required": ["a"],
             "$defs": {"x": {"anyOf": [{"type": "null"}, {"enum": ["red", "blue"]}]}}},
            "make it Blue",
            {"a": "blue"},
        ),
        (
            {"properties": {"a": {"type": "object", "properties": {"b": {"type": "boolean"}},
                                  "required": ["b"]}, "c": {"type": "string", "default": "d"}},
             "required": ["a", "c"]},
            "",
            {"a": {"b": False}, "c": "d"},
        ),
    ],
)  # fmt: skip
def test_arguments_are_filled_from_the_message(
    schema: dict[str, Any] | None, message: str, arguments: dict[str, Any]
) -> None:
    assert fill_arguments(schema, message) == arguments


def test_a_very_long_text_reaches_the_function_whole() -> None:
    schema = {"properties": {"text": {"type": "string"}}, "required": ["text"]}
    for long in ("a" * 100_000, "word " * 20_000 + "end", "'" * 99_999 + "b"):
        filled = fill_arguments(schema, f"summarise this: {long}", names=("summarise",))
        assert filled["text"].endswith(long[-3:])
        assert len(filled["text"]) > 99_000


schemas = st.recursive(
    st.sampled_from(
        [
            *({"type": kind} for kind in ("string", "integer", "number", "boolean", "null")),
            *({"type": ["string", "null"]}, {"enum": [1, "a"]}, {"const": 3}, {}, {"$ref": "#"}),
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 1}, inner),
        st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": list(properties),
            },
            st.dictionaries(st.text(max_size=6), inner, max_size=3),
        ),
    ),
    max_leaves=6,
)


@given(schemas, st.text(max_size=60))
def test_any_schema_gets_what_it_requires_whatever_the_message(
    schema: dict[str, Any], message: str
) -> None:
    filled = fill_arguments(schema, message)
    assert set(schema.get("required", ())) <= set(filled)
    json.dumps(filled)


# Formats and the list


async def test_json_mode_gets_valid_json() -> None:
    text = await said(asked("Why?", response_format={"type": "json_object"}))
    assert json.loads(text)["message"] == "Why?"


async def test_a_schema_gets_json_that_fits_it() -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}, "sizes": {"type": "array"}},
        "required": ["colour", "sizes"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    text = await said(asked("A blue one", response_format=wanted))
    assert json.loads(text)["colour"] == "blue"
    assert isinstance(json.loads(text)["sizes"], list)


async def test_it_lists_itself() -> None:
    (entry,) = await Rehearsal().entries()
    assert (entry.id, entry.owned_by) == ("rehearsal", "understudy")


# --- file search ------------------------------------------------------------------------------

SEARCHING = ToolDefinition("file_search", "Searches.", {"type": "object"})
FOUND = (
    "【4:0†source】 cats.md\nDogs bark. Cats sleep for most of the day. They hunt at dawn.\n\n"
    "【4:1†source】 boats.md\nBoats float."
)


def searched(output: str) -> ModelRequest:
    call = CallMade("call_1", "file_search", "{}")
    turns = (
        user("When do cats sleep?"),
        ModelMessage("assistant", (), (call,)),
        ModelMessage("tool", (TextContent(output),), call_id="call_1"),
    )
    return ModelRequest("rehearsal", turns, (SEARCHING,))


async def test_a_question_is_searched_when_there_is_a_search() -> None:
    made = await called(asked("When do cats sleep?", SEARCHING))
    assert made == [("file_search", {"queries": ["When do cats sleep?"]})]


async def test_a_function_that_is_named_comes_before_the_search() -> None:
    made = await called(asked("What time is it?", SEARCHING, TIME))
    assert [name for name, _ in made] == ["get_time"]


@pytest.mark.parametrize("text", ["hello", "help", "table", "thanks!"])
async def test_small_talk_is_not_searched(text: str) -> None:
    assert await called(asked(text, SEARCHING)) == []


async def test_passages_are_quoted_with_their_markers() -> None:
    text = await said(searched(FOUND))
    assert "> Cats sleep for most of the day. They hunt at dawn. 【4:0†source】" in text
    assert "> Boats float. 【4:1†source】" in text


async def test_a_search_that_found_nothing_is_told_so() -> None:
    assert "no passage fits" in await said(searched("No passage of the files fits these queries."))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call current_time", {}),
        ("What time is it? current_time", {}),
        ("current_time Europe/Berlin", {"timezone": "Europe/Berlin"}),
        ("call current_time with timezone: Asia/Tokyo", {"timezone": "Asia/Tokyo"}),
    ],
)
async def test_what_has_a_default_is_not_filled_with_the_whole_message(
    text: str, expected: dict[str, str]
) -> None:
    zone = {"type": "string", "default": "UTC"}
    schema = {"type": "object", "properties": {"timezone": zone}}
    ((name, arguments),) = await called(asked(text, ToolDefinition("current_time", "", schema)))
    assert (name, arguments) == ("current_time", expected)
