"""Lists are put together as text: they say what the objects say one by one."""

from __future__ import annotations

import json
from typing import Any

from openai.types.beta import Assistant

from tests.wire.conftest import LOOK, Wire

ODD = 'quotes " and \\ backslashes,\nlines, \u2028, é, 😀, {"json": [1]}, %s %%'


async def objects(wire: Wire, path: str, ids: list[str]) -> list[Any]:
    return [(await wire.raw("GET", f"{path}/{each}")).json() for each in ids]


async def test_a_list_of_messages_has_the_objects_themselves(wire: Wire) -> None:
    thread = await wire.thread("plain", ODD, "%")
    await wire.client.beta.threads.messages.create(
        thread.id, role="assistant", content=ODD, metadata={ODD[:60]: ODD}
    )
    assistant = await wire.assistant()
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    path = f"/threads/{thread.id}/messages"
    found = (await wire.raw("GET", path)).json()
    ids = [message["id"] for message in found["data"]]
    assert len(ids) == 5
    assert found["data"] == await objects(wire, path, ids)
    assert list(found["data"][0]) == list((await objects(wire, path, ids[:1]))[0])
    ends = (found["first_id"], found["last_id"], found["has_more"])
    assert ends == (ids[0], ids[-1], False)


async def test_a_message_that_is_incomplete_says_why_in_a_list(wire: Wire) -> None:
    thread = await wire.thread("hello")
    async with wire.engine.database.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE messages SET status = 'incomplete', incomplete_reason = 'max_tokens'"
        )
    found = (await wire.raw("GET", f"/threads/{thread.id}/messages")).json()
    assert found["data"][0]["incomplete_details"] == {"reason": "max_tokens"}


async def test_a_list_of_assistants_has_the_objects_themselves(wire: Wire) -> None:
    made: list[Assistant] = [
        await wire.assistant(),
        await wire.assistant(name=ODD[:200], instructions=ODD, metadata={"a": ODD}),
        await wire.assistant(tools=[LOOK], temperature=0.1, top_p=1, response_format="auto"),
        await wire.assistant(temperature=2, response_format={"type": "json_object"}),
    ]
    answer = await wire.raw("GET", "/assistants?order=asc")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["data"] == await objects(wire, "/assistants", [each.id for each in made])
    assert '"temperature":2.0' in answer.text


async def test_an_empty_list_has_no_ends(wire: Wire) -> None:
    thread = await wire.thread()
    for path in (f"/threads/{thread.id}/messages", "/assistants"):
        assert json.loads((await wire.raw("GET", path)).content) == {
            "object": "list",
            "data": [],
            "first_id": None,
            "last_id": None,
            "has_more": False,
        }


async def test_the_list_of_threads_tells_of_the_newest_run(wire: Wire) -> None:
    idle, busy = await wire.thread("hello"), await wire.thread("hello")
    first, second = await wire.assistant(), await wire.assistant()
    for assistant in (first, second):
        await wire.client.beta.threads.runs.create_and_poll(
            thread_id=busy.id, assistant_id=assistant.id
        )
    found = (await wire.raw("GET", "/threads")).json()["data"]
    told = [
        (each["id"], each["understudy"]["run_status"], each["understudy"]["assistant_id"])
        for each in found
    ]
    assert told == [(busy.id, "completed", second.id), (idle.id, None, None)]
