"""Uploads and their parts in the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError, not_found
from services.engine.store import files
from services.engine.store.tables import upload_parts, uploads


async def add(connection: AsyncConnection, fields: dict[str, Any]) -> dict[str, Any]:
    row = (await connection.execute(insert(uploads).returning(uploads), fields)).one()
    return await _object(connection, row)


async def get(connection: AsyncConnection, upload_id: str) -> tuple[dict[str, Any], int | None]:
    """The upload as the wire's object, and the seconds its file is to live; raises ``ApiError``."""
    statement = select(uploads).where(uploads.c.id == upload_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise not_found("upload", upload_id)
    return await _object(connection, row), row.file_life


async def pending(connection: AsyncConnection, upload_id: str) -> tuple[dict[str, Any], int | None]:
    """As ``get``; raises ``ApiError`` (400) when nothing can be added to it any more."""
    upload, life = await get(connection, upload_id)
    if upload["status"] != "pending":
        raise ApiError(f"Upload {upload_id} is {upload['status']} and takes no more changes.")
    return upload, life


async def change(
    connection: AsyncConnection, upload_id: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    await connection.execute(update(uploads).where(uploads.c.id == upload_id).values(fields))
    return (await get(connection, upload_id))[0]


async def add_part(connection: AsyncConnection, fields: Mapping[str, Any]) -> dict[str, Any]:
    statement = insert(upload_parts).returning(upload_parts)
    row = (await connection.execute(statement, dict(fields))).one()
    return {
        "id": row.id,
        "object": "upload.part",
        "created_at": row.created_at,
        "upload_id": row.upload_id,
    }


async def parts(connection: AsyncConnection, upload_id: str) -> dict[str, int]:
    """The ids of the upload's parts, and how many bytes each has."""
    statement = select(upload_parts.c.id, upload_parts.c.bytes).where(
        upload_parts.c.upload_id == upload_id
    )
    return {row.id: row.bytes for row in await connection.execute(statement)}


async def forget_parts(connection: AsyncConnection, upload_id: str) -> None:
    await connection.execute(delete(upload_parts).where(upload_parts.c.upload_id == upload_id))


async def part_ids(connection: AsyncConnection) -> Sequence[str]:
    """The parts of all uploads that can still be finished."""
    statement = (
        select(upload_parts.c.id)
        .join(uploads, uploads.c.id == upload_parts.c.upload_id)
        .where(uploads.c.status == "pending", uploads.c.expires_at > int(time.time()))
    )
    return [row.id for row in await connection.execute(statement)]


async def _object(connection: AsyncConnection, row: Row[Any]) -> dict[str, Any]:
    late = row.status == "pending" and row.expires_at <= time.time()
    return {
        "id": row.id,
        "object": "upload",
        "bytes": row.bytes,
        "created_at": row.created_at,
        "filename": row.filename,
        "purpose": row.purpose,
        "status": "expired" if late else row.status,
        "expires_at": row.expires_at,
        "file": await files.find(connection, row.file_id) if row.file_id else None,
    }
