"""Forks: a new thread with copies of the messages, the old one as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.engine.models.base import TextDelta
from services.forking import fork_title
from services.records import Message, ServiceError, Thread
from services.threads import Threads
from tests.waiting import until
from tests.wire.conftest import Wire


@pytest.fixture
def threads(wire: Wire) -> Threads:
    return Threads(wire.client)


async def a_talk(wire: Wire, threads: Threads) -> Thread:
    """A thread with two questions and two answers."""
    assistant = await wire.assistant(name="Research")
    thread = await wire.thread("First question")
    for question in ("", "Second question"):
        if question:
            await wire.client.beta.threads.messages.create(thread.id, role="user", content=question)
        await wire.client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
        )
    return (await threads.list())[0]


async def said(threads: Threads, thread_id: str) -> list[tuple[str, str]]:
    items = (await threads.open(thread_id)).items
    return [(each.role, each.text) for each in items if isinstance(each, Message)]


async def messages(threads: Threads, thread_id: str) -> list[Message]:
    return [each for each in (await threads.open(thread_id)).items if isinstance(each, Message)]


async def test_a_fork_has_the_messages_up_to_the_one_that_is_meant(
    wire: Wire, threads: Threads
) -> None:
    thread = await a_talk(wire, threads)
    before = await said(threads, thread.id)
    asked = (await messages(threads, thread.id))[2]
    made = await threads.fork(thread, asked.id)
    assert made.title == "First question (fork)"
    assert await said(threads, made.id) == before[:3]
    assert await said(threads, thread.id) == before
    without = await threads.fork(thread, asked.id, keep=False)
    assert await said(threads, without.id) == before[:2]
    assert without.title == "First question (fork 2)"


async def test_a_fork_says_where_it_is_from_and_who_answered(wire: Wire, threads: Threads) -> None:
    thread = await a_talk(wire, threads)
    answer = (await messages(threads, thread.id))[1]
    made = await threads.fork(thread, answer.id)
    read = await wire.client.beta.threads.retrieve(made.id)
    metadata: Any = read.metadata
    assert metadata["understudy_forked_from"] == thread.id
    assert metadata["understudy_forked_at"] == answer.id
    copy = (await messages(threads, made.id))[1]
    assert copy.assistant_id == answer.assistant_id
    assert copy.id != answer.id


async def test_a_fork_of_the_first_question_without_it_is_empty(
    wire: Wire, threads: Threads
) -> None:
    thread = await a_talk(wire, threads)
    first = (await messages(threads, thread.id))[0]
    made = await threads.fork(thread, first.id, keep=False)
    assert await said(threads, made.id) == []
    assert (await threads.list())[0].title == "First question (fork)"


async def test_files_stay_and_deleted_ones_are_told(wire: Wire, threads: Threads) -> None:
    upload = wire.client.files.create
    kept = await upload(file=("kept.txt", b"otters"), purpose="assistants")
    lost = await upload(file=("lost.txt", b"herons"), purpose="assistants")
    picture = await upload(file=("a.png", b"\x89PNG\r\n\x1a\n"), purpose="vision")
    thread = await wire.client.beta.threads.create(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Read these"},
                    {"type": "image_file", "image_file": {"file_id": picture.id}},
                ],
                "attachments": [
                    {"file_id": kept.id, "tools": [{"type": "file_search"}]},
                    {"file_id": lost.id, "tools": [{"type": "code_interpreter"}]},
                ],
            }
        ]
    )
    record = await threads.get(thread.id)
    (question,) = await messages(threads, thread.id)
    await wire.client.files.delete(lost.id)
    made = await threads.fork(record, question.id)
    (copy,) = await messages(threads, made.id)
    assert [each.file_id for each in copy.attachments] == [kept.id]
    assert f"The file {lost.id} was here" in copy.text
    listed = await wire.client.beta.threads.messages.list(made.id)
    assert any(
        part.type == "image_file" and part.image_file.file_id == picture.id
        for part in listed.data[0].content
    )
    original = (await wire.client.beta.threads.retrieve(thread.id)).tool_resources
    resources = (await wire.client.beta.threads.retrieve(made.id)).tool_resources
    assert original is not None
    assert resources is not None
    assert resources.file_search == original.file_search


async def test_a_message_comes_back_to_be_written_anew(wire: Wire, threads: Threads) -> None:
    file = await wire.client.files.create(file=("a.txt", b"x"), purpose="assistants")
    gone = await wire.client.files.create(file=("b.txt", b"x"), purpose="assistants")
    thread = await wire.client.beta.threads.create(
        messages=[
            {
                "role": "user",
                "content": "Read this",
                "attachments": [
                    {"file_id": file.id, "tools": [{"type": "file_search"}]},
                    {"file_id": gone.id, "tools": [{"type": "file_search"}]},
                ],
            }
        ]
    )
    await wire.client.files.delete(gone.id)
    (message,) = await messages(threads, thread.id)
    written = await threads.written(thread.id, message.id)
    assert written.text == "Read this"
    assert [(each.name, each.use, each.file_id) for each in written.files] == [
        ("a.txt", "file_search", file.id)
    ]


async def test_an_answer_longer_than_a_request_may_be_is_copied_whole(
    wire: Wire, threads: Threads
) -> None:
    long = "0123456789" * 30_000
    wire.model.scripts = [[TextDelta(long), *_end()]]
    thread = await a_talk(wire, threads)
    answer = (await messages(threads, thread.id))[1]
    made = await threads.fork(thread, answer.id)
    copy = (await messages(threads, made.id))[1]
    assert copy.text.replace("\n\n", "") == long


def _end() -> list[Any]:
    from tests.wire.scripted import says

    return says("")


async def test_nothing_is_made_of_a_message_that_is_gone(wire: Wire, threads: Threads) -> None:
    thread = await a_talk(wire, threads)
    with pytest.raises(ServiceError, match="not in it any more"):
        await threads.fork(thread, "msg_gone")
    assert len(await threads.list()) == 1


async def test_an_answer_that_is_being_written_is_not_copied(wire: Wire, threads: Threads) -> None:
    go = asyncio.Event()
    wire.model.scripts = [[TextDelta("So far"), go, *_end()]]
    assistant = await wire.assistant()
    thread = await wire.thread("Question")
    run = await wire.client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)

    async def writing() -> bool:
        return len(await messages(threads, thread.id)) == 2

    await until(writing)
    question, answer = await messages(threads, thread.id)
    with pytest.raises(ServiceError, match="still being written"):
        await threads.fork(await threads.get(thread.id), answer.id)
    made = await threads.fork(await threads.get(thread.id), question.id)
    assert await said(threads, made.id) == [("user", "Question")]
    await wire.client.beta.threads.runs.cancel(run.id, thread_id=thread.id)


@pytest.mark.parametrize(
    ("title", "taken", "name"),
    [
        ("Talk", [], "Talk (fork)"),
        ("Talk", ["Talk (fork)"], "Talk (fork 2)"),
        ("Talk (fork)", ["Talk", "Talk (fork)"], "Talk (fork 2)"),
        ("Talk (fork 2)", ["Talk (fork)", "Talk (fork 2)", "Talk (fork 3)"], "Talk (fork 4)"),
        ("", [], "Thread (fork)"),
    ],
)
def test_forks_have_names_of_their_own(title: str, taken: list[str], name: str) -> None:
    assert fork_title(title, taken) == name
