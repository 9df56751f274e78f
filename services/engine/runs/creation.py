"""From a request to a stored run: overrides, the thread's lock, the messages that come along."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError, message_while_active, nothing_to_run, run_while_active
from services.engine.ids import new_id
from services.engine.retrieval.attaching import no_file
from services.engine.runs.images import image_format
from services.engine.runs.runner import LIFETIME_SECONDS
from services.engine.schemas import CreateMessage, CreateRun, CreateThreadAndRun, RunFields
from services.engine.store import assistants, files, messages, runs, threads
from services.engine.tools.resources import attach_to_thread, resolved

THREAD_MESSAGES = 100_000


async def add_message(
    connection: AsyncConnection, thread_id: str, request: CreateMessage
) -> dict[str, Any]:
    """Stores a message on a thread; raises ``ApiError`` when a run holds the thread."""
    active = await runs.active_of_thread(connection, thread_id)
    if active is not None:
        raise message_while_active(thread_id, active.id)
    return await _store_message(connection, thread_id, request)


async def add_messages(
    connection: AsyncConnection, thread_id: str, requests: Sequence[CreateMessage]
) -> None:
    for request in requests:
        await _store_message(connection, thread_id, request)


async def create_run(
    connection: AsyncConnection, thread_id: str, run_id: str, request: RunFields, *, owner: str
) -> dict[str, Any]:
    """Stores a queued run that holds the thread; raises ``ApiError`` and stores nothing."""
    await threads.touch(connection, thread_id, now=int(time.time()))
    assistant = await assistants.get(connection, request.assistant_id)
    if isinstance(request, CreateRun) and request.additional_messages:
        await add_messages(connection, thread_id, request.additional_messages)
    fields = run_fields(run_id, thread_id, assistant, request, owner=owner)
    if isinstance(request, CreateThreadAndRun):
        fields["tool_resources"] = await resolved(connection, request.tool_resources)
    _check_choice(fields["tool_choice"], fields["tools"])
    if not fields["instructions"] and not await messages.has_user_message(connection, thread_id):
        raise nothing_to_run()
    try:
        return await runs.add(connection, fields)
    except IntegrityError:
        active = await runs.active_of_thread(connection, thread_id)
        if active is None:
            raise
        raise run_while_active(thread_id, active.id) from None


def run_fields(
    run_id: str,
    thread_id: str,
    assistant: Mapping[str, Any],
    request: RunFields,
    *,
    owner: str,
) -> dict[str, Any]:
    """The run as stored: the assistant's settings, overridden by what the request gives."""
    now = int(time.time())
    given = request.model_dump(exclude_unset=True, exclude_none=True, by_alias=True)

    def setting(name: str) -> Any:
        return given.get(name, assistant[name])

    instructions = setting("instructions")
    if additional := given.get("additional_instructions"):
        instructions = f"{instructions}\n\n{additional}" if instructions else additional
    return {
        "id": run_id,
        "thread_id": thread_id,
        "assistant_id": assistant["id"],
        "status": "queued",
        "owner": owner,
        "created_at": now,
        "expires_at": now + LIFETIME_SECONDS,
        "model": setting("model"),
        "instructions": instructions,
        "tools": setting("tools"),
        "tool_resources": {},
        "metadata": given.get("metadata", {}),
        "temperature": setting("temperature"),
        "top_p": setting("top_p"),
        "reasoning_effort": setting("reasoning_effort"),
        "max_prompt_tokens": given.get("max_prompt_tokens"),
        "max_completion_tokens": given.get("max_completion_tokens"),
        "truncation_strategy": {
            "type": "auto",
            "last_messages": None,
            **given.get("truncation_strategy", {}),
        },
        "response_format": setting("response_format"),
        "tool_choice": given.get("tool_choice", "auto"),
        "parallel_tool_calls": given.get("parallel_tool_calls", True),
    }


def _check_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> None:
    """Raises ``ApiError`` when the run is to use a tool that it does not have."""
    if not isinstance(choice, Mapping):
        return
    named = choice.get("function")
    if named is None:
        there = any(tool["type"] == choice["type"] for tool in tools)
        wanted = choice["type"]
    else:
        there = any(tool.get("function", {}).get("name") == named["name"] for tool in tools)
        wanted = named["name"]
    if not there:
        raise ApiError(
            f"Invalid value for 'tool_choice': the tool '{wanted[:80]}' is not among the run's "
            "'tools'.",
            param="tool_choice",
            code="invalid_value",
        )


async def _store_message(
    connection: AsyncConnection, thread_id: str, request: CreateMessage
) -> dict[str, Any]:
    now = int(time.time())
    content = await _content(connection, request)
    text = next((part["text"]["value"] for part in content if part["type"] == "text"), None)
    preview = text if request.role == "user" else None
    if await messages.count(connection, thread_id, most=THREAD_MESSAGES) >= THREAD_MESSAGES:
        raise ApiError(f"Thread {thread_id} has reached the maximum of 100,000 messages.")
    await threads.touch(connection, thread_id, now=now, preview=preview)
    fields = {
        "id": new_id("msg"),
        "thread_id": thread_id,
        "created_at": now,
        "role": request.role,
        "status": "completed",
        "completed_at": now,
        "content": content,
        "attachments": await attach_to_thread(connection, thread_id, request.attachments or []),
        "metadata": request.metadata or {},
    }
    return await messages.add(connection, fields)


async def _content(connection: AsyncConnection, request: CreateMessage) -> list[dict[str, Any]]:
    """Stored parts; a request's text is a string, a stored text has a value and annotations."""
    if isinstance(request.content, str):
        return [_text(request.content)]
    parts: list[dict[str, Any]] = []
    for part in request.content:
        if part.type == "text":
            parts.append(_text(part.text))
        elif part.type == "image_url":
            image = {"url": part.image_url.url, "detail": part.image_url.detail or "auto"}
            parts.append({"type": "image_url", "image_url": image})
        else:
            await _check_image(connection, part.image_file.file_id)
            stored = {
                "file_id": part.image_file.file_id,
                "detail": part.image_file.detail or "auto",
            }
            parts.append({"type": "image_file", "image_file": stored})
    return parts


async def _check_image(connection: AsyncConnection, file_id: str) -> None:
    """Raises ``ApiError`` unless the file is there and a picture."""
    file = await files.find(connection, file_id)
    if file is None:
        raise no_file(file_id, "file_ids")
    if image_format(file["filename"]) is None:
        raise ApiError(
            f"Invalid image file '{file_id}': expected a supported format (.jpeg .jpg .png .gif "
            f".webp), but its name is '{file['filename'][:80]}'.",
            param="content",
            code="invalid_value",
        )


def _text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": {"value": value, "annotations": []}}
