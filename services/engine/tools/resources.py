"""``tool_resources``: which files and vector stores an assistant's or a thread's tools work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.errors import ApiError, too_many
from services.engine.retrieval.attaching import attach_files, new_store, no_file
from services.engine.schemas import AttachFile, Attachment, ToolResources
from services.engine.schemas.base import CODE_FILES
from services.engine.schemas.resources import FileSearchNewStores
from services.engine.store import files, threads, vector_stores

Resources = dict[str, Any]

# The hosted API let the stores that came with a thread go after a week without a run.
THREAD_STORE_EXPIRY = {"anchor": "last_active_at", "days": 7}


async def resolved(
    connection: AsyncConnection,
    given: ToolResources | None,
    *,
    expires_after: Mapping[str, Any] | None = None,
) -> Resources:
    """What a request gives, as stored; a vector store that it describes is made.

    Only the tools that are given have a key. Raises ``ApiError`` for a file or store that is not
    there. ``expires_after`` is for the store that is made.
    """
    resources: Resources = {}
    if given is None:
        return resources
    if given.code_interpreter is not None:
        file_ids = list(dict.fromkeys(given.code_interpreter.file_ids or []))
        await _check_files(connection, file_ids, "tool_resources.code_interpreter.file_ids")
        resources["code_interpreter"] = {"file_ids": file_ids}
    if given.file_search is not None:
        store_ids = list(given.file_search.vector_store_ids or [])
        for store_id in store_ids:
            await vector_stores.get(connection, store_id)
        helpers = given.file_search
        if isinstance(helpers, FileSearchNewStores):
            for described in helpers.vector_stores or []:
                store_id = await new_store(
                    connection, expires_after=expires_after, metadata=described.metadata
                )
                wanted = [
                    AttachFile(file_id=each, chunking_strategy=described.chunking_strategy)
                    for each in described.file_ids or []
                ]
                await attach_files(connection, store_id, wanted)
                store_ids.append(store_id)
        resources["file_search"] = {"vector_store_ids": store_ids}
    return resources


def completed(resources: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> Resources:
    """With an empty list for every built-in tool that is on and has none, as on the wire."""
    empty: Resources = {
        "code_interpreter": {"file_ids": []},
        "file_search": {"vector_store_ids": []},
    }
    on = {tool["type"] for tool in tools}
    return {**{name: value for name, value in empty.items() if name in on}, **resources}


def store_ids_in(*resources: Mapping[str, Any]) -> list[str]:
    """The vector stores of several ``tool_resources``, each once."""
    found = (each.get("file_search", {}).get("vector_store_ids", []) for each in resources)
    return list(dict.fromkeys(store_id for some in found for store_id in some))


async def attach_to_thread(
    connection: AsyncConnection, thread_id: str, attachments: Sequence[Attachment]
) -> list[dict[str, Any]]:
    """Gives a message's attachments to the thread's tools; the attachments as stored.

    Raises ``ApiError`` and leaves the transaction to be undone.
    """
    if not attachments:
        return []
    resources = dict((await threads.get(connection, thread_id))["tool_resources"])
    to_run = [each.file_id for each in attachments if "code_interpreter" in _tools(each)]
    to_search = [each.file_id for each in attachments if "file_search" in _tools(each)]
    await _check_files(connection, [each.file_id for each in attachments], "attachments")
    if to_run:
        before = resources.get("code_interpreter", {}).get("file_ids", [])
        file_ids = list(dict.fromkeys([*before, *to_run]))
        if len(file_ids) > CODE_FILES:
            raise too_many("attachments", CODE_FILES, len(file_ids))
        resources["code_interpreter"] = {"file_ids": file_ids}
    if to_search:
        store_id = await _thread_store(connection, resources)
        # What is in the store already is not indexed again because a message repeats it.
        there = await vector_stores.present(connection, store_id, to_search)
        wanted = [AttachFile(file_id=each) for each in to_search if each not in there]
        await attach_files(connection, store_id, wanted, param="attachments")
        resources["file_search"] = {"vector_store_ids": [store_id]}
    await threads.change(connection, thread_id, {"tool_resources": resources})
    return [
        {
            "file_id": each.file_id,
            "tools": [tool.model_dump() for tool in each.tools or []],
        }
        for each in attachments
    ]


async def _thread_store(connection: AsyncConnection, resources: Resources) -> str:
    """The thread's own vector store, made if it has none or it was deleted."""
    for store_id in store_ids_in(resources):
        try:
            await vector_stores.living(connection, store_id)
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            return store_id
    return await new_store(connection, expires_after=THREAD_STORE_EXPIRY)


def _tools(attachment: Attachment) -> set[str]:
    return {tool.type for tool in attachment.tools or []}


async def _check_files(connection: AsyncConnection, file_ids: Sequence[str], param: str) -> None:
    names = await files.names(connection, file_ids)
    for file_id in file_ids:
        if file_id not in names:
            raise no_file(file_id, param)
