"""What a run tells the screen, as typed events.

A session (``services.runs.RunSession``) yields these in order, and ends after ``RunEnded``. A
watcher that arrives late first gets the events that rebuild what is there so far.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.records import ApprovalRequest, Citation, Message, Run, Thought, ToolStep, Usage


@dataclass(frozen=True, slots=True, eq=False)
class RunStarted:
    """The server has the run; the first event of every session."""

    run: Run


@dataclass(frozen=True, slots=True, eq=False)
class RunChanged:
    """The run's state changed without ending (``in_progress``, ``cancelling``, ...)."""

    run: Run


@dataclass(frozen=True, slots=True, eq=False)
class MessageStarted:
    """An answer begins; its text follows as ``TextAdded``."""

    message: Message


@dataclass(frozen=True, slots=True, eq=False)
class TextAdded:
    """More text of an answer that has started."""

    message_id: str
    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReasoningAdded:
    """More of what the model thinks before it answers or calls tools."""

    thought_id: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class ReasoningEnded:
    """The model has thought; ``thought`` is the whole of it."""

    thought: Thought


@dataclass(frozen=True, slots=True, eq=False)
class MessageEnded:
    """The answer is final; ``message`` is what is stored (replaces what was streamed)."""

    message: Message


@dataclass(frozen=True, slots=True, eq=False)
class StepChanged:
    """A step of tool calls appeared, grew or ended; always the whole step."""

    step: ToolStep


@dataclass(frozen=True, slots=True, eq=False)
class ApprovalNeeded:
    """The run stands still until each of these calls is decided (``RunSession.decide``)."""

    requests: tuple[ApprovalRequest, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ApprovalSettled:
    """One call is decided, or nobody can decide it any more (the run ended)."""

    call_id: str


@dataclass(frozen=True, slots=True, eq=False)
class UsageReported:
    """The tokens of the whole run, just before its end."""

    usage: Usage


@dataclass(frozen=True, slots=True, eq=False)
class RunEnded:
    """The run reached its one end state. ``sentence`` explains it unless it completed."""

    run: Run
    sentence: str = ""


RunEvent = (
    RunStarted
    | RunChanged
    | MessageStarted
    | TextAdded
    | ReasoningAdded
    | ReasoningEnded
    | MessageEnded
    | StepChanged
    | ApprovalNeeded
    | ApprovalSettled
    | UsageReported
    | RunEnded
)
