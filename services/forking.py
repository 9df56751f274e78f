"""A new thread with copies of an old one's messages; the old one stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services import reading
from services.connection.resources import threads_of
from services.connection.speaking import speaking
from services.records import ServiceError, Thread

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PAGE = 100
TEXT_CHARACTERS = 256_000
METADATA_PAIRS = 16
FORKED_FROM = "understudy_forked_from"
"""In a fork's metadata: the id of the thread it was made of."""
FORKED_AT = "understudy_forked_at"
"""In a fork's metadata: the id of the message up to which it has copies."""

_NUMBERED = re.compile(r" \(fork(?: (\d{1,6}))?\)$")


def base_title(title: str) -> str:
    """The title without what earlier forks added to it."""
    return _NUMBERED.sub("", title)


def fork_title(title: str, taken: Iterable[str]) -> str:
    """``title (fork)``, or with the first number that no title in ``taken`` has."""
    base = base_title(title)[:200] or "Thread"
    used = set(taken)
    number = 1
    while (name := f"{base} (fork)" if number == 1 else f"{base} (fork {number})") in used:
        number += 1
    return name


async def fork(
    client: AsyncOpenAI, thread_id: str, message_id: str, *, keep: bool, title: str
) -> Thread:
    """Copies the messages of a thread up to ``message_id``, itself among them with ``keep``.

    Role and text stay, and so do files and images, by their ids; of those that were deleted a line
    says that they were there. Tool calls belong to runs and are not copied. Raises
    ``ServiceError``, and then there is no new thread.
    """
    threads = threads_of(client)
    async with speaking("fork the thread"):
        original = await threads.retrieve(thread_id)
        messages = await _messages(client, thread_id, message_id, keep=keep)
        resources = original.model_dump(exclude_none=True).get("tool_resources") or {}
        gone = await _gone(client, _file_ids(messages), "files")
        stores = (resources.get("file_search") or {}).get("vector_store_ids") or []
        lost = await _gone(client, stores, "vector_stores")
        code_files = (resources.get("code_interpreter") or {}).get("file_ids") or []
        lost |= await _gone(client, [each for each in code_files if each not in gone], "files")
        made = await threads.create(
            messages=[_copy(each, gone) for each in messages],
            tool_resources=_resources(resources, gone | lost),
            metadata={reading.TITLE: title, FORKED_FROM: thread_id, FORKED_AT: message_id},
        )
    return reading.thread(made.model_dump())


async def _messages(
    client: AsyncOpenAI, thread_id: str, message_id: str, *, keep: bool
) -> Sequence[Mapping[str, Any]]:
    """The messages to copy, oldest first, as the wire's objects."""
    found: list[Mapping[str, Any]] = []
    listed = threads_of(client).messages.list(thread_id, order="asc", limit=PAGE)
    async for each in listed:
        if each.id == message_id and not keep:
            break
        if getattr(each, "status", None) == "in_progress":
            raise ServiceError(
                "Could not fork the thread: an answer up to there is still being written. "
                "Wait for its end, or stop it."
            )
        found.append(each.model_dump(exclude_none=True))
        if each.id == message_id:
            break
    else:
        raise ServiceError("Could not fork the thread: the message is not in it any more.")
    # An answer that was stopped before its first word has nothing to copy.
    return [each for each in found if any(_parts(each, frozenset()))]


def _copy(message: Mapping[str, Any], gone: frozenset[str] | set[str]) -> Any:
    metadata = dict(message.get("metadata") or {})
    notes = {reading.COPY_OF: message["id"]}
    if message.get("assistant_id"):
        notes[reading.WRITTEN_BY] = message["assistant_id"]
    if len(metadata | notes) <= METADATA_PAIRS:
        metadata = {**notes, **metadata}  # a copy of a copy names the first of all
    attachments = [
        {"file_id": each["file_id"], "tools": each.get("tools") or []}
        for each in message.get("attachments") or []
        if each.get("file_id") and each["file_id"] not in gone
    ]
    missing = [
        _missing(each["file_id"])
        for each in message.get("attachments") or []
        if each.get("file_id") in gone
    ]
    copy: dict[str, Any] = {
        "role": message["role"],
        "content": [*_parts(message, gone), *missing],
        "metadata": metadata,
    }
    return copy | ({"attachments": attachments} if attachments else {})


def _parts(message: Mapping[str, Any], gone: frozenset[str] | set[str]) -> Iterator[dict[str, Any]]:
    for part in message.get("content") or []:
        kind = part["type"]
        if kind == "image_file" and part["image_file"]["file_id"] in gone:
            yield _missing(part["image_file"]["file_id"])
        elif kind in ("image_file", "image_url"):
            yield {"type": kind, kind: part[kind]}
        else:
            text = part["text"]["value"] if kind == "text" else part.get("refusal", "")
            # An answer may be longer than what a request may send in one piece.
            for start in range(0, len(text), TEXT_CHARACTERS):
                yield {"type": "text", "text": text[start : start + TEXT_CHARACTERS]}


def _missing(file_id: str) -> dict[str, Any]:
    return {"type": "text", "text": f"[The file {file_id} was here; it was deleted since.]"}


def _file_ids(messages: Iterable[Mapping[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    for message in messages:
        for attachment in message.get("attachments") or []:
            if attachment.get("file_id"):
                found[attachment["file_id"]] = None
        for part in message.get("content") or []:
            if part["type"] == "image_file":
                found[part["image_file"]["file_id"]] = None
    return list(found)


async def _gone(client: AsyncOpenAI, ids: Iterable[str], kind: str) -> set[str]:
    """Those that the server does not have any more."""
    import openai

    gone = set()
    for each in ids:
        try:
            await client.get(f"/{kind}/{each}", cast_to=object)
        except openai.NotFoundError:
            gone.add(each)
    return gone


def _resources(resources: Mapping[str, Any], lost: set[str]) -> Any:
    """What the thread's tools work on, without what is not there any more."""
    left: dict[str, Any] = {}
    for tool, name in (("file_search", "vector_store_ids"), ("code_interpreter", "file_ids")):
        ids = [each for each in (resources.get(tool) or {}).get(name) or [] if each not in lost]
        if ids:
            left[tool] = {name: ids}
    return left
