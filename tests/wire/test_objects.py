"""Assistants, threads and messages: objects, lists, metadata, deletion."""

from __future__ import annotations

import re

import openai
import pytest

from tests.wire.conftest import LOOK, Wire


async def test_an_assistant_has_every_field_of_the_recorded_traffic(wire: Wire) -> None:
    made = (await wire.raw("POST", "/assistants", json={"model": "gpt-4o"})).json()
    assert made == {
        "id": made["id"],
        "object": "assistant",
        "created_at": made["created_at"],
        "name": None,
        "description": None,
        "model": "gpt-4o",
        "instructions": None,
        "tools": [],
        "top_p": 1.0,
        "temperature": 1.0,
        "reasoning_effort": None,
        "tool_resources": {},
        "metadata": {},
        "response_format": "auto",
    }


async def test_ids_are_a_prefix_and_24_letters_and_digits(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    message = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    step = (await wire.client.beta.threads.runs.steps.list(run.id, thread_id=thread.id)).data[0]
    for made, prefix in [
        (assistant, "asst"),
        (thread, "thread"),
        (message, "msg"),
        (run, "run"),
        (step, "step"),
    ]:
        assert re.fullmatch(rf"{prefix}_[A-Za-z0-9]{{24}}", made.id)


async def test_an_update_leaves_what_it_does_not_name_and_replaces_arrays(wire: Wire) -> None:
    assistant = await wire.assistant(name="First", instructions="Be brief.", tools=[LOOK])
    changed = await wire.client.beta.assistants.update(assistant.id, name="Second")
    assert (changed.name, changed.instructions) == ("Second", "Be brief.")
    assert len(changed.tools) == 1
    emptied = await wire.client.beta.assistants.update(assistant.id, tools=[])
    assert emptied.tools == []


async def test_metadata_of_assistants_and_threads_merges(wire: Wire) -> None:
    assistant = await wire.assistant(metadata={"a": "1", "b": "2"})
    changed = await wire.client.beta.assistants.update(assistant.id, metadata={"b": "3"})
    assert changed.metadata == {"a": "1", "b": "3"}
    thread = await wire.client.beta.threads.create(metadata={"a": "1"})
    changed_thread = await wire.client.beta.threads.update(thread.id, metadata={"c": "4"})
    assert changed_thread.metadata == {"a": "1", "c": "4"}


async def test_a_list_is_newest_first_and_pages_by_cursor(wire: Wire) -> None:
    made = [(await wire.assistant(name=str(number))).id for number in range(7)]
    listed = [each.id async for each in wire.client.beta.assistants.list(limit=3)]
    assert listed == made[::-1]
    ascending = [each.id async for each in wire.client.beta.assistants.list(limit=2, order="asc")]
    assert ascending == made


async def test_before_gives_the_page_that_ends_at_the_cursor(wire: Wire) -> None:
    made = [(await wire.assistant(name=str(number))).id for number in range(6)]
    page = await wire.client.beta.assistants.list(before=made[1], limit=2)
    assert [each.id for each in page.data] == [made[3], made[2]]
    assert page.has_more


async def test_an_empty_list_has_null_cursors(wire: Wire) -> None:
    page = (await wire.raw("GET", "/assistants")).json()
    assert page == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


async def test_deleting_while_paging_reaches_every_object(wire: Wire) -> None:
    for number in range(5):
        await wire.assistant(name=str(number))
    seen = 0
    async for each in wire.client.beta.assistants.list(limit=2):
        await wire.client.beta.assistants.delete(each.id)
        seen += 1
    assert seen == 5
    assert (await wire.client.beta.assistants.list()).data == []


async def test_a_second_deletion_is_404(wire: Wire) -> None:
    assistant = await wire.assistant()
    deleted = await wire.client.beta.assistants.delete(assistant.id)
    assert (deleted.object, deleted.deleted) == ("assistant.deleted", True)
    with pytest.raises(openai.NotFoundError, match="No assistant found with id"):
        await wire.client.beta.assistants.delete(assistant.id)


async def test_deleting_a_thread_takes_its_messages_and_runs(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    await wire.client.beta.threads.delete(thread.id)
    with pytest.raises(openai.NotFoundError, match="No thread found"):
        await wire.client.beta.threads.messages.list(thread.id)
    with pytest.raises(openai.NotFoundError, match="No thread found"):
        await wire.client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)


async def test_deleting_an_assistant_keeps_its_threads(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    await wire.client.beta.assistants.delete(assistant.id)
    assert len((await wire.client.beta.threads.messages.list(thread.id)).data) == 2
    with pytest.raises(openai.NotFoundError, match="No assistant found"):
        await wire.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)


async def test_a_text_part_is_a_string_in_and_a_value_out(wire: Wire) -> None:
    thread = await wire.thread()
    message = await wire.client.beta.threads.messages.create(
        thread.id,
        role="user",
        content=[
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ],
    )
    text, image = message.content
    assert text.type == "text"
    assert (text.text.value, text.text.annotations) == ("what is this?", [])
    assert image.type == "image_url"
    assert image.image_url.url == "https://example.com/a.png"


async def test_a_message_can_be_read_changed_and_deleted(wire: Wire) -> None:
    thread = await wire.thread("one")
    messages = wire.client.beta.threads.messages
    message = (await messages.list(thread.id)).data[0]
    changed = await messages.update(message.id, thread_id=thread.id, metadata={"k": "v"})
    assert changed.metadata == {"k": "v"}
    assert (await messages.retrieve(message.id, thread_id=thread.id)).metadata == {"k": "v"}
    await messages.delete(message.id, thread_id=thread.id)
    with pytest.raises(openai.NotFoundError, match="No message found"):
        await messages.retrieve(message.id, thread_id=thread.id)


async def test_messages_can_be_listed_by_run(wire: Wire) -> None:
    assistant = await wire.assistant()
    thread = await wire.thread("hi")
    run = await wire.client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id
    )
    listed = await wire.client.beta.threads.messages.list(thread.id, run_id=run.id)
    assert [message.role for message in listed.data] == ["assistant"]


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"  "])
async def test_a_thread_is_made_from_an_empty_body(wire: Wire, body: bytes) -> None:
    answer = await wire.raw(
        "POST", "/threads", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200
    assert answer.json()["object"] == "thread"


async def test_a_bodiless_delete_may_carry_a_content_type(wire: Wire) -> None:
    thread = await wire.thread()
    answer = await wire.raw(
        "DELETE", f"/threads/{thread.id}", headers={"content-type": "application/json"}
    )
    assert answer.json() == {"id": thread.id, "object": "thread.deleted", "deleted": True}


async def test_the_thread_list_is_by_last_activity(wire: Wire) -> None:
    first = await wire.thread("the first question\nand more")
    second = await wire.thread("the second")
    await wire.client.beta.threads.messages.create(first.id, role="user", content="again")
    listed = (await wire.raw("GET", "/threads")).json()["data"]
    assert [each["id"] for each in listed] == [first.id, second.id]
    assert listed[0]["understudy"]["preview"] == "the first question and more"
    page = (await wire.raw("GET", f"/threads?limit=1&after={first.id}")).json()
    assert [each["id"] for each in page["data"]] == [second.id]
    assert not page["has_more"]


async def test_text_of_every_kind_comes_back_as_it_was(wire: Wire) -> None:
    text = "NUL \x00, escape \x1b[31m, CJK 漢字, emoji 👩‍👩‍👧, U+2028 \u2028, bidi \u202e."
    thread = await wire.thread(text)
    message = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert message.content[0].type == "text"
    assert message.content[0].text.value == text


async def test_models_are_listed_and_read(wire: Wire) -> None:
    assert [model.id async for model in wire.client.models.list()] == ["scripted"]
    assert (await wire.client.models.retrieve("scripted")).owned_by == "tests"
    with pytest.raises(openai.NotFoundError) as caught:
        await wire.client.models.retrieve("no/such:model")
    assert caught.value.code == "model_not_found"
