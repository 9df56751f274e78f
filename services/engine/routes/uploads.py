"""``/v1/uploads``: large files in parts, which may arrive side by side."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError
from services.engine.ids import new_file_id, new_id
from services.engine.routes.body import read_body
from services.engine.routes.files import file_name
from services.engine.routes.form import sent_file
from services.engine.schemas import CompleteUpload, CreateUpload
from services.engine.store import files, uploads

LIFETIME_SECONDS = 3_600
MAX_PART_MEGABYTES = 64


async def create(request: Request) -> JSONResponse:
    body = await read_body(request, CreateUpload)
    now = int(time.time())
    fields = {
        "id": new_id("upload"),
        "created_at": now,
        "expires_at": now + LIFETIME_SECONDS,
        "status": "pending",
        "filename": file_name(body.filename, body.purpose),
        "purpose": body.purpose,
        "bytes": body.bytes,
        "file_life": body.expires_after.seconds if body.expires_after else None,
    }
    async with engine_of(request).database.write() as connection:
        return JSONResponse(await uploads.add(connection, fields))


async def add_part(request: Request) -> JSONResponse:
    """Stores a part durably before it is acknowledged."""
    upload_id = request.path_params["upload_id"]
    engine = engine_of(request)
    async with engine.database.read() as connection:
        await uploads.pending(connection, upload_id)
    part_id = new_id("part")
    async with sent_file(request, "data", megabytes=MAX_PART_MEGABYTES) as (data, _):
        size = await engine.contents.keep(part_id, data.file)
    try:
        async with engine.database.write() as connection:
            await uploads.pending(connection, upload_id)
            part = {
                "id": part_id,
                "upload_id": upload_id,
                "created_at": int(time.time()),
                "bytes": size,
            }
            return JSONResponse(await uploads.add_part(connection, part))
    except BaseException:
        await engine.contents.remove(part_id)
        raise


async def complete(request: Request) -> JSONResponse:
    """Puts the named parts together, in the order named; the whole must be as announced."""
    upload_id = request.path_params["upload_id"]
    body = await read_body(request, CompleteUpload)
    engine = engine_of(request)
    async with engine.database.read() as connection:
        upload, life = await uploads.pending(connection, upload_id)
        sizes = await uploads.parts(connection, upload_id)
    if unknown := [part for part in body.part_ids if part not in sizes]:
        raise ApiError(
            f"Upload {upload_id} has no part '{unknown[0][:80]}'.",
            param="part_ids",
            code="invalid_value",
        )
    total = sum(sizes[part] for part in body.part_ids)
    if total != upload["bytes"]:
        raise ApiError(
            f"The parts have {total} bytes, but the upload was announced with {upload['bytes']}.",
            param="part_ids",
        )
    file_id = new_file_id()
    try:
        _, digest = await engine.contents.join(file_id, body.part_ids)
    except FileNotFoundError:
        # Completed or cancelled by another request a moment ago.
        raise ApiError(f"Upload {upload_id} takes no more changes: its parts are gone.") from None
    now = int(time.time())
    try:
        if body.md5 is not None and body.md5.lower() != digest:
            raise ApiError("The MD5 of the parts is not the one given.", param="md5")
        async with engine.database.write() as connection:
            await uploads.pending(connection, upload_id)
            await files.add(
                connection,
                {
                    "id": file_id,
                    "created_at": now,
                    "expires_at": None if life is None else now + life,
                    "filename": upload["filename"],
                    "purpose": upload["purpose"],
                    "bytes": total,
                },
            )
            await uploads.forget_parts(connection, upload_id)
            done = await uploads.change(
                connection, upload_id, {"status": "completed", "file_id": file_id}
            )
    except BaseException:
        await engine.contents.remove(file_id)
        raise
    for part_id in sizes:
        await engine.contents.remove(part_id)
    return JSONResponse(done)


async def cancel(request: Request) -> JSONResponse:
    upload_id = request.path_params["upload_id"]
    engine = engine_of(request)
    async with engine.database.write() as connection:
        await uploads.pending(connection, upload_id)
        sizes = await uploads.parts(connection, upload_id)
        await uploads.forget_parts(connection, upload_id)
        cancelled = await uploads.change(connection, upload_id, {"status": "cancelled"})
    for part_id in sizes:
        await engine.contents.remove(part_id)
    return JSONResponse(cancelled)


routes = [
    Route("/uploads", create, methods=["POST"]),
    Route("/uploads/{upload_id}/parts", add_part, methods=["POST"]),
    Route("/uploads/{upload_id}/complete", complete, methods=["POST"]),
    Route("/uploads/{upload_id}/cancel", cancel, methods=["POST"]),
]
