"""Files: upload, list, content, deletion, expiry; and images that the model sees."""

from __future__ import annotations

import base64
import os
import re
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from sqlalchemy import update

from services.engine.models.base import ImageContent, TextContent
from services.engine.store.contents import Contents
from services.engine.store.tables import files as file_table
from tests.wire.conftest import Wire, open_wire

PNG = b"\x89PNG\r\n\x1a\n not really, but nobody looks"


async def test_an_uploaded_file_has_every_field_of_the_recorded_traffic(wire: Wire) -> None:
    answer = await wire.raw(
        "POST", "/files", files={"file": ("notes.md", b"# Notes")}, data={"purpose": "assistants"}
    )
    made = answer.json()
    assert made == {
        "object": "file",
        "id": made["id"],
        "purpose": "assistants",
        "filename": "notes.md",
        "bytes": 7,
        "created_at": made["created_at"],
        "status": "processed",
        "status_details": None,
    }
    assert re.fullmatch(r"file-[A-Za-z0-9]{22,24}", made["id"])


async def test_a_file_comes_back_byte_for_byte(wire: Wire) -> None:
    data = os.urandom(3_000_000)
    made = await wire.client.files.create(file=("data.bin", data), purpose="user_data")
    assert made.bytes == len(data)
    content = await wire.client.files.content(made.id)
    assert content.response.headers["content-type"] == "application/octet-stream"
    assert content.content == data
    waited = await wire.client.files.wait_for_processing(made.id)
    assert waited.status == "processed"


async def test_files_are_listed_by_purpose_and_paged(wire: Wire) -> None:
    made = [
        (await wire.client.files.create(file=(f"{number}.txt", b"x"), purpose=purpose)).id
        for number, purpose in enumerate(["assistants", "vision", "assistants"])
    ]
    listed = [each.id async for each in wire.client.files.list(limit=1)]
    assert listed == made[::-1]
    assistants = [each.id async for each in wire.client.files.list(purpose="assistants")]
    assert assistants == [made[2], made[0]]


async def test_a_deleted_file_is_gone_with_its_bytes(wire: Wire) -> None:
    made = await wire.client.files.create(file=("a.txt", b"x"), purpose="assistants")
    deleted = await wire.client.files.delete(made.id)
    assert (deleted.object, deleted.deleted) == ("file", True)
    assert not wire.engine.contents.path(made.id).exists()
    for call in (wire.client.files.retrieve, wire.client.files.delete, wire.client.files.content):
        with pytest.raises(openai.NotFoundError) as caught:
            await call(made.id)
        assert f"No such File object: {made.id}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "fields", "message"),
    [
        ("a.txt", b"x", {}, "Missing required parameter: 'purpose'."),
        ("a.txt", b"x", {"purpose": "fun"}, "Invalid value: 'fun'."),
        ("a.txt", b"", {"purpose": "vision"}, "The file is empty."),
        ("a.vb", b"x", {"purpose": "assistants"}, "Invalid extension vb. Supported formats:"),
        (
            "a.txt",
            b"x",
            {"purpose": "vision", "expires_after[anchor]": "never"},
            "expires_after.anchor",
        ),
        (
            "a.txt",
            b"x",
            {
                "purpose": "vision",
                "expires_after[anchor]": "created_at",
                "expires_after[seconds]": "5",
            },
            "expires_after.seconds",
        ),
    ],
)
async def test_a_refused_upload_says_why_and_leaves_nothing(
    wire: Wire, name: str, data: bytes, fields: dict[str, str], message: str
) -> None:
    answer = await wire.raw("POST", "/files", files={"file": (name, data)}, data=fields)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert (await wire.client.files.list()).data == []
    folder = wire.engine.contents.path("x").parent
    assert not folder.exists() or list(folder.iterdir()) == []


async def test_an_upload_without_a_file_names_the_parameter(wire: Wire) -> None:
    answer = await wire.raw("POST", "/files", data={"purpose": "vision"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")


@pytest.mark.parametrize("name", ["../../evil.txt", "C:\\Users\\me\\evil.txt", "/etc/evil.txt"])
async def test_a_name_with_a_path_is_only_a_name(wire: Wire, name: str) -> None:
    made = await wire.client.files.create(file=(name, b"x"), purpose="assistants")
    assert made.filename == "evil.txt"


async def test_an_expired_file_is_not_there_and_swept_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_wire(folder) as first:
        made = await first.client.files.create(
            file=("a.txt", b"x"),
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
        assert made.expires_at == made.created_at + 3600
        async with first.engine.database.write() as connection:
            past = int(time.time()) - 1
            await connection.execute(update(file_table).values(expires_at=past))
        with pytest.raises(openai.NotFoundError):
            await first.client.files.retrieve(made.id)
        assert (await first.client.files.list()).data == []
        path = first.engine.contents.path(made.id)
        assert path.exists()
    async with open_wire(folder):
        assert not path.exists()


async def test_what_a_crash_left_half_written_goes_once_it_is_old(tmp_path: Path) -> None:
    young, old = tmp_path / ".partial-young", tmp_path / ".partial-old"
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    await Contents(tmp_path).sweep(known=set())
    assert young.exists()
    assert not old.exists()


async def image_message(wire: Wire, file_id: str) -> Any:
    thread = await wire.client.beta.threads.create()
    await wire.client.beta.threads.messages.create(
        thread.id,
        role="user",
        content=[
            {"type": "text", "text": "What is this?"},
            {"type": "image_file", "image_file": {"file_id": file_id, "detail": "low"}},
        ],
    )
    return thread


async def test_the_model_sees_a_stored_image_as_data(wire: Wire) -> None:
    made = await wire.client.files.create(file=("cat.png", PNG), purpose="vision")
    thread = await image_message(wire, made.id)
    message = (await wire.client.beta.threads.messages.list(thread.id)).data[0]
    assert message.content[1].type == "image_file"
    assert message.content[1].image_file.file_id == made.id
    assistant = await wire.assistant()
    runs = wire.client.beta.threads.runs
    await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    text, image = wire.model.requests[0].messages[0].content
    assert text == TextContent("What is this?")
    assert image == ImageContent(
        f"data:image/png;base64,{base64.b64encode(PNG).decode()}", detail="low"
    )
    await wire.client.files.delete(made.id)
    await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    gone = wire.model.requests[1].messages[0].content[1]
    assert isinstance(gone, TextContent)
    assert "not available" in gone.text


async def test_an_image_must_be_there_and_be_one(wire: Wire) -> None:
    with pytest.raises(openai.NotFoundError, match="No file found with id 'file-none'"):
        await image_message(wire, "file-none")
    made = await wire.client.files.create(file=("notes.txt", b"x"), purpose="vision")
    with pytest.raises(openai.BadRequestError, match="expected a supported format"):
        await image_message(wire, made.id)
