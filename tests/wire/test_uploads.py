"""Uploads: a file in parts, side by side, put together in the order asked for."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time

import openai
import pytest
from openai.types import Upload
from sqlalchemy import update

from services.engine.store.tables import uploads as upload_table
from tests.wire.conftest import Wire


async def begun(wire: Wire, size: int) -> Upload:
    return await wire.client.uploads.create(
        filename="big.txt", purpose="assistants", bytes=size, mime_type="text/plain"
    )


async def test_parts_become_a_file_in_the_order_named(wire: Wire) -> None:
    pieces = [os.urandom(100_000) for _ in range(4)]
    upload = await begun(wire, 400_000)
    assert (upload.status, upload.file) == ("pending", None)
    assert upload.expires_at == upload.created_at + 3600
    parts = await asyncio.gather(
        *(wire.client.uploads.parts.create(upload.id, data=piece) for piece in pieces)
    )
    assert {part.object for part in parts} == {"upload.part"}
    whole = b"".join(reversed(pieces))
    done = await wire.client.uploads.complete(
        upload.id,
        part_ids=[part.id for part in reversed(parts)],
        md5=hashlib.md5(whole, usedforsecurity=False).hexdigest(),
    )
    assert done.status == "completed"
    assert done.file is not None
    assert (done.file.filename, done.file.bytes) == ("big.txt", 400_000)
    assert (await wire.client.files.content(done.file.id)).content == whole
    folder = wire.engine.contents.path("x").parent
    assert [path.name for path in folder.iterdir()] == [done.file.id]


async def test_the_sdks_helper_uploads_in_chunks(wire: Wire) -> None:
    data = os.urandom(250_000)
    done = await wire.client.uploads.upload_file_chunked(
        file=data,
        filename="big.txt",
        bytes=len(data),
        mime_type="text/plain",
        purpose="assistants",
        part_size=100_000,
    )
    assert done.file is not None
    assert (await wire.client.files.content(done.file.id)).content == data


async def test_what_was_announced_must_be_what_came(wire: Wire) -> None:
    upload = await begun(wire, 5)
    part = await wire.client.uploads.parts.create(upload.id, data=b"four")
    with pytest.raises(openai.BadRequestError, match="have 4 bytes, but .* announced with 5"):
        await wire.client.uploads.complete(upload.id, part_ids=[part.id])
    with pytest.raises(openai.BadRequestError, match="has no part 'part_none'"):
        await wire.client.uploads.complete(upload.id, part_ids=["part_none"])
    more = await wire.client.uploads.parts.create(upload.id, data=b"!")
    with pytest.raises(openai.BadRequestError, match="MD5"):
        await wire.client.uploads.complete(upload.id, part_ids=[part.id, more.id], md5="0" * 32)
    assert (await wire.client.files.list()).data == []
    done = await wire.client.uploads.complete(upload.id, part_ids=[part.id, more.id])
    assert done.status == "completed"


async def test_a_cancelled_or_late_upload_takes_nothing_more(wire: Wire) -> None:
    cancelled = await begun(wire, 1)
    part = await wire.client.uploads.parts.create(cancelled.id, data=b"x")
    assert (await wire.client.uploads.cancel(cancelled.id)).status == "cancelled"
    assert not wire.engine.contents.path(part.id).exists()
    late = await begun(wire, 1)
    async with wire.engine.database.write() as connection:
        past = int(time.time()) - 1
        await connection.execute(
            update(upload_table).where(upload_table.c.id == late.id).values(expires_at=past)
        )
    for upload, status in ((cancelled, "cancelled"), (late, "expired")):
        with pytest.raises(openai.BadRequestError, match=f"is {status}"):
            await wire.client.uploads.parts.create(upload.id, data=b"x")
        with pytest.raises(openai.BadRequestError, match=f"is {status}"):
            await wire.client.uploads.complete(upload.id, part_ids=[part.id])


async def test_an_unknown_upload_is_404(wire: Wire) -> None:
    with pytest.raises(openai.NotFoundError, match="No upload found with id 'upload_none'"):
        await wire.client.uploads.cancel("upload_none")
