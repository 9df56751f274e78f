"""What is made of a Responses stream, and how it can go wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from services.engine.models.base import ModelUsage, TextDelta
from services.engine.models.chat_completions import Timeouts
from services.engine.models.responses import Responses
from tests.faults.conftest import Ask, asking, hear
from tests.faults.endpoint import DONE, Drop, Endpoint, Reply, Stall, page, refusal, stream, whole
from tests.faults.responses_replies import (
    COUNTS,
    answered,
    calls,
    created,
    ending,
    event,
    function_call,
    greeting,
    message,
    says,
    thinks,
    thought,
)

Connect = Callable[..., Responses]


async def test_an_answer_arrives_in_pieces_with_its_usage(
    responding: Endpoint, respond: Ask
) -> None:
    details = {
        "input_tokens_details": {"cached_tokens": 5},
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    end = ending(usage={**COUNTS, **details}, output=[message("One two.")])
    responding.will(stream(*created(), *says("One ", "two."), end))
    heard = await respond()
    texts = [each.text for each in heard.events if isinstance(each, TextDelta)]
    assert texts == ["One ", "two."], "what comes whole afterwards is not said again"
    assert heard.finished.reason == "stop"
    assert heard.finished.usage == ModelUsage(11, 7, 5, 3)


async def test_a_call_arrives_in_fragments_under_an_id_of_ours(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(answered(*calls("look", {"where": "here"})))
    heard = await respond(asking("Go", "look"))
    assert heard.calls == [("look", '{"where": "here"}')]
    assert re.fullmatch(r"call_[A-Za-z0-9]{24}", heard.started[0].id)
    assert heard.finished.reason == "tool_calls"


async def test_text_thinking_and_several_calls_are_told_apart(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(
        answered(
            *thinks("x", 0, "Hm.", " So."),
            *says("Let me see.", index=1),
            *calls("look", {"a": 1}, 2),
            *calls("find", {"b": 2}, 3),
        )
    )
    heard = await respond(asking("Go", "look", "find"))
    assert heard.thinking == "Hm. So."
    assert heard.text == "Let me see."
    assert heard.calls == [("look", '{"a": 1}'), ("find", '{"b": 2}')]


async def test_interleaved_calls_keep_their_own_arguments(
    responding: Endpoint, respond: Ask
) -> None:
    first, second = calls("look", {"a": 1}, 0), calls("find", {"b": 2}, 1)
    mixed = [each for pair in zip(first, second, strict=True) for each in pair]
    responding.will(answered(*mixed))
    heard = await respond(asking("Go", "look", "find"))
    assert heard.calls == [("look", '{"a": 1}'), ("find", '{"b": 2}')]


LOOK = function_call("look", '{"a": 1}')
ITEM = "response.output_item"
ARGUMENTS = "response.function_call_arguments"


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([event(f"{ITEM}.done", output_index=0, item=LOOK), ending()], id="item"),
        pytest.param([ending(output=[LOOK])], id="only at the end"),
        pytest.param(
            [
                event(f"{ITEM}.added", output_index=0, item={**LOOK, "arguments": ""}),
                event(f"{ARGUMENTS}.done", output_index=0, item_id="fc_0", arguments='{"a": 1}'),
                ending(),
            ],
            id="whole arguments",
        ),
        pytest.param(
            [
                event(f"{ITEM}.added", output_index=0, item=LOOK),
                event(f"{ITEM}.done", output_index=0, item=LOOK),
                ending(output=[LOOK]),
            ],
            id="whole from the start and repeated",
        ),
        pytest.param(
            [
                event(f"{ITEM}.done", item={**LOOK, "arguments": {"a": 1}}),
                ending(output=[{**LOOK, "id": "another"}]),
            ],
            id="an object, without index, under another id at the end",
        ),
        pytest.param(
            [
                event(f"{ITEM}.added", output_index=4, item={**LOOK, "arguments": ""}),
                event(f"{ARGUMENTS}.delta", output_index=4, item_id="u1", delta='{"a"'),
                event(f"{ARGUMENTS}.delta", output_index=4, item_id="u2", delta=": 1}"),
                event(f"{ITEM}.done", output_index=4, item={**LOOK, "id": "u3"}),
                ending(),
            ],
            id="another id with every event",
        ),
        pytest.param(
            [
                event(f"{ARGUMENTS}.delta", delta='{"a"'),
                event(f"{ARGUMENTS}.delta", delta=": 1}"),
                event(f"{ITEM}.done", item=LOOK),
                ending(),
            ],
            id="arguments before the name",
        ),
    ],
)
async def test_a_call_is_understood_however_it_is_sent(
    responding: Endpoint, respond: Ask, steps: list[bytes]
) -> None:
    responding.will(stream(*created(), *steps))
    heard = await respond(asking("Go", "look", "find"))
    assert [(name, json.loads(text)) for name, text in heard.calls] == [("look", {"a": 1})]
    assert heard.finished.reason == "tool_calls"


async def test_calls_that_all_have_index_0_are_told_apart(
    responding: Endpoint, respond: Ask
) -> None:
    second = [
        step.replace(b'"output_index": 1', b'"output_index": 0')
        for step in calls("find", {"b": 2}, 1)
    ]
    responding.will(answered(*calls("look", {"a": 1}), *second))
    heard = await respond(asking("Go", "look", "find"))
    assert heard.calls == [("look", '{"a": 1}'), ("find", '{"b": 2}')]


async def test_an_invented_parallel_call_is_unpacked(responding: Endpoint, respond: Ask) -> None:
    uses = [
        {"recipient_name": "functions.look", "parameters": {"a": 1}},
        {"recipient_name": "find", "parameters": {"b": 2}},
    ]
    responding.will(answered(*calls("multi_tool_use.parallel", {"tool_uses": uses})))
    heard = await respond(asking("Go", "look", "find"))
    assert heard.calls == [("look", '{"a": 1}'), ("find", '{"b": 2}')]


async def test_a_garbled_parallel_call_is_passed_on(responding: Endpoint, respond: Ask) -> None:
    responding.will(answered(*calls("multi_tool_use.parallel", {"tool_uses": 5})))
    heard = await respond(asking("Go", "look"))
    assert heard.calls == [("multi_tool_use.parallel", '{"tool_uses": 5}')]


@pytest.mark.parametrize(
    "steps",
    [
        [ending(output=[message("All of it.")])],
        [event(f"{ITEM}.done", output_index=0, item=message("All of it.")), ending()],
        [event("response.output_text.done", text="All of it."), ending()],
        [
            event("response.output_text.delta", output_index=0, delta="All "),
            event("response.output_text.done", output_index=0, text="All of it."),
            ending(output=[message("All of it.")]),
        ],
    ],
    ids=["at the end", "as an item", "without deltas", "half in deltas"],
)
async def test_text_that_was_not_streamed_is_taken_whole(
    responding: Endpoint, respond: Ask, steps: list[bytes]
) -> None:
    responding.will(stream(*created(), *steps))
    assert (await respond()).text == "All of it."


async def test_two_messages_are_two_paragraphs(responding: Endpoint, respond: Ask) -> None:
    responding.will(answered(*says("First", "."), *says("Second", ".", index=1)))
    assert (await respond()).text == "First.\n\nSecond."


async def test_a_refusal_is_told_from_an_answer(responding: Endpoint, respond: Ask) -> None:
    at = {"output_index": 0, "item_id": "msg_0", "content_index": 0}
    pieces = [event("response.refusal.delta", delta=each, **at) for each in ("I ", "will not.")]
    part = {"type": "refusal", "refusal": "I will not."}
    end = ending(output=[{**message(""), "content": [part]}])
    responding.will(stream(*created(), *pieces, end))
    heard = await respond()
    assert (heard.refusal, heard.text) == ("I will not.", "")


async def test_inline_thinking_is_taken_out(responding: Endpoint, respond: Ask) -> None:
    responding.will(answered(*says("<thi", "nk>Hm.</think>\n\nYes.")))
    heard = await respond()
    assert (heard.thinking, heard.text) == ("Hm.", "Yes.")


async def test_open_thoughts_are_thinking_once(responding: Endpoint, respond: Ask) -> None:
    item = {"type": "reasoning", "id": "r", "content": [{"type": "reasoning_text", "text": "Hm."}]}
    responding.will(
        answered(
            event("response.reasoning_text.delta", output_index=0, item_id="r", delta="Hm."),
            event("response.reasoning_text.done", output_index=0, item_id="r", text="Hm."),
            event(f"{ITEM}.done", output_index=0, item=item),
            *says("Yes.", index=1),
        )
    )
    heard = await respond()
    assert (heard.thinking, heard.text) == ("Hm.", "Yes.")


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, "length"),
        ({"reason": "content_filter"}, "content_filter"),
        (None, "length"),
    ],
)
async def test_an_incomplete_response_says_why(
    responding: Endpoint, respond: Ask, details: Any, reason: str
) -> None:
    responding.will(
        stream(*created(), *says("Text."), ending("incomplete", incomplete_details=details))
    )
    heard = await respond()
    assert (heard.text, heard.finished.reason) == ("Text.", reason)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (ending("failed", error={"code": "server_error", "message": "it broke"}), "server_error"),
        (
            ending("failed", error={"code": "rate_limit_exceeded", "message": "it broke"}),
            "rate_limit_exceeded",
        ),
        (event("error", code="context_length_exceeded", message="it broke"), "invalid_prompt"),
        (event("error", error={"message": "it broke", "code": None}), "server_error"),
        (b'event: error\ndata: {"message": "it broke"}\n\n', "server_error"),
        (b'data: {"error": {"message": "it broke"}}\n\n', "server_error"),
        (b"event: error\ndata: it broke\n\n", "server_error"),
    ],
)
async def test_every_shape_of_an_error_ends_the_answer(
    responding: Endpoint, respond: Ask, sent: bytes, code: str
) -> None:
    responding.will(stream(*created(), *says("One "), sent))
    heard = await respond()
    assert heard.text == "One "
    assert "reported an error: it broke" in heard.complaint
    assert heard.error is not None
    assert heard.error.code == code
    assert len(responding.posts("/responses")) == 1, "asking again would double the text"


async def test_a_failure_without_a_reason_is_still_one(responding: Endpoint, respond: Ask) -> None:
    responding.will(stream(*created(), ending("failed")))
    assert "the response is failed" in (await respond()).complaint


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ([], "ended before the answer was complete"),
        ([b'data: {"type": "response.comp'], "ended before the answer was complete"),
        ([Drop()], "ended before the answer was complete"),
        ([Stall()], "sent nothing for 0.1 seconds; what came so far is kept"),
    ],
    ids=["ends", "half an event", "drops", "stalls"],
)
async def test_an_answer_without_its_end_is_cut_off(
    responding: Endpoint, respond: Ask, end: list[Any], sentence: str
) -> None:
    delta = event("response.output_text.delta", output_index=0, delta="One ")
    responding.will(stream(*created(), delta, *end))
    heard = await respond(timeouts=Timeouts(idle=0.1))
    assert heard.text == "One "
    assert sentence in heard.complaint


async def test_between_two_items_a_model_may_think_for_longer(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(stream(*created(), *says("First."), Stall()))
    heard = await respond(timeouts=Timeouts(idle=0.01, first_byte=0.3))
    assert "sent nothing for 0.3 seconds" in heard.complaint


async def test_done_ends_an_answer_that_never_says_it_is_complete(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(stream(*created(), *says("All of it."), DONE))
    heard = await respond()
    assert (heard.text, heard.finished.reason) == ("All of it.", "stop")
    assert heard.finished.usage.estimated


async def test_the_end_is_the_end_even_if_the_connection_stays(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(stream(*created(), *says("Done."), ending(), Stall()))
    assert (await respond()).finished.reason == "stop"
    await responding.until(responding.posts("/responses")[0].gone.is_set)


async def test_the_next_request_uses_the_same_connection(
    responding: Endpoint, responder: Connect
) -> None:
    responding.always(greeting())
    model = responder(responding.url)
    await hear(model)
    await hear(model)
    assert len(responding.posts("/responses")) == 2
    assert responding.connections == 1


async def test_closing_the_stream_closes_the_connection(
    responding: Endpoint, responder: Connect
) -> None:
    delta = event("response.output_text.delta", output_index=0, delta="One ")
    responding.will(stream(delta, Stall()))
    async with aclosing(responder(responding.url).stream(asking())) as events:
        assert await anext(events) == TextDelta("One ")
    await responding.until(responding.posts("/responses")[0].gone.is_set)


async def test_bad_events_are_passed_over(responding: Endpoint, respond: Ask) -> None:
    odd: list[bytes] = [
        b"data: no json\n\n",
        b"data: [1]\n\n",
        b"data: " + b"[" * 200_000 + b"\n\n",
        event("response.output_text.delta"),
        event("response.output_text.delta", delta=5),
        event("response.output_item.added", item=None),
        event("response.output_item.done", output_index="x", item={"type": 7}),
        event("response.function_call_arguments.done", arguments=None),
        event("response.output_item.done", item={"type": "message", "content": [None, {}, 3]}),
        event("response.output_item.done", item={"type": "reasoning", "summary": "none"}),
        event("response.in_progress", response=None),
        event("response.never_heard_of", delta="x"),
        b'data: {"type": ["list"]}\n\n',
    ]
    responding.will(answered(*odd, *says("Fine.", index=9)))
    heard = await respond()
    assert heard.text == "Fine."
    assert heard.calls == []


async def test_odd_ends_are_understood(responding: Endpoint, respond: Ask) -> None:
    odd = {"output": [None, 3, {"type": None}], "usage": "free", "incomplete_details": 3}
    responding.will(stream(*created(), *says("Fine."), event("response.completed", response=odd)))
    heard = await respond()
    assert (heard.text, heard.finished.reason) == ("Fine.", "stop")


async def test_halves_of_a_character_in_two_deltas_are_joined(
    responding: Endpoint, respond: Ask
) -> None:
    halves = [
        b'data: {"type":"response.output_text.delta","output_index":0,"delta":"%b"}\n\n' % half
        for half in (rb"a\ud83d", rb"\ude00b")
    ]
    responding.will(
        answered(*halves, event("response.output_text.done", output_index=0, text="a😀b"))
    )
    assert (await respond()).text == "a😀b"


async def test_one_very_long_line_arrives_whole(responding: Endpoint, respond: Ask) -> None:
    responding.will(greeting("x" * 2_000_000))
    assert len((await respond()).text) == 2_000_000


async def test_a_whole_response_instead_of_a_stream_is_taken(
    responding: Endpoint, respond: Ask
) -> None:
    output = [thought("x", 0, "Hm."), message("All at once."), LOOK]
    body = {"object": "response", "status": "completed", "output": output, "usage": COUNTS}
    responding.will(whole(body))
    heard = await respond(asking("Go", "look"))
    assert (heard.thinking, heard.text) == ("Hm.", "All at once.")
    assert heard.calls == [("look", '{"a": 1}')]
    assert heard.finished.usage == ModelUsage(11, 7)


async def test_a_whole_response_may_be_incomplete_or_failed(
    responding: Endpoint, respond: Ask
) -> None:
    body: dict[str, Any] = {"object": "response", "status": "incomplete", "output": []}
    failed = {**body, "status": "failed", "error": {"message": "not today"}}
    responding.will(
        whole({**body, "incomplete_details": {"reason": "max_output_tokens"}}), whole(failed)
    )
    assert (await respond()).finished.reason == "length"
    assert "not today" in (await respond()).complaint


async def test_a_web_page_with_status_200_is_not_an_empty_answer(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(page(200, "<html><body>Sign in</body></html>"))
    assert "a web page, not the API" in (await respond()).complaint


@pytest.mark.parametrize("body", [b"", DONE, b"{}", b"nonsense", b'{"choices": []}'])
async def test_nothing_readable_is_an_error(
    responding: Endpoint, respond: Ask, body: bytes
) -> None:
    responding.will(stream(body))
    assert "nothing that can be read as an answer" in (await respond()).complaint


async def test_missing_usage_is_estimated_and_never_zero(
    responding: Endpoint, respond: Ask
) -> None:
    responding.will(stream(*says("12345678"), ending(usage=None)))
    used = (await respond()).finished.usage
    assert used.estimated
    assert used.completion_tokens == 2
    assert used.prompt_tokens > 0


async def test_what_may_pass_is_tried_again_and_a_bad_request_is_not(
    responding: Endpoint, respond: Ask
) -> None:
    hiccup: Reply = refusal(500, "hiccup", retry_after_ms="1")
    responding.will(hiccup, greeting(), refusal(400, "input: field required"))
    assert (await respond(retries=2)).text == "Hello there."
    assert "input: field required" in (await respond(retries=2)).complaint
    assert len(responding.posts("/responses")) == 3


async def test_a_long_wait_is_not_waited(responding: Endpoint, respond: Ask) -> None:
    responding.always(refusal(429, "slow down", retry_after="100"))
    heard = await respond(retries=2)
    assert heard.error is not None
    assert heard.error.code == "rate_limit_exceeded"
    assert len(responding.posts("/responses")) == 1
