"""What the flow of a conversation works with: a run, the screen it plays on, the page shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from services.events import RunEvent
from services.records import (
    ApprovalRequest,
    Attachment,
    Decision,
    Message,
    Run,
    RunStatus,
    Thread,
    ToolStep,
    Usage,
)
from tui.transcript.entries import Severity

if TYPE_CHECKING:
    from services.outbox import Outbox

Work = Callable[[], Coroutine[object, object, None]]
"""Something to run beside the screen; a function, so that one never started is never awaited."""


class Session(Protocol):
    """A run this app follows, as the workspace hands it out."""

    thread_id: str
    assistant_id: str
    question: Message | None

    @property
    def active(self) -> bool: ...

    @property
    def pending(self) -> tuple[ApprovalRequest, ...]: ...

    def watch(self) -> AsyncIterator[RunEvent]: ...

    async def decide(self, call_id: str, decision: Decision) -> None: ...

    async def cancel(self) -> None: ...


class Stage(Protocol):
    """What the flow needs of the screen it plays on."""

    def spawn(self, work: Work, group: str) -> None:
        """Run this beside the screen; a new one in the same group replaces the old."""

    def thread_changed(self, thread_id: str, status: RunStatus | None) -> None:
        """A run of the thread changed its state."""

    def threads_changed(self) -> None:
        """The list of threads has to be read again."""

    def conversation_changed(self) -> None:
        """Something that header, footer, card or keys show of the shown thread changed."""

    def waits_elsewhere(self, thread_id: str, request: ApprovalRequest) -> None:
        """A thread that is not on the screen waits for a decision."""

    def run_over(self, thread_id: str, run: Run) -> None:
        """A run of the thread has ended, on the screen or not."""

    def say(self, sentence: str, severity: Severity) -> None:
        """Tell the user something that is not part of the conversation."""


@dataclass(slots=True)
class Page:
    """The conversation on the screen; ``thread`` is None until its first message is sent."""

    thread: Thread | None = None
    oldest: str | None = None
    sending: bool = False
    usage: Usage | None = None
    seconds: float | None = None
    session: Session | None = None
    outbox: Outbox | None = None
    """What is not sent yet."""
    stopping: bool = False
    answer: str = ""
    """Text of the newest answer that is complete or was kept, for copying."""
    attachments: list[Attachment] = field(default_factory=list)
    streaming: set[str] = field(default_factory=set)
    """Ids of answers that are being written."""
    written: bool = False
    """Whether the run that is followed has written anything."""
    steps: dict[str, ToolStep] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)

    @property
    def thread_id(self) -> str | None:
        return self.thread.id if self.thread is not None else None
