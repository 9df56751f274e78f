"""Reads a whole thread over the wire, as raw objects: fields that nobody here knows stay."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from services.connection.speaking import speaking
from services.exporting.thread_record import ThreadRecord, Wire

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PAGE = 100
PICTURE_BYTES = 20 * 1024 * 1024
FORMATS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
"""The pictures that are put into a file, told by how they begin."""


async def collect(
    client: AsyncOpenAI, thread_id: str, *, title: str = "", pictures: bool = False
) -> ThreadRecord:
    """Everything there is of a thread. ``pictures`` also reads the bytes of its images.

    What was deleted meanwhile is missing. Raises ``ServiceError``.
    """
    path = f"/threads/{quote(thread_id, safe='')}"
    async with speaking("read the thread"):
        thread = await _get(client, path)
        messages = await _all(client, f"{path}/messages")
        runs = await _all(client, f"{path}/runs")
        steps = {run["id"]: await _all(client, f"{path}/runs/{run['id']}/steps") for run in runs}
        assistants = await _there(
            client, "assistants", {run["assistant_id"] for run in runs if run.get("assistant_id")}
        )
        files = await _there(client, "files", set(_file_ids(messages, steps)))
        shown = set(_picture_ids(messages, steps)) & files.keys() if pictures else set()
        drawn = {file_id: await _picture(client, files[file_id]) for file_id in sorted(shown)}
    return ThreadRecord(
        thread=thread,
        messages=messages,
        runs=runs,
        steps=steps,
        assistants=assistants,
        files=files,
        pictures={file_id: url for file_id, url in drawn.items() if url},
        title=str((thread.get("metadata") or {}).get("title") or title),
        exported_at=int(time.time()),
    )


async def _get(client: AsyncOpenAI, path: str) -> Wire:
    return cast(Wire, await client.get(path, cast_to=object))


async def _all(client: AsyncOpenAI, path: str) -> list[Wire]:
    found: list[Wire] = []
    after = ""
    while True:
        page = await _get(client, f"{path}?limit={PAGE}&order=asc{after}")
        data = page.get("data") or []
        found += data
        if not page.get("has_more") or not data:
            return found
        after = f"&after={quote(data[-1]['id'], safe='')}"


async def _there(client: AsyncOpenAI, kind: str, ids: Iterable[str]) -> dict[str, Wire]:
    """Those of the objects that are still there."""
    import openai

    found: dict[str, Wire] = {}
    for id in sorted(ids):
        try:
            found[id] = await _get(client, f"/{kind}/{quote(id, safe='')}")
        except (openai.NotFoundError, openai.BadRequestError):
            continue
    return found


def _file_ids(messages: Iterable[Wire], steps: dict[str, list[Wire]]) -> Iterable[str]:
    yield from _picture_ids(messages, steps)
    for message in messages:
        for attachment in message.get("attachments") or []:
            if attachment.get("file_id"):
                yield attachment["file_id"]
        for part in message.get("content") or []:
            for note in (part.get("text") or {}).get("annotations") or []:
                source = note.get(str(note.get("type"))) or {}
                if source.get("file_id"):
                    yield source["file_id"]


def _picture_ids(messages: Iterable[Wire], steps: dict[str, list[Wire]]) -> Iterable[str]:
    for message in messages:
        for part in message.get("content") or []:
            if part.get("type") == "image_file":
                yield part["image_file"]["file_id"]
    for step in (step for some in steps.values() for step in some):
        for call in (step.get("step_details") or {}).get("tool_calls") or []:
            for output in (call.get("code_interpreter") or {}).get("outputs") or []:
                if output.get("type") == "image":
                    yield output["image"]["file_id"]


async def _picture(client: AsyncOpenAI, file: Wire) -> str:
    """The image as a data URL; empty for what is none, or too large to be put into a file."""
    import openai

    if int(file.get("bytes") or 0) > PICTURE_BYTES:
        return ""
    try:
        data: Any = (await client.files.content(file["id"])).content
    except openai.APIStatusError:
        return ""
    kind = next((kind for begin, kind in FORMATS.items() if data.startswith(begin)), None)
    if kind is None:
        return ""
    encoded = await asyncio.to_thread(base64.b64encode, data)
    return f"data:{kind};base64,{encoded.decode()}"
