"""``/v1/files``: upload, list, retrieve, content, delete."""

from __future__ import annotations

import time
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from services.engine.engine import engine_of
from services.engine.errors import ApiError, no_such_file
from services.engine.ids import new_file_id
from services.engine.routes.body import page_query
from services.engine.routes.form import sent_file
from services.engine.routes.refusals import unsupported
from services.engine.store import files
from services.engine.store.vector_stores import entries
from services.engine.strict import check_download

MAX_MEGABYTES = 512
MAX_PAGE = 10_000
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
SHORTEST_LIFE, LONGEST_LIFE = 3_600, 2_592_000
# What the hosted API took for its assistants, file search and code interpreter together.
# fmt: off
ASSISTANTS_FORMATS = (
    "c", "cpp", "cs", "css", "csv", "doc", "docx", "gif", "go", "html", "java", "jpeg", "jpg",
    "js", "json", "md", "pdf", "php", "pkl", "png", "pptx", "py", "rb", "sh", "tar", "tex", "ts",
    "txt", "webp", "xlsx", "xml", "zip",
)
# fmt: on


async def create(request: Request) -> JSONResponse:
    """Stores the upload durably before it is acknowledged; nothing of it stays if it is refused."""
    contents = engine_of(request).contents
    file_id = new_file_id()
    async with sent_file(request, "file", megabytes=MAX_MEGABYTES) as (upload, form):
        fields = _checked(upload, form)
        await contents.keep(file_id, upload.file)
    try:
        async with engine_of(request).database.write() as connection:
            return JSONResponse(await files.add(connection, {"id": file_id, **fields}))
    except BaseException:
        await contents.remove(file_id)
        raise


async def listing(request: Request) -> JSONResponse:
    query = page_query(request, most=MAX_PAGE, default=MAX_PAGE)
    purpose = request.query_params.get("purpose") or None
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await files.listing(connection, query, purpose))


async def retrieve(request: Request) -> JSONResponse:
    async with engine_of(request).database.read() as connection:
        return JSONResponse(await files.get(connection, request.path_params["file_id"]))


async def content(request: Request) -> FileResponse:
    """The bytes. The hosted API kept those of some purposes to itself; here they are the user's."""
    file_id = request.path_params["file_id"]
    async with engine_of(request).database.read() as connection:
        file = await files.get(connection, file_id)
    if engine_of(request).strict:
        check_download(file)
    path = engine_of(request).contents.path(file_id)
    if not path.is_file():
        raise no_such_file(file_id)
    return FileResponse(path, media_type="application/octet-stream")


async def remove(request: Request) -> JSONResponse:
    file_id = request.path_params["file_id"]
    await engine_of(request).indexer.clear(entries.c.id == file_id)
    async with engine_of(request).database.write() as connection:
        await files.remove(connection, file_id)
    await engine_of(request).contents.remove(file_id)
    return JSONResponse({"id": file_id, "object": "file", "deleted": True})


def _checked(upload: UploadFile, form: FormData) -> dict[str, Any]:
    """What is stored of the uploaded file; raises ``ApiError``."""
    purpose = form.get("purpose")
    if purpose is None:
        raise ApiError(
            "Missing required parameter: 'purpose'.",
            param="purpose",
            code="missing_required_parameter",
        )
    if purpose not in PURPOSES:
        raise unsupported("purpose", purpose, PURPOSES)
    if not upload.size:
        raise ApiError("The file is empty.", param="file", code="invalid_value")
    filename = file_name(upload.filename or "", str(purpose))
    now = int(time.time())
    return {
        "created_at": now,
        "expires_at": _expiry(form, now),
        "filename": filename,
        "purpose": purpose,
        "bytes": upload.size,
    }


def file_name(given: str, purpose: str) -> str:
    """The name to keep; raises ``ApiError`` for an extension that the purpose does not take."""
    # Browsers of old sent a whole path; only the last part was ever the name.
    filename = given.replace("\\", "/").rpartition("/")[2] or "file"
    if purpose == "assistants":
        _check_extension(filename)
    return filename[:255]


def _check_extension(filename: str) -> None:
    extension = filename.rpartition(".")[2].lower() if "." in filename else ""
    if extension and extension not in ASSISTANTS_FORMATS:
        supported = ", ".join(f'"{each}"' for each in ASSISTANTS_FORMATS)
        raise ApiError(f"Invalid extension {extension[:40]}. Supported formats: {supported}")


def _expiry(form: FormData, now: int) -> int | None:
    anchor, seconds = form.get("expires_after[anchor]"), form.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise ApiError(
            "Invalid value for 'expires_after.anchor'. Supported values are: 'created_at'.",
            param="expires_after.anchor",
            code="invalid_value",
        )
    try:
        life = int(str(seconds))
    except ValueError:
        life = 0
    if not SHORTEST_LIFE <= life <= LONGEST_LIFE:
        raise ApiError(
            "Invalid 'expires_after.seconds': expected an integer from "
            f"{SHORTEST_LIFE} to {LONGEST_LIFE}.",
            param="expires_after.seconds",
            code="invalid_value",
        )
    return now + life


routes = [
    Route("/files", create, methods=["POST"]),
    Route("/files", listing, methods=["GET"]),
    Route("/files/{file_id}", retrieve, methods=["GET"]),
    Route("/files/{file_id}", remove, methods=["DELETE"]),
    Route("/files/{file_id}/content", content, methods=["GET"]),
]
