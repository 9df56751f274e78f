"""A run as it is told: the answer in sentences, everything else as a line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from services.events import (
    ApprovalNeeded,
    MessageEnded,
    MessageStarted,
    ReasoningAdded,
    RunChanged,
    RunEnded,
    RunEvent,
    StepChanged,
    TextAdded,
)
from services.records import ApprovalRequest, Message, Run, ToolCall, ToolStep, Usage
from tui.plain.voice import Voice
from tui.text import safe_line


class Session(Protocol):
    """What is needed of a run."""

    thread_id: str
    assistant_id: str

    @property
    def pending(self) -> tuple[ApprovalRequest, ...]: ...

    def watch(self) -> AsyncIterator[RunEvent]: ...


Outcome = Literal["ended", "later"]
Ask = Callable[[ApprovalRequest], Awaitable[bool]]
"""Has a call decided; False when it is to wait."""


@dataclass(slots=True)
class Told:
    """What was said of a thread's runs, so that looking at one again repeats nothing."""

    text: dict[str, int] = field(default_factory=dict)
    """Characters said of each answer."""
    ended: set[str] = field(default_factory=set)
    calls: set[tuple[str, str]] = field(default_factory=set)


class Follower:
    def __init__(self, voice: Voice, ask: Ask, file_names: Mapping[str, str]) -> None:
        """``file_names`` by id, as they become known."""
        self._voice = voice
        self._file_names = file_names
        self._ask = ask
        self.told = Told()

    async def follow(self, session: Session, names: Mapping[str, str]) -> Outcome:
        """Tell the run until it ended, or until a decision is put off.

        Raises:
            ServiceError: the run cannot be followed.
        """
        name = safe_line(names.get(session.assistant_id, ""), 60) or "Answer"
        at: dict[str, int] = {}
        thinking = False
        async for event in session.watch():
            match event:
                case ReasoningAdded() if not thinking:
                    thinking = True
                    self._voice.line("Thinking.")
                case MessageStarted(message) if message.id not in self.told.text:
                    self.told.text[message.id] = 0
                    self._voice.line(f"{name}:")
                case TextAdded(message_id, text):
                    at[message_id] = at.get(message_id, 0) + len(text)
                    self._more(message_id, text, at[message_id])
                case MessageEnded(message):
                    self._whole(message, name)
                case StepChanged(step):
                    self._step(step)
                case ApprovalNeeded(requests):
                    for request in requests:
                        if request in session.pending and not await self._ask(request):
                            return "later"
                case RunChanged(run) if run.status == "cancelling":
                    self._voice.line("Stopping.")
                case RunEnded(run, sentence):
                    self._end(run, sentence)
                    return "ended"
                case _:
                    pass
        return "ended"

    def _more(self, message_id: str, text: str, end: int) -> None:
        said = self.told.text.get(message_id, 0)
        if end > said:
            self._voice.add(text[-(end - said) :])
            self.told.text[message_id] = end

    def _whole(self, message: Message, name: str) -> None:
        if message.id in self.told.ended:
            return
        self.told.ended.add(message.id)
        if message.id not in self.told.text:
            self._voice.line(f"{name}:")
            self.told.text[message.id] = 0
        rest = message.text[self.told.text[message.id] :]
        if rest:
            self._voice.add(rest)
        self.told.text[message.id] = len(message.text)
        self._voice.finish()
        for line in sources(message, self._file_names):
            self._voice.line(line)

    def _step(self, step: ToolStep) -> None:
        for call in step.calls:
            if call.name and (call.id, "began") not in self.told.calls:
                self.told.calls.add((call.id, "began"))
                self._voice.line(f"Calling {call_name(call)}.")
            over = step.status != "in_progress" or call.output is not None
            if over and (call.id, "over") not in self.told.calls:
                self.told.calls.add((call.id, "over"))
                name = call_name(call)
                self._voice.line(f"{name[:1].upper()}{name[1:]} {_outcome(step, call)}.")

    def _end(self, run: Run, sentence: str) -> None:
        self._voice.finish()
        if run.status == "completed":
            self._voice.line(f"End of the answer.{_tokens(run.usage)}")
        elif run.status == "cancelled":
            self._voice.line("Stopped. What was written is kept; /again runs it again.")
        else:
            said = sentence or run.error or f"The run ended as {run.status}."
            self._voice.line(f"{said.rstrip()} /again runs it again.")


def call_name(call: ToolCall) -> str:
    match call.kind:
        case "file_search":
            return "file search"
        case "code_interpreter":
            return "the code interpreter"
        case _:
            return f"function {safe_line(call.name, 80)}"


def _outcome(step: ToolStep, call: ToolCall) -> str:
    if call.denied:
        return "was denied"
    if call.failed or step.status == "failed":
        return f"failed: {safe_line(call.output or step.error or '', 200)}".rstrip(": ")
    if step.status in ("cancelled", "expired"):
        return "was stopped"
    if call.found is not None:
        return f"found {len(call.found)} {'file' if len(call.found) == 1 else 'files'}"
    if call.kind == "function" and call.output:
        return f"gave back: {safe_line(call.output, 200)}"
    return "is done"


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return ""
    return f" {usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out."


def sources(message: Message, names: Mapping[str, str]) -> list[str]:
    """A line for each file that the answer cites, by name where that is known."""
    cited = dict.fromkeys(each.file_id for each in message.citations if each.file_id)
    return [
        f"Source {at}: {safe_line(names.get(file_id, file_id), 100)}."
        for at, file_id in enumerate(cited, start=1)
    ]
