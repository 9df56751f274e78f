"""A multipart body: one file, and a few fields beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from services.engine.errors import ApiError

MEGABYTE = 1024 * 1024
_MOST_FIELDS = 16


@asynccontextmanager
async def sent_file(
    request: Request, name: str, *, megabytes: int
) -> AsyncIterator[tuple[UploadFile, FormData]]:
    """The file that the body carries as ``name``, and the whole form; closed with the block.

    Raises ``ApiError``: 400 for a body that is no such form or not a whole one, 413 for a file of
    more than ``megabytes``.
    """
    too_large = ApiError(
        f"The file exceeds the maximum size of {megabytes} MB.", status=413, param=name
    )
    announced = request.headers.get("content-length", "")
    # Without this a file that cannot be taken would still be written to disk, whole.
    if announced.isdecimal() and int(announced) > (megabytes + 1) * MEGABYTE:
        raise too_large
    form = await _read(request)
    try:
        file = form.get(name)
        if file is None:
            raise ApiError(
                f"Missing required parameter: '{name}'.",
                param=name,
                code="missing_required_parameter",
            )
        if not isinstance(file, UploadFile):
            raise ApiError(
                f"Invalid type for '{name}': expected a file, but got a string instead.",
                param=name,
                code="invalid_type",
            )
        if (file.size or 0) > megabytes * MEGABYTE:
            raise too_large
        yield file, form
    finally:
        await form.close()


async def _read(request: Request) -> FormData:
    # Not by ``request.form``: within an application that answers a broken form in plain text.
    kind, _ = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        return FormData()
    parser = _Parser(request.headers, request.stream(), max_files=1, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ApiError(f"The multipart body could not be read: {error.message}") from None
    if not parser.ended:
        await form.close()
        raise ApiError("The multipart body could not be read: its last boundary is missing.")
    return form


class _Parser(MultiPartParser):
    """Knows whether the form was whole: one that breaks off would be read as a shorter one."""

    ended = False

    def on_end(self) -> None:
        self.ended = True
