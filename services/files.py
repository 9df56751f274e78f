"""The files that the server keeps, over the wire."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from services import file_formats
from services.connection.speaking import speaking
from services.local.fuzzy import best
from services.outgoing import PendingFile
from services.records import ServiceError, StoredFile

if TYPE_CHECKING:
    from openai import AsyncOpenAI, RequestOptions

PIECE = 256 * 1024
"""Bytes that are read and sent at a time."""
MOST_LISTED = 10_000
FRESH = 10.0
"""Seconds for which the list of files is not asked for again while somebody types."""

Progress = Callable[[int, int], None]
"""Told how many bytes are sent, of how many."""


class Files:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self.names: dict[str, str] = {}
        """Names by id, of every file that was listed or uploaded here."""
        self._listed: tuple[StoredFile, ...] = ()
        self._listed_at = float("-inf")

    async def list(self, purpose: str | None = None) -> tuple[StoredFile, ...]:
        """The files, the newest first."""
        found: list[StoredFile] = []
        query: dict[str, Any] = {} if purpose is None else {"purpose": purpose}
        async with speaking("list the files"):
            async for each in self._client.files.list(**query):
                found.append(_stored(each.to_dict()))
                if len(found) == MOST_LISTED:
                    break
        self.names.update((file.id, file.name) for file in found)
        return tuple(found)

    async def attachable(self, query: str, limit: int = 10) -> tuple[PendingFile, ...]:
        """Files that can go with a message, by some letters of their names, the newest first."""
        if time.monotonic() - self._listed_at > FRESH:
            self._listed, self._listed_at = await self.list(), time.monotonic()
        by_name: dict[str, list[PendingFile]] = {}
        for file in map(offered, self._listed):
            if file is not None:
                by_name.setdefault(file.name, []).append(file)
        names = best(query, by_name, limit)
        return tuple(file for name in names for file in by_name[name])[:limit]

    async def upload(
        self, path: str | Path, purpose: str = "assistants", progress: Progress | None = None
    ) -> StoredFile:
        """Sends a file of this machine, read in pieces: neither its size nor a slow disk is felt.

        ``progress`` is called in the event loop. Cancelling leaves nothing on the server.
        """
        path = Path(path)
        size = await _size_of(path)
        if problem := file_formats.why_not(path.name, size):
            raise ServiceError(problem)
        boundary = f"understudy-{secrets.token_hex(16)}"
        head, tail = _envelope(boundary, path.name, purpose)
        options: RequestOptions = {
            "headers": {
                # A media type means the same in any case; in lower case the SDK would put a form of
                # its own, read at once, in the place of what is streamed here.
                "Content-Type": f"Multipart/form-data; boundary={boundary}",
                "Content-Length": str(len(head) + size + len(tail)),
            },
            # What is being streamed cannot be sent again from its beginning.
            "max_retries": 0,
            "timeout": None,
        }

        async def body() -> AsyncIterator[bytes]:
            yield head
            async for piece in _pieces(path, size, progress):
                yield piece
            yield tail

        async with speaking(f"upload {path.name}"):
            answer = await self._client.post(
                "/files", cast_to=object, content=body(), options=options
            )
        stored = _stored(cast("Mapping[str, Any]", answer))
        self.names[stored.id] = stored.name or path.name
        self._listed_at = float("-inf")
        return stored

    async def delete(self, file_id: str) -> None:
        async with speaking("delete the file"):
            await self._client.files.delete(file_id)
        self.names.pop(file_id, None)
        self._listed_at = float("-inf")


def offered(file: StoredFile) -> PendingFile | None:
    """A file of the server as one that can go with a message; None if no assistant can read it."""
    if file.purpose == "vision":
        return PendingFile(file.name, file.size, "image", ("image",), file_id=file.id)
    uses = tuple(use for use in file_formats.uses_of(file.name) if use != "image")
    if file.purpose not in ("assistants", "user_data", "assistants_output") or not uses:
        return None
    return PendingFile(file.name, file.size, uses[0], uses, file_id=file.id)


async def check(named: str, folder: Path) -> PendingFile:
    """A file of this machine as it is attached; a relative path counts from ``folder``.

    Raises ``ServiceError`` where it cannot be attached.
    """
    path = _whole(named, folder)
    size = await _size_of(path)
    if problem := file_formats.why_not(path.name, size):
        raise ServiceError(problem)
    uses = file_formats.uses_of(path.name)
    return PendingFile(path.name, size, uses[0], uses, path=str(path))


def _whole(named: str, folder: Path) -> Path:
    return folder / os.path.expanduser(named)


async def _size_of(path: Path) -> int:
    def look() -> int:
        if path.is_dir():
            raise ServiceError(f"{path.name or path} is a folder; attach the files in it.")
        if not path.is_file():
            raise ServiceError(f"{path.name} is not there any more, or is no file.")
        with path.open("rb"):  # whether it can be read is known now, not when it is sent
            return path.stat().st_size

    try:
        return await asyncio.to_thread(look)
    except OSError as error:
        raise ServiceError(
            f"{path.name} cannot be read: {error.strerror or type(error).__name__}."
        ) from error


async def _pieces(path: Path, size: int, progress: Progress | None) -> AsyncIterator[bytes]:
    """The file as it was announced; raises ``ServiceError`` when it changes meanwhile."""
    import aiofiles

    sent = 0
    try:
        async with aiofiles.open(path, "rb") as file:
            while piece := await file.read(PIECE):
                sent += len(piece)
                if sent > size:
                    break
                yield piece
                if progress is not None:
                    progress(sent, size)
    except OSError as error:
        raise ServiceError(
            f"{path.name} cannot be read: {error.strerror or type(error).__name__}."
        ) from error
    if sent != size:
        raise ServiceError(f"{path.name} changed while it was being sent. Send it again.")


def _envelope(boundary: str, name: str, purpose: str) -> tuple[bytes, bytes]:
    """What stands before and after the bytes of the file in a multipart form."""
    quoted = name.replace("\\", "%5C").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode("utf-8", "surrogateescape"), f"\r\n--{boundary}--\r\n".encode()


def _stored(read: Mapping[str, Any]) -> StoredFile:
    return StoredFile(
        id=str(read.get("id") or ""),
        name=str(read.get("filename") or ""),
        size=int(read.get("bytes") or 0),
        purpose=str(read.get("purpose") or ""),
        created_at=int(read.get("created_at") or 0),
    )
