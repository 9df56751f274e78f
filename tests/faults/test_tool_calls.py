"""Tool calls in every dialect that compatible servers speak."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.faults.conftest import Ask, asking
from tests.faults.endpoint import DONE, Endpoint, call, chunk, ending, event, says, stream

Part = dict[str, Any]


def part(name: str = "", arguments: object = None, **more: object) -> Part:
    function: Part = {}
    if name:
        function["name"] = name
    if arguments is not None:
        function["arguments"] = arguments
    return {**more, "function": function}


def calling(*deltas: list[Part] | Part, reason: str = "tool_calls") -> Any:
    """A stream with one delta for each list of fragments."""
    lists = [each if isinstance(each, list) else [each] for each in deltas]
    return stream(*(chunk({"tool_calls": each}) for each in lists), *ending(reason))


async def test_a_call_arrives_in_fragments_under_an_id_of_ours(fake: Endpoint, ask: Ask) -> None:
    fake.will(call("look", {"where": "here"}, "chatcmpl-tool-1"))
    heard = await ask(asking("Go", "look"))
    assert heard.calls == [("look", '{"where": "here"}')]
    assert re.fullmatch(r"call_[A-Za-z0-9]{24}", heard.started[0].id)
    assert heard.finished.reason == "tool_calls"


async def test_text_before_a_call_is_kept(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("Let me see."), chunk({"tool_calls": [part("look", "{}")]}), *ending()))
    heard = await ask(asking("Go", "look"))
    assert heard.text == "Let me see."
    assert heard.calls == [("look", "{}")]


TWO = [("look", '{"a": 1}'), ("find", '{"b": 2}')]


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [
                part("look", '{"a"', index=0, id="1"),
                part("find", '{"b"', index=1, id="2"),
                part(arguments=": 1}", index=0),
                part(arguments=": 2}", index=1),
            ],
            id="interleaved",
        ),
        pytest.param(
            [
                part("look", '{"a": 1}', id="1"),
                part("find", '{"b"', id="2"),
                part(arguments=": 2}", id="2"),
            ],
            id="no index",
        ),
        pytest.param([part("look", '{"a": 1}'), part("find", '{"b": 2}')], id="no index, no id"),
        pytest.param(
            [
                part("look", '{"a": 1}', index=0, id="1"),
                part("find", '{"b"', index=0, id="2"),
                part(arguments=": 2}", index=0, id="2"),
            ],
            id="all index 0",
        ),
        pytest.param(
            [part("look", '{"a": 1}', index=0), part("find", '{"b": 2}', index=0)],
            id="all index 0, no id",
        ),
        pytest.param(
            [part("look", '{"a": 1}', index=0, id=""), part("find", '{"b": 2}', index=1, id="")],
            id="empty ids",
        ),
        pytest.param(
            [part("look", '{"a": 1}', index=0, id="x"), part("find", '{"b": 2}', index=1, id="x")],
            id="one id for both",
        ),
        pytest.param(
            [
                [
                    part("look", '{"a": 1}', index=0, id="1"),
                    part("find", '{"b": 2}', index=1, id="2"),
                ]
            ],
            id="both in one chunk",
        ),
        pytest.param(
            [
                part("look", '{"a"', index=0, id="1"),
                [part(arguments=": ", index=0), part(arguments="1}", index=0)],
                part("find", '{"b": 2}', index=1, id="2"),
            ],
            id="two fragments of one call in a chunk",
        ),
        pytest.param(
            [part("look", {"a": 1}, index=0), part("find", {"b": 2}, index=1)], id="objects"
        ),
        pytest.param(
            [
                part("look", "", index=0, id="1"),
                part("look", '{"a"', index=0, id="1"),
                part("look", ": 1}", index=0, id="1"),
                part("find", "", index=1, id="2"),
                part("find", '{"b": 2}', index=1, id="2"),
            ],
            id="name and id on every fragment",
        ),
        pytest.param(
            [
                part("look", '{"a"', index=0, id="1"),
                part(arguments=": 1}", index=0, id="other"),
                part("find", '{"b": 2}', index=1, id="2"),
            ],
            id="a fresh id on every fragment",
        ),
        pytest.param(
            [
                {"index": 0, "name": "look", "arguments": '{"a": 1}'},
                {"index": 1, "name": "find", "arguments": '{"b": 2}'},
            ],
            id="flat",
        ),
        pytest.param(
            [
                part("lo", None, index=0, id="1"),
                part("ok", None, index=0),
                part(arguments='{"a": 1}', index=0),
                part("functions.find", '{"b": 2}', index=1, id="2"),
            ],
            id="names in pieces or with a prefix",
        ),
        pytest.param(
            [
                part(arguments='{"a": 1}', index=0, id="1"),
                part("look", None, index=0, id="1"),
                part("find", '{"b": 2}', index=1, id="2"),
            ],
            id="arguments before the name",
        ),
    ],
)
async def test_two_calls_are_told_apart(fake: Endpoint, ask: Ask, deltas: list[Any]) -> None:
    fake.will(calling(*deltas))
    heard = await ask(asking("Go", "look", "find"))
    assert heard.calls == TWO
    assert len({each.id for each in heard.started}) == 2
    assert heard.finished.reason == "tool_calls"


async def test_two_calls_of_one_function_without_ids_are_two(fake: Endpoint, ask: Ask) -> None:
    fake.will(calling(part("look", '{"a": 1}', index=0), part("look", '{"a": 2}', index=0)))
    assert (await ask(asking("Go", "look"))).calls == [("look", '{"a": 1}'), ("look", '{"a": 2}')]


@pytest.mark.parametrize("reason", ["stop", "", "function_call"])
async def test_the_presence_of_calls_beats_the_finish_reason(
    fake: Endpoint, ask: Ask, reason: str
) -> None:
    fake.will(calling(part("look", "{}", index=0), reason=reason))
    assert (await ask(asking("Go", "look"))).finished.reason == "tool_calls"


async def test_calls_cut_by_the_length_are_told_as_cut(fake: Endpoint, ask: Ask) -> None:
    fake.will(calling(part("look", '{"a', index=0), reason="length"))
    assert (await ask(asking("Go", "look"))).finished.reason == "length"


async def test_an_empty_list_of_calls_is_a_stop(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(chunk({"content": "No need.", "tool_calls": []}), *ending("tool_calls")))
    heard = await ask(asking("Go", "look"))
    assert (heard.text, heard.finished.reason) == ("No need.", "stop")


async def test_missing_arguments_become_an_empty_object(fake: Endpoint, ask: Ask) -> None:
    fake.will(calling(part("look", "", index=0, id="1"), part("find", None, index=1, id="2")))
    heard = await ask(asking("Go", "look", "find"))
    assert heard.calls == [("look", "{}"), ("find", "{}")]


async def test_arguments_that_are_not_json_are_passed_on_as_they_are(
    fake: Endpoint, ask: Ask
) -> None:
    fake.will(calling(part("look", '{"path": "a', index=0)))
    assert (await ask(asking("Go", "look"))).calls == [("look", '{"path": "a')]


async def test_a_function_that_was_not_offered_is_passed_on(fake: Endpoint, ask: Ask) -> None:
    fake.will(calling(part("no_such", "{}", index=0)))
    assert (await ask(asking("Go", "look", "find"))).calls == [("no_such", "{}")]


async def test_a_call_without_a_name_is_the_only_function_offered(fake: Endpoint, ask: Ask) -> None:
    fake.will(calling(part(arguments='{"a": 1}', index=0)))
    assert (await ask(asking("Go", "look"))).calls == [("look", '{"a": 1}')]


async def test_an_invented_parallel_call_is_unpacked(fake: Endpoint, ask: Ask) -> None:
    uses = [
        {"recipient_name": "functions.look", "parameters": {"a": 1}},
        {"recipient_name": "find", "parameters": {"b": 2}},
    ]
    text = json.dumps({"tool_uses": uses})
    fake.will(
        calling(
            part("multi_tool_use.parallel", text[:20], index=0, id="1"),
            part(arguments=text[20:], index=0),
        )
    )
    heard = await ask(asking("Go", "look", "find"))
    assert heard.calls == TWO
    assert heard.finished.reason == "tool_calls"


async def test_a_garbled_parallel_call_is_passed_on(fake: Endpoint, ask: Ask) -> None:
    fake.will(calling(part("multi_tool_use.parallel", '{"tool_uses": 5}', index=0)))
    assert (await ask(asking("Go", "look", "find"))).calls == [
        ("multi_tool_use.parallel", '{"tool_uses": 5}')
    ]


async def test_a_message_repeated_at_the_end_does_not_call_again(fake: Endpoint, ask: Ask) -> None:
    message = {"role": "assistant", "tool_calls": [part("look", '{"a": 1}', id="1")]}
    last = {"index": 0, "delta": {}, "message": message, "finish_reason": "tool_calls"}
    first = chunk({"tool_calls": [part("look", '{"a": 1}', index=0, id="1")]})
    fake.will(stream(first, event({"choices": [last]}), DONE))
    assert (await ask(asking("Go", "look"))).calls == [("look", '{"a": 1}')]


async def test_a_call_written_as_text_stays_text(
    fake: Endpoint, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    written = '<tool_call>{"name": "look", "arguments": {}}</tool_call>'
    fake.will(stream(*says(written), *ending()))
    heard = await ask(asking("Go", "look"))
    assert (heard.text, heard.calls) == (written, [])
    assert "wrote a tool call as text" in caplog.text


# Thinking and refusals


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_fields_are_not_part_of_the_answer(
    fake: Endpoint, ask: Ask, field: str
) -> None:
    fake.will(stream(chunk({field: "Hm.", "content": None}), *says("Yes."), *ending()))
    heard = await ask()
    assert (heard.thinking, heard.text) == ("Hm.", "Yes.")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_inline_thinking_is_taken_out_however_it_is_cut(
    fake: Endpoint, ask: Ask, size: int
) -> None:
    text = "\n<think>First <b>, then </thin king.</think>\n\nThe answer, with <think>."
    fake.will(stream(*says(*(text[i : i + size] for i in range(0, len(text), size))), *ending()))
    heard = await ask()
    assert heard.thinking == "First <b>, then </thin king."
    assert heard.text == "The answer, with <think>."


@pytest.mark.parametrize(
    "text", ["Say <think>x</think>", " <thin air", "<", "  spaced", "<thinking>"]
)
async def test_text_that_does_not_begin_with_thinking_is_untouched(
    fake: Endpoint, ask: Ask, text: str
) -> None:
    fake.will(stream(*says(*text), *ending()))
    heard = await ask()
    assert (heard.thinking, heard.text) == ("", text)


async def test_thinking_that_never_ends_is_still_thinking(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("<think>round and rou", "nd</thi"), *ending("length")))
    heard = await ask()
    assert (heard.thinking, heard.text) == ("round and round</thi", "")
    assert heard.finished.usage.completion_tokens > 0


async def test_content_as_a_list_of_parts_is_read(fake: Endpoint, ask: Ask) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [thinking, {"type": "text", "text": "Yes."}]
    fake.will(stream(chunk({"content": parts}), *ending()))
    heard = await ask()
    assert (heard.thinking, heard.text) == ("Hm.", "Yes.")


async def test_a_refusal_is_told_from_an_answer(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(chunk({"refusal": "I "}), chunk({"refusal": "will not."}), *ending()))
    heard = await ask()
    assert (heard.refusal, heard.text) == ("I will not.", "")
