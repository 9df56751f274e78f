"""Plain data: what there is.

Everything the screen shows of the wire's objects, as frozen dataclasses. Times are seconds since
the epoch. Texts are as the server sent them and not safe for a terminal: ``tui/text.py`` is the
one way to the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.assistant_records import Assistant as Assistant
from services.assistant_records import AssistantDraft as AssistantDraft
from services.assistant_records import BuiltinTool as BuiltinTool
from services.assistant_records import FunctionTool as FunctionTool
from services.assistant_records import ImportReport as ImportReport
from services.assistant_records import NamedResource as NamedResource
from services.assistant_records import OtherTool as OtherTool
from services.assistant_records import ResponseFormat as ResponseFormat
from services.assistant_records import Tool as Tool
from services.content_records import Citation as Citation
from services.content_records import FoundFile as FoundFile
from services.content_records import Passage as Passage
from services.content_records import Picture as Picture
from services.content_records import Thought as Thought
from services.outgoing import Draft as Draft
from services.outgoing import Fold as Fold
from services.outgoing import Outgoing as Outgoing
from services.outgoing import PendingFile as PendingFile

RunStatus = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
Notify = Literal["auto", "bell", "osc9", "osc777", "off"]
Marks = Literal["auto", "unicode", "ascii"]
ACTIVE_STATUSES: frozenset[str] = frozenset(
    {"queued", "in_progress", "requires_action", "cancelling"}
)


class ServiceError(Exception):
    """Something the user should read: one plain sentence, no traceback, no key.

    ``sentence`` names what failed, where, what was kept and what to do. ``status`` is the HTTP
    status behind it where there was one, ``code`` the wire's error code.
    """

    def __init__(self, sentence: str, *, status: int | None = None, code: str | None = None):
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.code = code


class FileThere(ServiceError):
    """A file of that name exists, and was left as it is."""


class RunNotStarted(ServiceError):
    """The message is stored in its thread, but the run that answers it could not be started."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as the thread list shows it.

    ``title`` is empty until the first message named it; ``titled`` tells that somebody gave it one.
    ``run_status`` is the newest run's state (None before the first run): a thread whose state is
    ``requires_action`` waits for a decision. ``gone_at`` is when a thread that was deleted, and can
    still be brought back, is deleted for good.
    """

    id: str
    title: str
    created_at: int
    active_at: int
    run_status: RunStatus | None = None
    assistant_id: str | None = None
    titled: bool = False
    archived: bool = False
    gone_at: int | None = None

    @property
    def waits_for_decision(self) -> bool:
        return self.run_status == "requires_action"

    @property
    def failed(self) -> bool:
        return self.run_status in ("failed", "expired")

    @property
    def busy(self) -> bool:
        return self.run_status in ACTIVE_STATUSES


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Some of the threads, the one that was active last first; ``more`` when there are others."""

    threads: tuple[Thread, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message that a search over all threads found.

    ``snippet`` is a stretch of its text on one line; ``marks`` are the (start, end) of the words in
    it that were looked for.
    """

    thread_id: str
    thread_title: str
    message_id: str
    role: str
    created_at: int
    snippet: str
    marks: tuple[tuple[int, int], ...] = ()
    archived: bool = False


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text of a message, Markdown as the model wrote it, with the markers of its citations."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """What the model said instead of an answer it would not give."""

    text: str


@dataclass(frozen=True, slots=True)
class ImageFilePart:
    """An image among the server's files."""

    file_id: str


@dataclass(frozen=True, slots=True)
class ImageUrlPart:
    """An image somewhere on the web; never fetched unasked."""

    url: str


Part = TextPart | RefusalPart | ImageFilePart | ImageUrlPart


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file given along with a message, and the tools that may use it.

    ``name`` is its file's name where that is known.
    """

    file_id: str
    tools: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the server keeps; ``size`` in bytes."""

    id: str
    name: str
    size: int
    purpose: str
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``incomplete_reason`` says why an answer stopped early (``run_cancelled``,
    ``run_failed``, ``run_expired``, ``max_tokens``, ``content_filter``)."""

    id: str
    thread_id: str
    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]
    created_at: int
    status: Literal["in_progress", "incomplete", "completed"] = "completed"
    incomplete_reason: str | None = None
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What the markers in the message's text stand for."""
        return tuple(
            citation
            for part in self.parts
            if isinstance(part, TextPart)
            for citation in part.citations
        )

    @property
    def text(self) -> str:
        """All text of the message, Markdown as the model wrote it."""
        return "\n\n".join(
            part.text for part in self.parts if isinstance(part, TextPart | RefusalPart)
        )


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool in a run step; ``output`` is None until there is one.

    ``failed`` tells that the output is the error of a function, not its result; ``denied``, that
    the user would not have it run. ``found`` is what a file search found, None until it is over,
    for its ``queries`` where the server tells them; ``images`` are the files that a code
    interpreter drew.
    """

    id: str
    kind: Literal["function", "file_search", "code_interpreter"]
    name: str
    arguments: str = ""
    output: str | None = None
    failed: bool = False
    denied: bool = False
    found: tuple[FoundFile, ...] | None = None
    queries: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolStep:
    """A run step of tool calls: a row in the transcript."""

    id: str
    run_id: str
    calls: tuple[ToolCall, ...]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]
    created_at: int
    ended_at: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a run, summed over its model calls."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of an assistant on a thread; ``error`` is why it failed."""

    id: str
    thread_id: str
    assistant_id: str
    status: RunStatus
    model: str
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    expires_at: int | None = None
    usage: Usage | None = None
    error: str | None = None
    incomplete_reason: str | None = None

    @property
    def active(self) -> bool:
        return self.status in ACTIVE_STATUSES


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread opened: its newest messages and tool rows in their order, oldest first.

    ``older`` tells that there are earlier messages (``Threads.open(..., before=...)`` brings them);
    ``last_run`` is the newest run, so that a failure can be said again after a restart.
    """

    thread: Thread
    items: tuple[Message | ToolStep | Thought, ...]
    older: bool = False
    last_run: Run | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A function call that waits for the user.

    ``arguments`` is exactly what the model wrote and what would run; ``canonical`` is the same as
    sorted, indented JSON, or None when it is not valid JSON (then it cannot be run). ``runs_here``
    tells that a Python function of that name is in the user's functions folder; without one, the
    user gives the result by hand. ``fingerprint`` binds a decision to tool and arguments.
    """

    run_id: str
    thread_id: str
    call_id: str
    tool: str
    description: str
    arguments: str
    canonical: str | None
    runs_here: bool
    origin: str
    fingerprint: str
    position: int = 1
    of: int = 1
    expires_at: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approve:
    """Run the function once, as shown."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Hand this text to the model as the function's result."""

    fingerprint: str
    output: str


@dataclass(frozen=True, slots=True)
class Deny:
    """Do not run it; the model is told, with the user's reason if there is one."""

    reason: str = ""


Decision = Approve | Answer | Deny


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The connection as the header shows it.

    ``label`` is short ("rehearsal", "ollama", a host); ``note`` is one sentence when there is
    something to know ("No model is connected: ...").
    """

    name: str
    label: str
    ready: bool
    default_model: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """A function found in the user's functions folder, ready to be given to an assistant."""

    tool: FunctionTool
    path: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the settings file says, with defaults; see ``services/local/settings.py``."""

    theme: str = "understudy-dark"
    theme_chosen: bool = False
    """Whether the user said so; else a light terminal gets a light theme."""
    model_titles: bool = True
    """Whether the model names threads after its first answer."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    notify: Notify = "auto"
    """How to tell what happens while the terminal is not in front."""
    title: bool = True
    """Whether the terminal's title says how things stand."""
    plain: bool = False
    """Whether the app starts as lines of text, for screen readers."""
    marks: Marks = "auto"
    """The signs that frames and marks are drawn with."""
    problems: tuple[str, ...] = ()
