"""Files and vector stores of assistants and threads: by id, made on the way, and by attachment."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.wire.conftest import LOOK, Wire
from tests.wire.test_vector_stores import stored

SEARCH: Any = {"type": "file_search"}
CODE: Any = {"type": "code_interpreter"}


def attach(file_id: str, *tools: Any) -> Any:
    return {"file_id": file_id, "tools": list(tools)}


async def say(wire: Wire, thread_id: str, *attachments: Any) -> Any:
    return await wire.client.beta.threads.messages.create(
        thread_id, role="user", content="Look at this.", attachments=list(attachments)
    )


async def resources(wire: Wire, thread_id: str) -> Any:
    return (await wire.raw("GET", f"/threads/{thread_id}")).json()["tool_resources"]


# --- assistants -------------------------------------------------------------------------------


async def test_an_assistant_lists_nothing_for_each_built_in_tool_that_is_on(wire: Wire) -> None:
    plain = await wire.raw("POST", "/assistants", json={"model": "m", "tools": [LOOK]})
    assert plain.json()["tool_resources"] == {}
    both = await wire.raw("POST", "/assistants", json={"model": "m", "tools": [CODE, SEARCH]})
    assert both.json()["tool_resources"] == {
        "code_interpreter": {"file_ids": []},
        "file_search": {"vector_store_ids": []},
    }


async def test_an_assistant_is_given_files_and_a_store(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create(file_ids=[file.id])
    made = await wire.assistant(
        tools=[CODE, SEARCH],
        tool_resources={
            "code_interpreter": {"file_ids": [file.id]},
            "file_search": {"vector_store_ids": [store.id]},
        },
    )
    got = await wire.client.beta.assistants.retrieve(made.id)
    assert got.tool_resources is not None
    assert got.tool_resources.code_interpreter is not None
    assert got.tool_resources.code_interpreter.file_ids == [file.id]
    assert got.tool_resources.file_search is not None
    assert got.tool_resources.file_search.vector_store_ids == [store.id]


async def test_an_assistants_described_store_is_made_and_never_expires(wire: Wire) -> None:
    file = await stored(wire)
    made = await wire.assistant(
        tools=[SEARCH],
        tool_resources={
            "file_search": {"vector_stores": [{"file_ids": [file.id], "metadata": {"a": "b"}}]}
        },
    )
    assert made.tool_resources is not None
    assert made.tool_resources.file_search is not None
    (store_id,) = made.tool_resources.file_search.vector_store_ids or []
    store = await wire.client.vector_stores.retrieve(store_id)
    assert (store.expires_after, store.metadata) == (None, {"a": "b"})
    entry = await wire.client.vector_stores.files.poll(file.id, vector_store_id=store_id)
    assert entry.status == "completed"


async def test_modifying_replaces_the_tools_that_are_given_and_no_others(wire: Wire) -> None:
    file = await stored(wire)
    store = await wire.client.vector_stores.create()
    made = await wire.assistant(
        tools=[CODE, SEARCH], tool_resources={"code_interpreter": {"file_ids": [file.id]}}
    )
    changed = await wire.client.beta.assistants.update(
        made.id, tool_resources={"file_search": {"vector_store_ids": [store.id]}}
    )
    assert changed.tool_resources is not None
    assert changed.tool_resources.model_dump() == {
        "code_interpreter": {"file_ids": [file.id]},
        "file_search": {"vector_store_ids": [store.id]},
    }
    emptied = await wire.client.beta.assistants.update(
        made.id, tool_resources={"code_interpreter": {"file_ids": []}}
    )
    assert emptied.tool_resources is not None
    assert emptied.tool_resources.code_interpreter is not None
    assert emptied.tool_resources.code_interpreter.file_ids == []


async def test_a_store_cannot_be_described_when_an_assistant_is_modified(wire: Wire) -> None:
    made = await wire.assistant(tools=[SEARCH])
    answer = await wire.raw(
        "POST",
        f"/assistants/{made.id}",
        json={"tool_resources": {"file_search": {"vector_stores": [{}]}}},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unknown_parameter"
    assert answer.json()["error"]["param"] == "tool_resources.file_search.vector_stores"


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        (
            {"code_interpreter": {"file_ids": ["file-none"]}},
            404,
            "No file found with id 'file-none'.",
        ),
        (
            {"file_search": {"vector_store_ids": ["vs_none"]}},
            404,
            "No vector store found with id 'vs_none'.",
        ),
        (
            {"file_search": {"vector_store_ids": ["vs_a", "vs_b"]}},
            400,
            "Expected an array with maximum length 1",
        ),
        (
            {"code_interpreter": {"file_ids": ["file-a"] * 21}},
            400,
            "Expected an array with maximum length 20",
        ),
        (
            {"file_search": {"vector_store_ids": ["vs_a"], "vector_stores": [{}]}},
            400,
            "only one of 'vector_store_ids' and 'vector_stores'",
        ),
    ],
)
async def test_resources_that_cannot_be_are_refused_and_nothing_is_made(
    wire: Wire, given: Any, status: int, says: str
) -> None:
    body = {"model": "m", "tools": [CODE, SEARCH], "tool_resources": given}
    answer = await wire.raw("POST", "/assistants", json=body)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert (await wire.client.beta.assistants.list()).data == []
    assert (await wire.client.vector_stores.list()).data == []


# --- threads and attachments ------------------------------------------------------------------


async def test_a_threads_described_store_lives_a_week_from_its_last_use(wire: Wire) -> None:
    file = await stored(wire)
    thread = await wire.client.beta.threads.create(
        tool_resources={"file_search": {"vector_stores": [{"file_ids": [file.id]}]}}
    )
    assert thread.tool_resources is not None
    assert thread.tool_resources.file_search is not None
    (store_id,) = thread.tool_resources.file_search.vector_store_ids or []
    store = await wire.client.vector_stores.retrieve(store_id)
    assert store.expires_after is not None
    assert (store.expires_after.anchor, store.expires_after.days) == ("last_active_at", 7)


async def test_an_attachment_for_search_goes_into_a_store_of_the_thread(wire: Wire) -> None:
    first, second = await stored(wire, "a.md"), await stored(wire, "b.md")
    thread = await wire.thread()
    message = await say(wire, thread.id, attach(first.id, SEARCH))
    assert [each.model_dump() for each in message.attachments] == [attach(first.id, SEARCH)]
    (store_id,) = (await resources(wire, thread.id))["file_search"]["vector_store_ids"]
    await say(wire, thread.id, attach(second.id, SEARCH), attach(first.id, SEARCH))
    assert (await resources(wire, thread.id))["file_search"]["vector_store_ids"] == [store_id]
    for file in (first, second):
        entry = await wire.client.vector_stores.files.poll(file.id, vector_store_id=store_id)
        assert entry.status == "completed"
    store = await wire.client.vector_stores.retrieve(store_id)
    assert (store.file_counts.total, store.expires_after and store.expires_after.days) == (2, 7)


async def test_an_attachment_for_code_is_listed_once(wire: Wire) -> None:
    file, both = await stored(wire, "a.csv"), await stored(wire, "b.md")
    thread = await wire.client.beta.threads.create(
        messages=[
            {"role": "user", "content": "1", "attachments": [attach(file.id, CODE)]},
            {"role": "user", "content": "2", "attachments": [attach(both.id, CODE, SEARCH)]},
        ]
    )
    assert thread.tool_resources is not None
    assert thread.tool_resources.code_interpreter is not None
    assert thread.tool_resources.code_interpreter.file_ids == [file.id, both.id]
    await say(wire, thread.id, attach(file.id, CODE))
    listed = (await resources(wire, thread.id))["code_interpreter"]["file_ids"]
    assert listed == [file.id, both.id]


async def test_a_file_that_cannot_be_searched_is_refused_with_its_message(wire: Wire) -> None:
    file = await stored(wire, "a.csv")
    thread = await wire.thread()
    with pytest.raises(openai.BadRequestError, match=r"extensions \[\.csv\] are not supported"):
        await say(wire, thread.id, attach(file.id, SEARCH))
    assert (await wire.client.beta.threads.messages.list(thread.id)).data == []
    assert await resources(wire, thread.id) == {}
    assert (await wire.client.vector_stores.list()).data == []


async def test_an_unknown_attachment_is_refused_with_its_message(wire: Wire) -> None:
    thread = await wire.thread()
    with pytest.raises(openai.NotFoundError, match="No file found with id 'file-none'"):
        await say(wire, thread.id, attach("file-none", CODE))
    assert (await wire.client.beta.threads.messages.list(thread.id)).data == []


async def test_a_thread_takes_twenty_files_for_code(wire: Wire) -> None:
    files = [await stored(wire, f"{number}.csv") for number in range(21)]
    thread = await wire.thread()
    await say(wire, thread.id, *(attach(file.id, CODE) for file in files[:20]))
    with pytest.raises(openai.BadRequestError, match="maximum length 20"):
        await say(wire, thread.id, attach(files[20].id, CODE))


# --- deletion ---------------------------------------------------------------------------------


async def test_deleting_a_file_takes_it_off_every_list(wire: Wire) -> None:
    file, other = await stored(wire, "a.md"), await stored(wire, "b.md")
    assistant = await wire.assistant(
        tools=[CODE], tool_resources={"code_interpreter": {"file_ids": [file.id, other.id]}}
    )
    thread = await wire.thread()
    await say(wire, thread.id, attach(file.id, CODE, SEARCH))
    (store_id,) = (await resources(wire, thread.id))["file_search"]["vector_store_ids"]
    await wire.client.files.delete(file.id)
    left = (await wire.raw("GET", f"/assistants/{assistant.id}")).json()["tool_resources"]
    assert left == {"code_interpreter": {"file_ids": [other.id]}}
    assert await resources(wire, thread.id) == {
        "code_interpreter": {"file_ids": []},
        "file_search": {"vector_store_ids": [store_id]},
    }
    assert (await wire.client.vector_stores.files.list(store_id)).data == []


async def test_deleting_a_thread_keeps_its_files_and_store(wire: Wire) -> None:
    file = await stored(wire)
    thread = await wire.thread()
    await say(wire, thread.id, attach(file.id, SEARCH))
    (store_id,) = (await resources(wire, thread.id))["file_search"]["vector_store_ids"]
    await wire.client.beta.threads.delete(thread.id)
    assert (await wire.client.files.retrieve(file.id)).id == file.id
    assert (await wire.client.vector_stores.retrieve(store_id)).id == store_id
