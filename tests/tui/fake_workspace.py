"""A workspace without services: what a test put in, and runs that play a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

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
from services.log import record_crash
from services.records import (
    ApprovalRequest,
    Assistant,
    AssistantDraft,
    ConnectionState,
    Conversation,
    Decision,
    LocalFunction,
    Message,
    Run,
    RunStatus,
    ServiceError,
    Settings,
    TextPart,
    Thread,
    ToolStep,
    Usage,
)

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
class FakeAssistants:
    items: list[Assistant]
    error: ServiceError | None = None
    drafts: list[AssistantDraft] = field(default_factory=list)

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    async def list(self) -> tuple[Assistant, ...]:
        return tuple(self.items)

    async def create(self, draft: AssistantDraft) -> Assistant:
        self._check()
        self.drafts.append(draft)
        made = _assistant(f"asst_{len(self.items) + 1}", draft)
        self.items.append(made)
        return made

    async def update(self, id: str, draft: AssistantDraft) -> Assistant:
        self._check()
        self.drafts.append(draft)
        changed = _assistant(id, draft)
        self.items = [changed if one.id == id else one for one in self.items]
        return changed

    async def delete(self, id: str) -> None:
        self._check()
        self.items = [one for one in self.items if one.id != id]


def _assistant(id: str, draft: AssistantDraft) -> Assistant:
    return Assistant(
        id, draft.name, draft.model, draft.instructions, draft.description, draft.tools,
        draft.temperature, draft.top_p, NOW,
    )  # fmt: skip


@dataclass
class FakeThreads:
    items: list[Thread]
    messages: dict[str, list[Message | ToolStep]] = field(default_factory=dict)
    last_runs: dict[str, Run] = field(default_factory=dict)
    pages_of: int | None = None
    opened: list[tuple[str, str | None]] = field(default_factory=list)
    error: ServiceError | None = None
    status_of: Callable[[Thread], RunStatus | None] = lambda thread: thread.run_status

    async def list(self) -> tuple[Thread, ...]:
        return tuple(replace(one, run_status=self.status_of(one)) for one in self.items)

    async def create(self) -> Thread:
        made = Thread(f"thread_{len(self.items) + 1}", "", NOW, NOW)
        self.items.insert(0, made)
        return made

    async def open(
        self, thread_id: str, before: str | None = None, limit: int = 60
    ) -> Conversation:
        self.opened.append((thread_id, before))
        if self.error is not None:
            raise self.error
        thread = next(one for one in self.items if one.id == thread_id)
        items = list(self.messages.get(thread_id, []))
        if before is not None:
            items = items[: next(i for i, item in enumerate(items) if item.id == before)]
        size = self.pages_of or limit
        return Conversation(
            thread, tuple(items[-size:]), older=len(items) > size,
            last_run=self.last_runs.get(thread_id),
        )  # fmt: skip

    async def rename(self, thread_id: str, title: str) -> Thread:
        thread = next(one for one in self.items if one.id == thread_id)
        renamed = replace(thread, title=title)
        self.items = [renamed if one.id == thread_id else one for one in self.items]
        return renamed

    async def delete(self, thread_id: str) -> None:
        self.items = [one for one in self.items if one.id != thread_id]


@dataclass
class FakeRuns:
    workspace: FakeWorkspace
    sessions: dict[str, FakeSession] = field(default_factory=dict)
    resumable: dict[str, FakeSession] = field(default_factory=dict)
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    error: ServiceError | None = None
    gate: Callable[[], Awaitable[object]] | None = None

    async def send(self, thread_id: str, assistant_id: str, text: str) -> FakeSession:
        if self.gate is not None:
            await self.gate()
        if self.error is not None:
            raise self.error
        self.sent.append((thread_id, assistant_id, text))
        question = a_message(f"msg_question_{len(self.sent)}", text, own=True, thread_id=thread_id)
        self.workspace.threads.messages.setdefault(thread_id, []).append(question)
        return self._begin(thread_id, assistant_id, question)

    async def start(self, thread_id: str, assistant_id: str) -> FakeSession:
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
        self.threads.status_of = self._status_of
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
        self.closed = True

    async def models(self) -> tuple[str, ...]:
        return self.offered

    async def local_functions(self) -> tuple[LocalFunction, ...]:
        return self.functions

    async def save_theme(self, name: str) -> None:
        self.saved_themes.append(name)
