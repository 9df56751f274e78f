"""A workspace without services: what a test put in, and runs that play a script."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.deletions import Deletions
from services.events import (
    ApprovalNeeded,
    ApprovalSettled,
    MessageEnded,
    MessageStarted,
    RunChanged,
    RunEnded,
    RunEvent,
    RunStarted,
    TextAdded,
)
from services.files import offered
from services.local.recent import Recent
from services.local.seen import Seen
from services.local.thread_models import ThreadModels
from services.log import record_crash
from services.records import (
    ApprovalRequest,
    Assistant,
    Attachment,
    ConnectionState,
    Conversation,
    Decision,
    LocalFunction,
    Message,
    Outgoing,
    PendingFile,
    Run,
    RunStatus,
    SearchHit,
    ServiceError,
    Settings,
    StoredFile,
    TextPart,
    Thread,
    ThreadPage,
    ToolStep,
    Usage,
)
from services.thread_listing import ThreadListing
from services.writing import Writing
from tests.tui.fake_assistants import (
    FakeAssistantFiles,
    FakeAssistants,
    FakeInspection,
    FakeVectorStores,
)
from tests.tui.fake_reading import FakePictures, FakeSources, Saving

NOW = 1_790_000_000


def a_message(id: str, text: str, *, own: bool = False, **more: Any) -> Message:
    """A stored message."""
    fields: dict[str, Any] = {
        "thread_id": "thread_1",
        "role": "user" if own else "assistant",
        "parts": (TextPart(text),),
        "created_at": NOW,
        "assistant_id": None if own else "asst_1",
    }
    return Message(id, **(fields | more))


def a_request(call_id: str = "call_1", **more: Any) -> ApprovalRequest:
    """A function call that waits for a decision."""
    fields: dict[str, Any] = {
        "run_id": "run_1",
        "thread_id": "thread_1",
        "tool": "get_weather",
        "description": "The weather of a city.",
        "arguments": '{"city":"Paris"}',
        "canonical": '{\n  "city": "Paris"\n}',
        "runs_here": True,
        "origin": "your functions",
        "fingerprint": f"print of {call_id}",
    }
    return ApprovalRequest(call_id=call_id, **(fields | more))


class FakeSession:
    """A run a test drives: ``emit`` sends an event, ``end`` ends it."""

    def __init__(self, thread_id: str, assistant_id: str, question: Message | None) -> None:
        self.thread_id = thread_id
        self.assistant_id = assistant_id
        self.question = question
        self.run: Run | None = Run(
            f"run of {thread_id}", thread_id, assistant_id, "in_progress", "model", NOW
        )
        self.active = True
        self.pending: tuple[ApprovalRequest, ...] = ()
        self.decisions: list[tuple[str, Decision]] = []
        self.cancelled = False
        self.on_cancel: Callable[[], None] = lambda: self.end("cancelled")
        self.fail_decisions: ServiceError | None = None
        self._events: list[RunEvent] = [RunStarted(self.run)]
        self._grown = asyncio.Event()
        self._texts: dict[str, str] = {}

    async def watch(self) -> AsyncIterator[RunEvent]:
        at = 0
        while True:
            while at < len(self._events):
                event = self._events[at]
                at += 1
                yield event
                if isinstance(event, RunEnded):
                    return
            self._grown.clear()
            await self._grown.wait()

    def emit(self, *events: RunEvent) -> None:
        for event in events:
            if isinstance(event, ApprovalNeeded):
                self.pending = event.requests
                self._status("requires_action")
            self._events.append(event)
        self._grown.set()

    def write(self, text: str, id: str = "msg_answer") -> None:
        """Text of an answer arrives."""
        if id not in self._texts:
            self._texts[id] = ""
            started = a_message(
                id, "", thread_id=self.thread_id, assistant_id=self.assistant_id,
                status="in_progress",
            )  # fmt: skip
            self.emit(MessageStarted(started))
        self._texts[id] += text
        self.emit(TextAdded(id, text))

    def finish(self, id: str = "msg_answer", **more: Any) -> None:
        """The answer is whole."""
        ended = a_message(
            id, self._texts[id], thread_id=self.thread_id, assistant_id=self.assistant_id, **more
        )
        self.emit(MessageEnded(ended))

    def end(
        self, status: RunStatus = "completed", sentence: str = "", usage: Usage | None = None
    ) -> None:
        assert self.run is not None
        self.active = False
        self.pending = ()
        self.run = replace(self.run, status=status, usage=usage)
        self.emit(RunEnded(self.run, sentence))

    def _status(self, status: RunStatus) -> None:
        assert self.run is not None
        self.run = replace(self.run, status=status)
        self._events.append(RunChanged(self.run))

    async def decide(self, call_id: str, decision: Decision) -> None:
        if self.fail_decisions is not None:
            raise self.fail_decisions
        self.decisions.append((call_id, decision))
        self.pending = tuple(one for one in self.pending if one.call_id != call_id)
        self.emit(ApprovalSettled(call_id))

    async def cancel(self) -> None:
        self.cancelled = True
        self.on_cancel()


@dataclass
class FakeThreads:
    items: list[Thread]
    messages: dict[str, list[Message | ToolStep]] = field(default_factory=dict)
    last_runs: dict[str, Run] = field(default_factory=dict)
    pages_of: int | None = None
    opened: list[tuple[str, str | None]] = field(default_factory=list)
    error: ServiceError | None = None
    status_of: Callable[[Thread], RunStatus | None] = lambda thread: thread.run_status
    titles: dict[str, str] = field(default_factory=dict)
    asked_for_titles: list[str] = field(default_factory=list)
    pages: list[dict[str, Any]] = field(default_factory=list)
    hits: tuple[SearchHit, ...] = ()
    searched: list[str] = field(default_factory=list)
    search_gate: Callable[[str], Awaitable[object]] | None = None

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def _change(self, thread_id: str, **fields: Any) -> Thread:
        self._check()
        thread = replace(next(one for one in self.items if one.id == thread_id), **fields)
        self.items = [thread if one.id == thread_id else one for one in self.items]
        return thread

    def listing(self, *, query: str = "", archived: bool = False) -> ThreadListing:
        return ThreadListing(self.page, query=query, archived=archived)

    async def page(
        self, *, query: str, archived: bool, after: str | None, limit: int
    ) -> ThreadPage:
        self.pages.append({"query": query, "archived": archived, "after": after})
        wanted = [
            replace(one, run_status=self.status_of(one))
            for one in self.items
            if one.archived == archived
            and one.gone_at is None
            and query.casefold() in one.title.casefold()
        ]
        start = next((i + 1 for i, one in enumerate(wanted) if one.id == after), 0)
        return ThreadPage(tuple(wanted[start : start + limit]), len(wanted) > start + limit)

    async def get(self, thread_id: str) -> Thread:
        self._check()
        found = next((one for one in self.items if one.id == thread_id), None)
        if found is None:
            raise ServiceError(f"No thread found with id '{thread_id}'.", status=404)
        return found

    async def search(self, query: str, *, limit: int = 50) -> tuple[SearchHit, ...]:
        self.searched.append(query)
        if self.search_gate is not None:
            await self.search_gate(query)
        self._check()
        return tuple(hit for hit in self.hits if query.casefold() in hit.snippet.casefold())

    async def make_title(self, thread_id: str) -> str | None:
        self.asked_for_titles.append(thread_id)
        if (title := self.titles.get(thread_id)) is not None:
            self._change(thread_id, title=title, titled=True)
        return title

    async def fork(self, thread: Thread, message_id: str, *, keep: bool = True) -> Thread:
        self._check()
        items = self.messages.get(thread.id, [])
        at = next(i for i, item in enumerate(items) if item.id == message_id) + keep
        made = Thread(
            f"thread_{len(self.items) + 1}", f"{thread.title} (fork)", NOW, NOW, titled=True
        )
        self.messages[made.id] = [
            replace(item, id=f"copy of {item.id}", thread_id=made.id)
            for item in items[:at]
            if isinstance(item, Message)
        ]
        self.items.insert(0, made)
        return made

    async def written(self, thread_id: str, message_id: str) -> Outgoing:
        found = next(item for item in self.messages[thread_id] if item.id == message_id)
        assert isinstance(found, Message)
        return Outgoing(found.text)

    async def archive(self, thread_id: str, archived: bool = True) -> Thread:
        return self._change(thread_id, archived=archived)

    async def hide(self, thread_id: str, until: int | None) -> Thread:
        return self._change(thread_id, gone_at=until)

    async def hidden(self) -> tuple[Thread, ...]:
        return tuple(one for one in self.items if one.gone_at is not None)

    async def create(self) -> Thread:
        made = Thread(f"thread_{len(self.items) + 1}", "", NOW, NOW)
        self.items.insert(0, made)
        return made

    async def open(
        self,
        thread_id: str,
        before: str | None = None,
        limit: int = 60,
        through: str | None = None,
    ) -> Conversation:
        self.opened.append((thread_id, before))
        if self.error is not None:
            raise self.error
        thread = next(one for one in self.items if one.id == thread_id)
        items = list(self.messages.get(thread_id, []))
        if before is not None:
            items = items[: next(i for i, item in enumerate(items) if item.id == before)]
        size = self.pages_of or limit
        if through is not None:
            at = [len(items) - i for i, one in enumerate(items) if one.id == through]
            size = max([size, *at])
        return Conversation(
            thread, tuple(items[-size:]), older=len(items) > size,
            last_run=self.last_runs.get(thread_id),
        )  # fmt: skip

    async def rename(self, thread_id: str, title: str) -> Thread:
        return self._change(thread_id, title=title, titled=True)

    async def delete(self, thread_id: str) -> None:
        self.items = [one for one in self.items if one.id != thread_id]


@dataclass
class FakeRuns:
    workspace: FakeWorkspace
    sessions: dict[str, FakeSession] = field(default_factory=dict)
    resumable: dict[str, FakeSession] = field(default_factory=dict)
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    sent_files: list[tuple[PendingFile, ...]] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    error: ServiceError | None = None
    gate: Callable[[], Awaitable[object]] | None = None

    async def send(
        self, thread_id: str, assistant_id: str, text: str, files: Sequence[PendingFile] = ()
    ) -> FakeSession:
        if self.gate is not None:
            await self.gate()
        if self.error is not None:
            raise self.error
        self.sent.append((thread_id, assistant_id, text))
        self.sent_files.append(tuple(files))
        attachments = tuple(Attachment(file.file_id, file.tools) for file in files)
        question = a_message(
            f"msg_question_{len(self.sent)}", text, own=True, thread_id=thread_id,
            attachments=attachments,
        )  # fmt: skip
        self.workspace.threads.messages.setdefault(thread_id, []).append(question)
        return self._begin(thread_id, assistant_id, question)

    async def start(self, thread_id: str, assistant_id: str, instructions: str = "") -> FakeSession:
        self.instructions.append(instructions)
        if self.error is not None:
            raise self.error
        return self._begin(thread_id, assistant_id, None)

    def _begin(self, thread_id: str, assistant_id: str, question: Message | None) -> FakeSession:
        session = self.sessions[thread_id] = FakeSession(thread_id, assistant_id, question)
        return session

    def session(self, thread_id: str) -> FakeSession | None:
        session = self.sessions.get(thread_id)
        return session if session is not None and session.active else None

    async def resume(self, thread_id: str) -> FakeSession | None:
        session = self.resumable.get(thread_id)
        if session is not None:
            self.sessions[thread_id] = session
        return session


@dataclass
class FakeFiles:
    """A server that keeps what is uploaded; ``gate`` holds an upload up half way."""

    items: list[StoredFile] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    uploads: list[tuple[str, str]] = field(default_factory=list)
    error: ServiceError | None = None
    gate: asyncio.Event | None = None

    async def list(self, purpose: str | None = None) -> tuple[StoredFile, ...]:
        self.names.update((one.id, one.name) for one in self.items)
        return tuple(self.items)

    async def attachable(self, query: str, limit: int = 10) -> tuple[PendingFile, ...]:
        found = (offered(one) for one in self.items if query in one.name)
        return tuple(one for one in found if one is not None)[:limit]

    async def upload(
        self, path: str, purpose: str = "assistants",
        progress: Callable[[int, int], None] | None = None,
    ) -> StoredFile:  # fmt: skip
        size = len(await asyncio.to_thread(Path(path).read_bytes))
        if progress is not None:
            progress(size // 2, size)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.uploads.append((path, purpose))
        stored = StoredFile(f"file_{len(self.uploads)}", Path(path).name, size, purpose, NOW)
        self.items.append(stored)
        self.names[stored.id] = stored.name
        return stored


class FakeWorkspace:
    """What ``UnderstudyApp`` needs of a workspace."""

    def __init__(
        self,
        *,
        assistants: tuple[Assistant, ...] | None = None,
        threads: tuple[Thread, ...] = (),
        settings: Settings | None = None,
    ) -> None:
        if assistants is None:
            assistants = (
                Assistant("asst_1", "Research Assistant", "llama3.3"),
                Assistant("asst_2", "Data analyst", "rehearsal"),
            )
        self.settings = settings or Settings()
        self.connection = ConnectionState("default", "ollama", False, "llama3.3")
        self.assistants = FakeAssistants(list(assistants))
        self.threads = FakeThreads(list(threads))
        self.runs = FakeRuns(self)
        self.files = FakeFiles()
        self.sources = FakeSources()
        self.pictures = FakePictures()
        self.saving = Saving()
        home = Path(os.environ["UNDERSTUDY_HOME"])
        self.writing = Writing(home / "data", "default", home.parent / "folder")
        self.threads.status_of = self._status_of
        self.deletions = Deletions(self.threads)
        self.exports: Any = None
        self.seen = Seen(Path("/nowhere/seen.json"))
        self.recent = Recent(home / "data" / "recent-commands.json")
        self.thread_models = ThreadModels(home / "data" / "thread-models.json")
        self.assistant_files = FakeAssistantFiles()
        self.inspection = FakeInspection()
        self.vector_stores = FakeVectorStores()
        self.offered: tuple[str, ...] = ("llama3.3", "qwen3", "mistral-small")
        self.functions: tuple[LocalFunction, ...] = ()
        self.open_error: ServiceError | None = None
        self.open_gate: asyncio.Event | None = None
        self.opens = 0
        self.closed = False
        self.saved_themes: list[str] = []
        self.log_folder: Path | None = None

    def record_crash(self, error: BaseException) -> Path | None:
        return record_crash(error, self.log_folder) if self.log_folder else None

    def _status_of(self, thread: Thread) -> RunStatus | None:
        session = self.runs.sessions.get(thread.id)
        if session is None or session.run is None:
            return thread.run_status
        return session.run.status

    async def open(self) -> ConnectionState:
        self.opens += 1
        if self.open_gate is not None:
            await self.open_gate.wait()
        if self.open_error is not None:
            raise self.open_error
        self.connection = replace(self.connection, ready=True)
        return self.connection

    async def close(self) -> None:
        await self.deletions.finish()
        await self.writing.close()
        self.closed = True

    async def models(self) -> tuple[str, ...]:
        return self.offered

    async def local_functions(self) -> tuple[LocalFunction, ...]:
        return self.functions

    async def save_theme(self, name: str) -> None:
        self.saved_themes.append(name)
