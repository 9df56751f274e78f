"""Threads and their messages, over the wire."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from services import reading
from services.connection.extras import extras_of
from services.connection.resources import threads_of
from services.connection.speaking import speaking
from services.forking import base_title, fork, fork_title
from services.item_order import in_order
from services.outgoing import Use
from services.records import (
    Conversation,
    ImageFilePart,
    Message,
    Outgoing,
    PendingFile,
    Run,
    SearchHit,
    ServiceError,
    Thread,
    ThreadPage,
)
from services.thread_listing import PAGE, ThreadListing

if TYPE_CHECKING:
    from openai import AsyncOpenAI, RequestOptions
    from openai.types.beta.threads.runs import RunStep


class Threads:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client
        self._threads = threads_of(client)
        self._extras = extras_of(client)

    async def list(self) -> tuple[Thread, ...]:
        """All threads but those put away, the one that was active last first."""
        listing = self.listing()
        await listing.refresh()
        while listing.more:
            await listing.extend()
        return listing.threads

    def listing(self, *, query: str = "", archived: bool = False) -> ThreadListing:
        """The threads whose title holds ``query``, or those put away, to be read in pages."""
        return ThreadListing(self.page, query=query, archived=archived)

    async def page(
        self,
        *,
        query: str = "",
        archived: bool = False,
        after: str | None = None,
        limit: int = PAGE,
    ) -> ThreadPage:
        """Some threads, those that come after the thread ``after``."""
        asked: dict[str, Any] = {"limit": limit, "state": "archived" if archived else "current"}
        if query:
            asked["title"] = query
        return await self._listed(asked, after)

    async def hidden(self) -> tuple[Thread, ...]:
        """The threads that are deleted, but not yet for good."""
        page = await self._listed({"limit": PAGE, "state": "deleted"}, None)
        return tuple(each for each in page.threads if each.gone_at is not None)

    async def _listed(self, asked: dict[str, Any], after: str | None) -> ThreadPage:
        async with speaking("list the threads"):
            page = await self._get("/threads", asked | ({"after": after} if after else {}))
        found = (reading.thread(each) for each in page["data"])
        return ThreadPage(tuple(found), bool(page.get("has_more")))

    async def get(self, thread_id: str) -> Thread:
        """A thread by its id; its title is empty when only its first message names it."""
        async with speaking("find the thread"):
            return reading.thread((await self._threads.retrieve(thread_id)).model_dump())

    async def search(self, query: str, *, limit: int = 50) -> tuple[SearchHit, ...]:
        """The messages of all threads that fit ``query`` best, best first."""
        try:
            async with speaking("search the threads"):
                answer = await self._get("/threads/search", {"query": query, "limit": limit})
        except ServiceError as error:
            # A server that knows no search takes "search" for the id of a thread.
            if error.status in (400, 404, 405) and error.code != "missing_required_parameter":
                raise ServiceError(
                    "This server cannot search what was said in its threads. The list can still "
                    "be filtered by title.",
                    status=error.status,
                ) from error
            raise
        return tuple(reading.search_hit(each) for each in answer.get("data") or ())

    async def create(self) -> Thread:
        async with speaking("create a thread"):
            made = await self._threads.create()
        return reading.thread(made.model_dump())

    async def rename(self, thread_id: str, title: str) -> Thread:
        """The title is kept in the thread's metadata, where every client can read it."""
        async with speaking("rename the thread"):
            changed = await self._threads.update(thread_id, metadata={reading.TITLE: title.strip()})
        return reading.thread(changed.model_dump())

    async def fork(self, thread: Thread, message_id: str, *, keep: bool = True) -> Thread:
        """A new thread with copies of the messages up to ``message_id``, or to the one before it.

        It is named after ``thread``, and has a name that no other thread has.
        """
        base = base_title(thread.title)
        taken: set[str] = set()
        for archived in (False, True):
            named = self.listing(query=f"{base} (fork"[:200], archived=archived)
            await named.refresh()
            while named.more:
                await named.extend()
            taken.update(each.title for each in named.threads)
        title = fork_title(thread.title, {*taken, thread.title})
        return await fork(self._client, thread.id, message_id, keep=keep, title=title)

    async def written(self, thread_id: str, message_id: str) -> Outgoing:
        """A message as it was sent, to be written anew: its text and those files still there."""
        async with speaking("read the message"):
            read = await self._threads.messages.retrieve(message_id, thread_id=thread_id)
            message = reading.message(read)
            wanted: dict[str, Use] = {}
            for attachment in message.attachments:
                tools = set(attachment.tools)
                named: Use = "both" if len(tools) > 1 else "file_search"
                wanted[attachment.file_id] = (
                    "code_interpreter" if tools == {"code_interpreter"} else named
                )
            for part in message.parts:
                if isinstance(part, ImageFilePart):
                    wanted[part.file_id] = "image"
            files = [await self._file(file_id, use) for file_id, use in wanted.items()]
        return Outgoing(message.text, files=tuple(file for file in files if file is not None))

    async def _file(self, file_id: str, use: Use) -> PendingFile | None:
        import openai

        try:
            file = await self._client.files.retrieve(file_id)
        except openai.NotFoundError:
            return None
        return PendingFile(file.filename, file.bytes, use, (use,), file_id=file_id)

    async def archive(self, thread_id: str, archived: bool = True) -> Thread:
        """Puts a thread away, or back among the others; nothing else about it changes."""
        task = "put the thread away" if archived else "bring the thread back"
        when = str(int(time.time())) if archived else ""
        return await self._mark(thread_id, {reading.ARCHIVED: when}, task)

    async def hide(self, thread_id: str, until: int | None) -> Thread:
        """Marks a thread as deleted for good at ``until`` (seconds since the epoch), or as kept."""
        mark = "" if until is None else str(until)
        task = "delete the thread" if mark else "bring the thread back"
        return await self._mark(thread_id, {reading.GONE_AT: mark}, task)

    async def delete(self, thread_id: str) -> None:
        """Deletes the thread with its messages; a run on it is stopped."""
        async with speaking("delete the thread"):
            await self._threads.delete(thread_id)

    async def _mark(self, thread_id: str, metadata: dict[str, str], task: str) -> Thread:
        async with speaking(task):
            changed = await self._threads.update(thread_id, metadata=metadata)
        return reading.thread(changed.model_dump())

    async def make_title(self, thread_id: str) -> str | None:
        """Has the model name a thread that nobody named; None when it has, or cannot get, no name.

        A server without that route has titles of its first messages, which is no failure.
        """
        try:
            async with speaking("make a title"):
                answer = await self._client.post(
                    f"/threads/{quote(thread_id, safe='')}/title", cast_to=object, body={}
                )
        except ServiceError as error:
            if error.status in (404, 405):
                return None
            raise
        title = cast("dict[str, Any]", answer).get("title")
        return title if isinstance(title, str) and title else None

    async def open(
        self,
        thread_id: str,
        before: str | None = None,
        limit: int = 60,
        through: str | None = None,
    ) -> Conversation:
        """The newest messages with their tool rows, or those ahead of message ``before``.

        With ``through``, as many as it takes to have that message among them.
        """
        async with speaking("open the thread"):
            messages, older = await self._messages(thread_id, before, limit, through)
            runs = await self._runs_of(thread_id, messages, older=older, newest=before is None)
            steps = {
                each.id: await self._extras.asking(partial(self._steps, thread_id, each.id))
                for each, tools in runs
                if tools or (each.usage is not None and each.usage.reasoning_tokens)
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
            items=tuple(in_order(messages, [each for each, _ in runs], steps)),
            older=older,
            last_run=last_run,
        )

    async def _messages(
        self, thread_id: str, before: str | None, limit: int, through: str | None
    ) -> tuple[Sequence[Message], bool]:
        """The messages wanted, oldest first, and whether there are older ones."""
        found: list[Message] = []
        while True:
            query: dict[str, Any] = {"limit": limit if through is None else PAGE, "order": "desc"}
            if before is not None:
                query["after"] = before
            listed = await self._threads.messages.list(thread_id, **query)
            found += [reading.message(each) for each in listed.data]
            older = bool(listed.has_more)
            if through is None or not older or any(each.id == through for each in found):
                return found[::-1], older
            before = found[-1].id

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
        listed = self._threads.runs.steps.list(
            run_id,
            thread_id=thread_id,
            limit=PAGE,
            order="asc",
            extra_query=self._extras.query(),
        )
        return [step async for step in listed]
