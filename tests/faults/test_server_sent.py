"""The event decoder against anything a network can carry."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engine.models.base import (
    Finished,
    ModelError,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ReasoningDelta,
    TextContent,
    TextDelta,
    ToolDefinition,
)
from services.engine.models.chat_chunks import ChatTurn
from services.engine.models.failures import Endpoint
from services.engine.models.server_sent import (
    EventTooLarge,
    ServerSentDecoder,
    ServerSentEvent,
)

REQUEST = ModelRequest(
    "m", (ModelMessage("user", (TextContent("Hi"),)),), (ToolDefinition("look"),)
)


def decoded(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = ServerSentDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.close()]


def cut(payload: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(payload) + 1) for place in places), len(payload)]
    return [payload[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_kind_of_line_end_ends_a_line(end: str) -> None:
    text = f"\ufeff: comment{end}event: note{end}data: a{end}data:b{end}{end}data: c{end}{end}"
    expected = [ServerSentEvent("note", "a\nb"), ServerSentEvent("", "c")]
    assert decoded(text.encode()) == expected
    assert decoded(*(bytes([byte]) for byte in text.encode())) == expected


def test_only_line_ends_end_a_line() -> None:
    assert decoded("data: a\u2028b\x0bc\x85d\n\n".encode())[0].data == "a\u2028b\x0bc\x85d"


def test_one_blank_after_the_colon_belongs_to_the_format() -> None:
    assert [event.data for event in decoded(b"data:  x\n\ndata:x\n\n")] == [" x", "x"]


def test_an_event_without_data_is_none() -> None:
    assert decoded(b"event: ping\n\ndata\n\ndata:\n\nid: 7\nretry: 5\n\n") == []


def test_the_last_event_may_miss_its_blank_line() -> None:
    assert decoded(b"data: a\n\ndata: [DONE]")[-1].data == "[DONE]"


@pytest.mark.parametrize("payload", [b"data: " + b"x" * 200, b"data: x\n" * 200])
def test_an_event_without_end_is_refused(payload: bytes) -> None:
    decoder = ServerSentDecoder(limit=100)

    def feed_all() -> None:
        for start in range(0, len(payload), 7):
            decoder.feed(payload[start : start + 7])

    with pytest.raises(EventTooLarge):
        feed_all()


lines = st.lists(
    st.sampled_from(
        [b"data: a", b"data:", b"data", b": c", b"event: e", b"", b"x", b"\xff", b"\xef\xbb\xbf"]
    )
    | st.binary(max_size=12)
)
payloads = st.builds(
    lambda parts, ends: b"".join(part + ends[i % len(ends)] for i, part in enumerate(parts)),
    lines,
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=1, max_size=4),
)


@given(payloads | st.binary(max_size=200), st.lists(st.integers(0, 10_000), max_size=20))
def test_how_the_network_cuts_the_bytes_makes_no_difference(
    payload: bytes, places: list[int]
) -> None:
    assert decoded(*cut(payload, places)) == decoded(payload)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts, st.lists(st.integers(0, 10_000), max_size=20))
def test_json_survives_any_cutting(text: str, places: list[int]) -> None:
    payload = b"data: " + json.dumps(text, ensure_ascii=False).encode() + b"\r\n\r\n"
    (event,) = decoded(*cut(payload, places))
    assert json.loads(event.data) == text


keys = st.sampled_from(
    [
        *("choices", "delta", "content", "tool_calls", "index", "id", "function", "name"),
        *("arguments", "finish_reason", "usage", "prompt_tokens", "message", "refusal"),
        *("reasoning", "thinking", "text", "completion_tokens_details", "object"),
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


def read(data: list[str]) -> list[ModelEvent]:
    turn = ChatTurn(REQUEST, Endpoint("http://host/v1", "key"))
    events = [event for each in data for event in turn.read(each)]
    return [*events, *turn.finish(done=True)]


@given(
    st.lists(json_values | st.fixed_dictionaries({"choices": st.lists(json_values)}), max_size=6)
)
def test_no_chunk_however_odd_does_more_than_fail_with_a_sentence(values: list[object]) -> None:
    try:
        events = read([json.dumps(value) for value in values])
    except ModelError:
        return
    assert sum(isinstance(event, Finished) for event in events) == 1
    for event in events:
        if isinstance(event, TextDelta):
            event.text.encode()  # can be stored


@given(st.lists(st.text(max_size=30), max_size=5))
def test_no_text_in_place_of_json_does_more_than_fail_with_a_sentence(data: list[str]) -> None:
    with suppress(ModelError):
        read(data)


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "<", "th", "ink>", "a", "\n", " "]), max_size=14
    )
)
def test_thinking_and_answer_do_not_depend_on_the_pieces(pieces: list[str]) -> None:
    def split(parts: list[str]) -> tuple[str, str]:
        chunks = [json.dumps({"choices": [{"delta": {"content": part}}]}) for part in parts]
        events = read([json.dumps({"choices": []}), *chunks])
        answer = "".join(event.text for event in events if isinstance(event, TextDelta))
        thinking = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
        return answer, thinking

    assert split(pieces) == split(["".join(pieces)])
