"""How an answer's stream can go wrong, and what is kept of it (N1 to N8, N11, N23, N24)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from services.engine.models.base import ModelUsage, TextDelta
from services.engine.models.chat_completions import ChatCompletions, Timeouts
from tests.faults.conftest import Ask, asking, hear
from tests.faults.endpoint import (
    DONE,
    Drop,
    Endpoint,
    Reply,
    Stall,
    answer,
    chunk,
    ending,
    event,
    page,
    says,
    stream,
    usage,
    whole,
)

Connect = Callable[..., ChatCompletions]


async def test_an_answer_arrives_in_pieces_with_its_usage(fake: Endpoint, ask: Ask) -> None:
    fake.will(answer("One ", "two."))
    heard = await ask()
    assert heard.text == "One two."
    assert heard.finished.reason == "stop"
    assert heard.finished.usage == ModelUsage(11, 7)


async def test_a_connection_reset_keeps_what_came(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("One ", "two "), b'data: {"choices":[{"del', Drop()))
    heard = await ask()
    assert heard.text == "One two "
    assert "ended before the answer was complete" in heard.complaint
    assert f"127.0.0.1:{fake.port}" in heard.complaint
    assert len(fake.chats) == 1, "asking again would double the text"


async def test_a_connection_reset_before_anything_came_says_so(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(Drop()))
    assert "ended before an answer began" in (await ask()).complaint


async def test_a_clean_end_without_a_finish_is_a_cut(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("One ", "two")))
    heard = await ask()
    assert heard.text == "One two"
    assert "ended before the answer was complete" in heard.complaint


async def test_done_without_a_finish_reason_is_a_stop(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("All of it."), DONE))
    heard = await ask()
    assert (heard.text, heard.finished.reason) == ("All of it.", "stop")


async def test_a_finish_reason_without_done_is_complete(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("All of it."), chunk({}, "stop")))
    heard = await ask()
    assert (heard.text, heard.finished.reason) == ("All of it.", "stop")


@pytest.mark.parametrize(
    "end", [Drop(), Stall(), event({"error": "broken"})], ids=["drops", "stalls", "reports"]
)
async def test_text_held_back_is_given_out_however_the_answer_ends(
    fake: Endpoint, ask: Ask, end: Any
) -> None:
    fake.will(stream(*says("<thi"), end))
    heard = await ask(timeouts=Timeouts(first_byte=0.2, idle=0.1))
    assert heard.text == "<thi"
    assert heard.error is not None


@pytest.mark.parametrize("end", [Drop(), Stall()], ids=["drops", "stalls"])
async def test_what_happens_after_the_finish_reason_does_not_fail_the_answer(
    fake: Endpoint, ask: Ask, end: Drop | Stall
) -> None:
    fake.will(stream(*says("All of it."), chunk({}, "stop"), end))
    heard = await ask()
    assert (heard.text, heard.finished.reason) == ("All of it.", "stop")


async def test_truncated_json_at_the_end_is_a_cut(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("One "), b'data: {"choices":[{"delta":{"cont'))
    heard = await ask()
    assert heard.text == "One "
    assert "before the answer was complete" in heard.complaint


async def test_a_bad_event_is_passed_over(fake: Endpoint, ask: Ask) -> None:
    bad = (b"dta: x\n\n", b"data: no json\n\n", b"data: [1]\n\n", b": a comment\n\n", b"data:\n\n")
    fake.will(stream(*says("One "), *bad, *says("two."), *ending()))
    heard = await ask()
    assert heard.text == "One two."
    assert heard.finished.reason == "stop"


async def test_events_without_a_blank_line_between_them_are_told_apart(
    fake: Endpoint, ask: Ask
) -> None:
    joined = b"".join(piece.removesuffix(b"\n") for piece in says("One ", "two."))
    fake.will(stream(joined + b"\n", *ending()))
    assert (await ask()).text == "One two."


async def test_deeply_nested_json_is_a_bad_event(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(b"data: " + b"[" * 200_000 + b"\n\n", *says("Still here."), *ending()))
    assert (await ask()).text == "Still here."


async def test_invalid_utf8_becomes_the_replacement_character(fake: Endpoint, ask: Ask) -> None:
    broken = b'data: {"choices":[{"index":0,"delta":{"content":"a\xff\xfeb"}}]}\n\n'
    fake.will(stream(broken, *says(" and on."), *ending()))
    assert (await ask()).text == "a\ufffd\ufffdb and on."


async def test_a_character_cut_by_the_network_is_put_together(fake: Endpoint, ask: Ask) -> None:
    whole_stream = b"".join([*says("日本語 👩‍👩‍👧"), *ending()])
    fake.will(stream(*(whole_stream[i : i + 1] for i in range(len(whole_stream)))))
    assert (await ask()).text == "日本語 👩‍👩‍👧"


async def test_halves_of_a_character_in_two_chunks_are_joined(fake: Endpoint, ask: Ask) -> None:
    halves = [
        rb'data: {"choices":[{"delta":{"content":"%b"}}]}' % h for h in (rb"a\ud83d", rb"\ude00b")
    ]
    fake.will(stream(*(half + b"\n\n" for half in halves), *ending()))
    assert (await ask()).text == "a😀b"


async def test_a_lone_half_of_a_character_can_still_be_stored(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(rb'data: {"choices":[{"delta":{"content":"a\ud83d"}}]}' + b"\n\n", *ending()))
    heard = await ask()
    assert heard.text == "a\ufffd"


async def test_control_characters_arrive_as_they_were_sent(fake: Endpoint, ask: Ask) -> None:
    fake.will(answer("a\x00b", "\x1b[31m", "\u202e"))
    assert (await ask()).text == "a\x00b\x1b[31m\u202e"


async def test_one_very_long_line_arrives_whole(fake: Endpoint, ask: Ask) -> None:
    fake.will(answer("x" * 3_000_000))
    assert len((await ask()).text) == 3_000_000


async def test_a_stall_ends_after_the_idle_limit(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("One "), Stall()))
    heard = await ask(timeouts=Timeouts(idle=0.1))
    assert heard.text == "One "
    assert "sent nothing for 0.1 seconds; what came so far is kept" in heard.complaint


async def test_a_stall_inside_arguments_ends_too(fake: Endpoint, ask: Ask) -> None:
    part = {"index": 0, "id": "x", "function": {"name": "look", "arguments": '{"a'}}
    fake.will(stream(chunk({"tool_calls": [part]}), Stall()))
    heard = await ask(asking("Go", "look"), timeouts=Timeouts(idle=0.1))
    assert "sent nothing for 0.1 seconds" in heard.complaint


async def test_the_first_byte_has_a_limit_of_its_own(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(Stall()))
    heard = await ask(timeouts=Timeouts(first_byte=0.1))
    assert heard.complaint.endswith("sent nothing for 0.1 seconds.")
    assert len(fake.chats) == 1, "a slow endpoint is not asked again"


async def test_a_slow_start_is_not_held_to_the_idle_limit(fake: Endpoint, ask: Ask) -> None:
    role = chunk({"role": "assistant", "content": ""})
    fake.will(stream(role, Stall()))
    heard = await ask(timeouts=Timeouts(idle=0.01, first_byte=0.3))
    assert "0.3 seconds" in heard.complaint


async def test_keep_alives_do_not_count_as_an_answer(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("One "), *[b": keep-alive\n\n"] * 3, Stall()))
    heard = await ask(timeouts=Timeouts(idle=5, event=0.1))
    assert "sent nothing for 0.1 seconds" in heard.complaint


async def test_an_error_inside_the_stream_is_told_in_its_own_words(
    fake: Endpoint, ask: Ask
) -> None:
    error = {"error": {"message": "the GPU fell over", "type": "server_error"}}
    fake.will(stream(*says("One "), event(error), DONE))
    heard = await ask()
    assert heard.text == "One "
    assert "reported an error: the GPU fell over" in heard.complaint
    assert heard.error is not None
    assert heard.error.code == "server_error"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (
            event({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
            "rate_limit_exceeded",
        ),
        (event({"error": "exceeds the available context size"}), "invalid_prompt"),
        (event({"object": "error", "message": "no", "code": 400}), "server_error"),
        (b'event: error\ndata: {"message": "no"}\n\n', "server_error"),
        (b"event: error\ndata: plain words\n\n", "server_error"),
        (event({"choices": [{"delta": {}, "error": {"message": "upstream"}}]}), "server_error"),
    ],
)
async def test_every_shape_of_an_error_in_the_stream_ends_it(
    fake: Endpoint, ask: Ask, sent: bytes, code: str
) -> None:
    fake.will(stream(sent, DONE))
    heard = await ask()
    assert "reported an error: " in heard.complaint
    assert heard.error is not None
    assert heard.error.code == code


async def test_an_empty_error_field_is_no_error(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(chunk({"content": "Fine."}, "stop", error=None), DONE))
    assert (await ask()).text == "Fine."


async def test_a_web_page_with_status_200_is_not_an_empty_answer(fake: Endpoint, ask: Ask) -> None:
    fake.will(page(200, "<html><body>Sign in to the network</body></html>"))
    heard = await ask()
    assert "answered with a web page, not the API" in heard.complaint
    assert "<" not in heard.complaint


async def test_a_page_is_known_by_its_type_too(fake: Endpoint, ask: Ask) -> None:
    fake.will(page(200, "Sign in to the network"))
    assert "a web page, not the API" in (await ask()).complaint


async def test_a_page_is_known_by_its_looks_too(fake: Endpoint, ask: Ask) -> None:
    fake.will(Reply([b"\n\n <!DOCTYPE html><p>Hi"]))
    assert "a web page, not the API" in (await ask()).complaint


async def test_a_whole_completion_instead_of_a_stream_is_taken(fake: Endpoint, ask: Ask) -> None:
    message = {"role": "assistant", "content": "All at once."}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "length"}]}
    fake.will(whole(body))
    heard = await ask()
    assert (heard.text, heard.finished.reason) == ("All at once.", "length")


async def test_a_whole_completion_may_hold_calls(fake: Endpoint, ask: Ask) -> None:
    calls = [{"id": "1", "function": {"name": "look", "arguments": '{"a": 1}'}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    fake.will(whole({"choices": [{"message": message, "finish_reason": "stop"}]}))
    heard = await ask(asking("Go", "look"))
    assert heard.calls == [("look", '{"a": 1}')]
    assert heard.finished.reason == "tool_calls"


async def test_an_error_with_status_200_is_an_error(fake: Endpoint, ask: Ask) -> None:
    fake.will(whole({"error": {"message": "not today"}}))
    assert "not today" in (await ask()).complaint


@pytest.mark.parametrize("body", [b"", b"data: [DONE]\n\n", b"\xff\xfe\x00", b"{}", b"nonsense"])
async def test_nothing_readable_is_an_error(fake: Endpoint, ask: Ask, body: bytes) -> None:
    fake.will(stream(body))
    assert "nothing that can be read as an answer" in (await ask()).complaint


async def test_an_empty_answer_is_still_an_answer(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*ending()))
    heard = await ask()
    assert (heard.text, heard.finished.reason) == ("", "stop")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
        ("eos", "stop"),
        ("tool_calls", "stop"),
    ],
)
async def test_finish_reasons_have_their_own_endings(
    fake: Endpoint, ask: Ask, said: str, reason: str
) -> None:
    fake.will(stream(*says("Text."), *ending(said)))
    assert (await ask()).finished.reason == reason


async def test_closing_the_stream_closes_the_connection(fake: Endpoint, connected: Connect) -> None:
    fake.will(stream(*says("One "), Stall()))
    model = connected(fake.url)
    async with aclosing(model.stream(asking())) as events:
        assert await anext(events) == TextDelta("One ")
    await fake.until(fake.chats[0].gone.is_set)


async def test_cancelling_the_reader_closes_the_connection(
    fake: Endpoint, connected: Connect
) -> None:
    fake.will(stream(*says("One "), Stall()))
    reader = asyncio.create_task(hear(connected(fake.url)))
    await fake.until(lambda: bool(fake.chats))
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await fake.until(fake.chats[0].gone.is_set)


async def test_done_ends_the_answer_even_if_the_connection_stays(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("Done."), *ending(), Stall()))
    assert (await ask()).finished.reason == "stop"
    await fake.until(fake.chats[0].gone.is_set)


async def test_a_driver_closed_before_it_is_asked_says_so(
    fake: Endpoint, connected: Connect
) -> None:
    model = connected(fake.url)
    await model.aclose()
    assert "is closed" in (await hear(model)).complaint


async def test_missing_usage_is_estimated_and_never_zero(fake: Endpoint, ask: Ask) -> None:
    fake.will(stream(*says("12345678"), chunk({}, "stop"), DONE))
    used = (await ask(asking("Hello?"))).finished.usage
    assert used.estimated
    assert used.completion_tokens == 2
    assert used.prompt_tokens > 0


async def test_usage_details_are_read(fake: Endpoint, ask: Ask) -> None:
    details = {
        "prompt_tokens_details": {"cached_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    fake.will(stream(*says("Hi"), chunk({}, "stop"), usage(**details), DONE))
    assert (await ask()).finished.usage == ModelUsage(11, 7, 5, 3)


async def test_usage_on_the_last_chunk_counts_too(fake: Endpoint, ask: Ask) -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 1}
    fake.will(stream(*says("Hi"), chunk({}, "stop", usage=counts), DONE))
    assert (await ask()).finished.usage == ModelUsage(3, 1)


async def test_odd_shapes_are_passed_over(fake: Endpoint, ask: Ask) -> None:
    odd: list[object] = [
        {"choices": None},
        {"choices": [None, 3, "x"]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": None, "tool_calls": None}}]},
        {"choices": [{"delta": {"content": 5, "tool_calls": 7, "refusal": []}}]},
        {"choices": [{"delta": {"tool_calls": [None, {}, {"function": None}]}}]},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        {"choices": [], "usage": {"prompt_tokens": "many", "completion_tokens": -4}},
    ]
    fake.will(stream(*map(event, odd), *says("Fine."), *ending()))
    heard = await ask()
    assert heard.text == "Fine."
    assert heard.calls == []
