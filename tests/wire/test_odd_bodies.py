"""Bodies that Python reads and nobody else: refused, or they would make every list unreadable."""

from __future__ import annotations

import pytest

from tests.wire.conftest import Wire

JSON = {"content-type": "application/json"}


def with_parameters(parameters: str) -> str:
    function = f'{{"name": "look", "parameters": {parameters}}}'
    return f'{{"model": "m", "tools": [{{"type": "function", "function": {function}}}]}}'


def nested(depth: int) -> str:
    return with_parameters('{"a":' * depth + "1" + "}" * depth)


@pytest.mark.parametrize(
    "body",
    [
        with_parameters('{"least": NaN}'),
        with_parameters('{"most": -Infinity}'),
        with_parameters('{"most": 1e999}'),
        with_parameters(r'{"half": "\ud83d"}'),
        with_parameters(r'{"\uDE00": 1}'),
        with_parameters('{"half": "\ud83d"}'),
        nested(150),
        nested(100_000),
    ],
    ids=["nan", "infinity", "overflow", "half", "half a key", "encoded half", "deep", "deepest"],
)
async def test_what_could_not_be_read_back_is_refused(wire: Wire, body: str) -> None:
    answer = await wire.raw(
        "POST", "/assistants", content=body.encode("utf-8", "surrogatepass"), headers=JSON
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]
    assert (await wire.raw("GET", "/assistants")).json()["data"] == []


async def test_a_whole_character_may_be_written_as_two_escapes(wire: Wire) -> None:
    body = with_parameters(r'{"face": "\ud83d\ude00"}')
    answer = await wire.raw("POST", "/assistants", content=body, headers=JSON)
    assert answer.status_code == 200
    listed = (await wire.raw("GET", "/assistants")).json()["data"]
    assert listed[0]["tools"][0]["function"]["parameters"] == {"face": "\U0001f600"}


async def test_a_schema_may_be_as_deep_as_schemas_are(wire: Wire) -> None:
    answer = await wire.raw("POST", "/assistants", content=nested(60), headers=JSON)
    assert answer.status_code == 200


async def test_a_tool_choice_of_half_a_character_does_not_spoil_the_list_of_runs(
    wire: Wire,
) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    choice = r'{"type": "function", "function": {"name": "\ud800"}}'
    answer = await wire.raw(
        "POST",
        f"/threads/{thread.id}/runs",
        content=f'{{"assistant_id": "{assistant.id}", "tool_choice": {choice}}}',
        headers=JSON,
    )
    assert answer.status_code == 400
    assert (await wire.raw("GET", f"/threads/{thread.id}/runs")).json()["data"] == []


@pytest.mark.parametrize("field", ["max_prompt_tokens", "max_completion_tokens"])
async def test_a_number_beyond_all_bounds_is_refused_by_name(wire: Wire, field: str) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    answer = await wire.raw(
        "POST", f"/threads/{thread.id}/runs", json={"assistant_id": assistant.id, field: 10**30}
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == (field, "integer_above_max_value")
    assert "2147483647" in error["message"]


async def test_an_empty_list_of_parts_is_called_empty(wire: Wire) -> None:
    thread = await wire.thread()
    answer = await wire.raw(
        "POST", f"/threads/{thread.id}/messages", json={"role": "user", "content": []}
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("content", "empty_array")
    assert "but got an empty array instead" in error["message"]


async def test_merged_metadata_keeps_its_limit(wire: Wire) -> None:
    full = {f"k{number}": "v" for number in range(16)}
    for path in ("/assistants", "/threads"):
        fields = {"model": "m"} if path == "/assistants" else {}
        made = (await wire.raw("POST", path, json={**fields, "metadata": full})).json()
        changed = await wire.raw("POST", f"{path}/{made['id']}", json={"metadata": {"k0": "new"}})
        assert changed.status_code == 200
        refused = await wire.raw("POST", f"{path}/{made['id']}", json={"metadata": {"k16": "v"}})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "metadata"
        kept = (await wire.raw("GET", f"{path}/{made['id']}")).json()
        assert kept["metadata"] == {**full, "k0": "new"}
