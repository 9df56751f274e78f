"""Bodies that are too much of something: refused at once, in few words, and nothing stored."""

from __future__ import annotations

import time
from typing import Any

import pytest

from services.engine.routes.strict_json import DEPTH, VALUES
from tests.wire.conftest import Wire

MANY = 300_000


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


async def refused(wire: Wire, path: str, body: str | bytes) -> dict[str, Any]:
    began = time.monotonic()
    answer = await wire.raw("POST", path, content=body)
    assert time.monotonic() - began < 5
    assert answer.status_code == 400
    assert len(answer.content) < 2000
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.mark.parametrize("depth", [DEPTH, 500, 920, 940, 950, 960, 980, 10_000, 200_000])
@pytest.mark.parametrize("place", ["metadata", "messages", "nonsense"])
async def test_a_value_too_deep_is_refused_wherever_it_stands(
    wire: Wire, place: str, depth: int
) -> None:
    # It must not be looked at before it is measured: to print it or to compare it goes too deep.
    error = await refused(wire, "/threads", f'{{"{place}": {nested(depth)}}}')
    assert "nested too deeply" in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        '{"messages": [' + ",".join(["{}"] * MANY) + "]}",
        "{" + ",".join(f'"k{number}": 1' for number in range(MANY)) + "}",
        '{"metadata": {' + ",".join(f'"k{number}": 1' for number in range(MANY)) + "}}",
        "[" + ",".join(["[[[[[[[[[[1]]]]]]]]]]"] * (MANY // 10)) + "]",
    ],
    ids=["items", "fields", "pairs", "nests"],
)
async def test_more_values_than_anything_takes_are_refused_before_each_is_judged(
    wire: Wire, body: str
) -> None:
    error = await refused(wire, "/threads", body)
    assert f"{VALUES} are the most" in error["message"]


async def test_commas_and_brackets_in_a_text_are_no_values(wire: Wire) -> None:
    text = "[{," * 80_000
    thread = await wire.thread(text)
    message = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert message.content[0].type == "text"
    assert message.content[0].text.value == text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/threads", {"x" * 100_000: 1}),
        ("/threads", {"messages": [{"role": "x" * 100_000, "content": "c"}]}),
        ("/assistants", {"model": "m", "tools": [{"type": "x" * 100_000}]}),
        ("/assistants", {"model": "m", "temperature": 10**4000}),
    ],
)
async def test_an_error_does_not_repeat_all_that_was_sent(
    wire: Wire, path: str, body: dict[str, Any]
) -> None:
    answer = await wire.raw("POST", path, json=body)
    assert answer.status_code == 400
    assert len(answer.content) < 6000
    assert len(answer.json()["error"]["param"]) <= 200


async def test_an_id_of_any_length_is_repeated_in_part(wire: Wire) -> None:
    answer = await wire.raw("POST", "/threads/runs", json={"assistant_id": "a" * 100_000})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("No assistant found with id 'aaa")
    assert len(answer.content) < 1000
