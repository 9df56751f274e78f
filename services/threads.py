"""Threads and their messages, over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from services import reading
from services.connection.resources import threads_of
from services.connection.speaking import speaking
from services.records import Conversation, Message, Run, Thread, ToolStep

if TYPE_CHECKING:
    from openai import AsyncOpenAI, RequestOptions
    from openai.types.beta.threads.runs import RunStep

PAGE = 100


class Threads:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client
        self._threads = threads_of(client)

    async def list(self) -> tuple[Thread, ...]:
        """All threads, the one that was active last first."""
        found: list[Thread] = []
        after: str | None = None
        async with speaking("list the threads"):
            while True:
                query: dict[str, Any] = {"limit": PAGE}
                if after is not None:
                    query["after"] = after
                page = await self._get("/threads", query)
                found += [reading.thread(each) for each in page["data"]]
                after = page.get("last_id")
                if not page.get("has_more") or not after:
                    return tuple(found)

    async def create(self) -> Thread:
        async with speaking("create a thread"):
            made = await self._threads.create()
        return reading.thread(made.model_dump())

    async def rename(self, thread_id: str, title: str) -> Thread:
        """The title is kept in the thread's metadata, where every client can read it."""
        async with speaking("rename the thread"):
            changed = await self._threads.update(thread_id, metadata={reading.TITLE: title.strip()})
        return reading.thread(changed.model_dump())

    async def delete(self, thread_id: str) -> None:
        """Deletes the thread with its messages; a run on it is stopped."""
        async with speaking("delete the thread"):
            await self._threads.delete(thread_id)

    async def open(
        self, thread_id: str, before: str | None = None, limit: int = 60
    ) -> Conversation:
        """The newest messages with their tool rows, or those ahead of message ``before``."""
        async with speaking("open the thread"):
            query: dict[str, Any] = {"limit": limit, "order": "desc"}
            if before is not None:
                query["after"] = before
            listed = await self._threads.messages.list(thread_id, **query)
            messages = [reading.message(each) for each in reversed(listed.data)]
            older = bool(listed.has_more)
            runs = await self._runs_of(thread_id, messages, older=older, newest=before is None)
            steps = {
                each.id: await self._steps(thread_id, each.id) for each, tools in runs if tools
            }
            thread = await self._threads.retrieve(thread_id)
        record = reading.thread(thread.model_dump())
        first_text = next((each.text for each in messages if each.role == "user"), "")
        if not record.title and not older:
            record = replace(record, title=" ".join(first_text.split())[:80])
        last_run = runs[-1][0] if runs and before is None else None
        return Conversation(
            thread=replace(
                record,
                run_status=last_run.status if last_run else None,
                assistant_id=last_run.assistant_id if last_run else None,
            ),
            items=tuple(_in_order(messages, [each for each, _ in runs], steps)),
            older=older,
            last_run=last_run,
        )

    async def _get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """A route that the SDK has no method for."""
        options: RequestOptions = {"params": dict(query)}
        answer = await self._client.get(path, cast_to=object, options=options)
        return cast("dict[str, Any]", answer)

    async def _runs_of(
        self, thread_id: str, messages: Sequence[Message], *, older: bool, newest: bool
    ) -> Sequence[tuple[Run, bool]]:
        """The runs that belong between these messages, oldest first, and whether they had tools."""
        wanted = {message.run_id for message in messages if message.run_id}
        begin = messages[0].created_at if messages and older else 0
        end = None if newest or not messages else messages[-1].created_at
        found: list[tuple[Run, bool]] = []
        async for each in self._threads.runs.list(thread_id, limit=PAGE, order="desc"):
            run = reading.run(each)
            if end is not None and run.created_at > end and run.id not in wanted:
                continue
            if run.created_at < begin and not wanted:
                break
            found.append((run, bool(each.tools)))
            wanted.discard(run.id)
        found.reverse()
        return found

    async def _steps(self, thread_id: str, run_id: str) -> Sequence[RunStep]:
        listed = self._threads.runs.steps.list(run_id, thread_id=thread_id, limit=PAGE, order="asc")
        return [step async for step in listed]


def _in_order(
    messages: Sequence[Message], runs: Sequence[Run], steps: Mapping[str, Sequence[RunStep]]
) -> list[Message | ToolStep]:
    """Messages and tool rows as they happened.

    A run's steps tell the order within it. A run that wrote no message (it waits, or failed at
    once) goes where it was created: after the messages that were there by then.
    """
    blocks = {run.id: _block(run, messages, steps.get(run.id, ())) for run in runs}
    silent = [run for run in runs if not any(each.run_id == run.id for each in messages)]
    ordered: list[Message | ToolStep] = []
    placed: set[str] = set()
    for message in messages:
        if message.run_id in blocks:
            if message.run_id not in placed:
                placed.add(message.run_id)
                ordered += blocks[message.run_id]
            continue
        while silent and silent[0].created_at < message.created_at:
            ordered += blocks[silent.pop(0).id]
        ordered.append(message)
    for run in silent:
        ordered += blocks[run.id]
    return ordered


def _block(
    run: Run, messages: Sequence[Message], steps: Sequence[RunStep]
) -> list[Message | ToolStep]:
    own = {message.id: message for message in messages if message.run_id == run.id}
    block: list[Message | ToolStep] = []
    for step in steps:
        if (row := reading.tool_step(step)) is not None:
            block.append(row)
        elif step.step_details.type == "message_creation":
            message = own.pop(step.step_details.message_creation.message_id, None)
            if message is not None:
                block.append(message)
    return [*block, *own.values()]
