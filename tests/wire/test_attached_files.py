"""Files from this machine to the server, and into messages, as the app sends them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.files import PIECE, Files, offered
from services.outgoing import PendingFile, message_body
from services.reading import message as read_message
from services.records import ImageFilePart, ServiceError
from tests.wire.conftest import Wire, open_wire


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with open_wire(tmp_path / "data") as opened:
        yield opened


async def test_a_large_file_arrives_byte_for_byte_and_its_progress_is_told(
    wire: Wire, tmp_path: Path
) -> None:
    data = os.urandom(3 * PIECE + 17)
    path = tmp_path / 'a "quoted" näme.txt'
    path.write_bytes(data)
    told: list[tuple[int, int]] = []
    stored = await Files(wire.client).upload(path, progress=lambda *at: told.append(at))
    assert stored.size == len(data)
    assert (await wire.client.files.content(stored.id)).content == data
    assert [at for at, _ in told] == [PIECE, 2 * PIECE, 3 * PIECE, len(data)]
    assert {of for _, of in told} == {len(data)}


async def test_what_is_uploaded_is_listed_named_and_deleted(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes", encoding="utf-8")
    files = Files(wire.client)
    stored = await files.upload(tmp_path / "notes.md")
    assert await files.list() == (stored,)
    assert (stored.name, stored.purpose) == ("notes.md", "assistants")
    assert files.names == {stored.id: "notes.md"}
    assert [each.file_id for each in await files.attachable("nts")] == [stored.id]
    await files.delete(stored.id)
    assert await files.list() == ()
    assert await files.attachable("nts") == ()


async def test_a_name_with_quotes_and_line_breaks_stays_one_name(
    wire: Wire, tmp_path: Path
) -> None:
    path = tmp_path / 'a"b\r\nX: y.txt'
    path.write_text("x", encoding="utf-8")
    stored = await Files(wire.client).upload(path)
    assert "\n" not in stored.name
    assert stored.name.endswith("y.txt")


async def test_a_file_that_changes_while_it_is_sent_is_not_kept(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "growing.txt"
    path.write_bytes(b"x" * 2 * PIECE)

    def cut(sent: int, size: int) -> None:
        os.truncate(path, PIECE)

    with pytest.raises(ServiceError, match="changed while"):
        await Files(wire.client).upload(path, progress=cut)
    assert await Files(wire.client).list() == ()


async def test_a_cancelled_upload_leaves_nothing_on_the_server(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"x" * 8 * PIECE)
    begun = asyncio.Event()
    sending = asyncio.create_task(Files(wire.client).upload(path, progress=lambda *_: begun.set()))
    await begun.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await Files(wire.client).list() == ()


async def test_a_missing_file_is_a_sentence(wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="not there"):
        await Files(wire.client).upload(tmp_path / "no.txt")


async def test_files_go_into_a_message_for_what_they_are_meant(wire: Wire, tmp_path: Path) -> None:
    files = Files(wire.client)
    (tmp_path / "a.md").write_text("text", encoding="utf-8")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n.")
    document = await files.upload(tmp_path / "a.md")
    picture = await files.upload(tmp_path / "b.png", "vision")
    thread = await wire.thread()
    body = message_body(
        "look",
        (
            PendingFile("a.md", 4, "both", file_id=document.id),
            PendingFile("b.png", 9, "image", file_id=picture.id),
        ),
    )
    made = await wire.client.beta.threads.messages.create(thread.id, role="user", **body)
    read = read_message(made)
    assert read.text == "look"
    assert ImageFilePart(picture.id) in read.parts
    assert [(each.file_id, each.tools) for each in read.attachments] == [
        (document.id, ("file_search", "code_interpreter"))
    ]
    alone = message_body("", (PendingFile("b.png", 9, "image", file_id=picture.id),))
    await wire.client.beta.threads.messages.create(thread.id, role="user", **alone)


async def test_only_files_that_an_assistant_can_read_are_offered(
    wire: Wire, tmp_path: Path
) -> None:
    files = Files(wire.client)
    for name, purpose in (("a.csv", "assistants"), ("b.png", "vision")):
        (tmp_path / name).write_text("x", encoding="utf-8")
        await files.upload(tmp_path / name, purpose)
    await wire.client.files.create(file=("c.jsonl", b"{}"), purpose="batch")
    found = {each.name: offered(each) for each in await files.list()}
    assert found["c.jsonl"] is None
    assert found["a.csv"] is not None
    assert found["a.csv"].use == "code_interpreter"
    assert found["b.png"] is not None
    assert found["b.png"].use == "image"
