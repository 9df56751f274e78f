"""``understudy ask``: one question without a screen, the answer on stdout, talk on stderr.

Nobody can be asked for a decision here, so every function call is denied unless it was allowed by
name beforehand.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, TextIO

from services.events import (
    ApprovalNeeded,
    MessageEnded,
    MessageStarted,
    RunEnded,
    RunEvent,
    StepChanged,
    TextAdded,
)
from services.log import start_log
from services.naming import WrongName, choose
from services.records import (
    ApprovalRequest,
    Approve,
    Assistant,
    AssistantDraft,
    Decision,
    Deny,
    Run,
    ServiceError,
    ToolCall,
)

if TYPE_CHECKING:
    from services.session import RunSession
    from services.workspace import Workspace

DONE, FAILED, WRONG_USAGE, DECISION_NEEDED, NO_KEY = 0, 1, 2, 3, 4
INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE

_NOBODY_THERE = "Nobody is there to approve it."
# How the engine words a run that failed because its endpoint wants a key and none is set. The
# wire has no code of its own for it.
_KEY_MISSING = "API key, and none is set"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of whom; ``assistant`` is an id, a name, or the unique beginning of a name."""

    text: str
    assistant: str | None = None
    thread: str | None = None
    allowed_tools: frozenset[str] = frozenset()
    as_json: bool = False


def ask(
    question: Question,
    *,
    connection: str | None = None,
    clean: Callable[[str], str] | None = None,
) -> int:
    """Asks and prints; the exit code. ``clean`` makes text safe where it goes to a terminal."""
    from services.workspace import Workspace

    try:
        workspace = Workspace.at_home(connection)
    except ServiceError as error:
        print(error.sentence, file=sys.stderr)
        return FAILED
    start_log(workspace.log_path.parent)
    if sys.stderr is None:  # closed by whoever started this: nobody wants to hear the talk
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (it lives as long as the process)
    if sys.stdout is None:
        print("The standard output is closed: there is nowhere to answer to.", file=sys.stderr)
        return FAILED
    asker = Asker(workspace, question, Output(sys.stdout, sys.stderr, clean))
    try:
        return asyncio.run(asker.run())
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except _CannotWrite as error:
        _drop_output()
        print(error.sentence, file=sys.stderr)
        return FAILED


def _drop_output() -> None:
    """Without this Python would complain once more when it flushes at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Output:
    """The two streams. What is said of untrusted things is cleaned where a terminal shows it."""

    def __init__(
        self, answer: TextIO, talk: TextIO, clean: Callable[[str], str] | None = None
    ) -> None:
        self._answer = answer
        self._talk = talk
        self._clean_answer = clean if clean and answer.isatty() else _unchanged
        self._clean_talk = clean if clean and talk.isatty() else _unchanged

    def answer(self, text: str) -> None:
        """Raises ``BrokenPipeError`` when nobody reads any more, ``ServiceError`` when the answer
        cannot be written where it should go."""
        try:
            self._answer.write(self._clean_answer(text))
            self._answer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _CannotWrite(
                f"The answer could not be written: {error.strerror or error}. What came of it is "
                "kept in its thread."
            ) from error

    def line(self, text: str) -> None:
        self.answer(f"{text}\n")

    def say(self, sentence: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(self._clean_talk(sentence), file=self._talk, flush=True)


class Asker:
    """One question from beginning to end."""

    def __init__(self, workspace: Workspace, question: Question, output: Output) -> None:
        self._workspace = workspace
        self._question = question
        self._output = output
        self._answer = _AnswerText(output, streams=not question.as_json)
        self._told: set[str] = set()
        self._denied: list[str] = []
        self._thread_id: str | None = None
        self._session: RunSession | None = None
        self._interrupts = 0
        self._stopping: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """The exit code; raises ``BrokenPipeError`` after the run was stopped."""
        main = asyncio.current_task()
        assert main is not None
        run: Run | None = None
        sentence = ""
        code = FAILED
        try:
            with _interrupts(lambda: self._interrupt(main)):
                await self._workspace.open()
                run, sentence = await self._ask()
                code = self._exit_code(run, sentence)
        except (BrokenPipeError, _CannotWrite):
            if self._session is not None:
                with contextlib.suppress(ServiceError):  # it may have ended already
                    await self._session.cancel()
            raise
        except ServiceError as error:
            sentence = error.sentence
            code = NO_KEY if error.status == 401 else FAILED
            code = WRONG_USAGE if isinstance(error, WrongName) else code
        except asyncio.CancelledError:
            if not self._interrupts:
                raise
            main.uncancel()
            code = INTERRUPTED
        finally:
            await self._workspace.close()
        self._report(run, sentence)
        return code

    async def _ask(self) -> tuple[Run, str]:
        thread_id = self._question.thread
        answerer: str | None = None
        if thread_id is not None:
            answerer = (await self._workspace.threads.open(thread_id)).thread.assistant_id
        assistant = await self._assistant(answerer)
        if thread_id is None:
            thread_id = (await self._workspace.threads.create()).id
        self._thread_id = thread_id
        self._output.say(f"Thread {thread_id}, assistant {assistant.name or assistant.id}")
        session = await self._workspace.runs.send(thread_id, assistant.id, self._question.text)
        self._session = session
        async for event in session.watch():
            if isinstance(event, RunEnded):
                self._answer.finish()
                return event.run, event.sentence
            await self._take(event, session)
        raise ServiceError(
            f"The run ended without saying how. Its messages are kept in thread {thread_id}."
        )

    async def _assistant(self, answerer: str | None) -> Assistant:
        assistants = await self._workspace.assistants.list()
        if self._question.assistant is not None:
            return choose(assistants, self._question.assistant)
        if not assistants:
            model = self._workspace.connection.default_model
            return await self._workspace.assistants.create(AssistantDraft("Assistant", model))
        for assistant in assistants:
            if assistant.id == answerer:
                return assistant
        return assistants[0]

    async def _take(self, event: RunEvent, session: RunSession) -> None:
        match event:
            case MessageStarted():
                self._answer.begin()
            case TextAdded(text=text):
                self._answer.add(text)
            case MessageEnded(message=message):
                self._answer.end(message.text)
            case StepChanged(step=step):
                for call in step.calls:
                    self._tell(call)
            case ApprovalNeeded(requests=requests):
                for request in requests:
                    await session.decide(request.call_id, self._decide(request))
            case _:
                pass

    def _tell(self, call: ToolCall) -> None:
        if call.id not in self._told and call.name:
            self._told.add(call.id)
            self._output.say(f"Tool call: {call.name}({_on_one_line(call.arguments)})")

    def _decide(self, request: ApprovalRequest) -> Decision:
        allowed = request.tool in self._question.allowed_tools
        if allowed and request.runs_here and request.canonical is not None:
            self._output.say(f"Running {request.tool}, as --allow-tool says.")
            return Approve(request.fingerprint)
        self._denied.append(request.tool)
        why = _NOBODY_THERE
        if allowed and not request.runs_here:
            why = "There is no function of that name in the functions folder."
        elif allowed:
            why = "Its arguments are not valid JSON."
        self._output.say(
            f"Denied: {request.tool}({_on_one_line(request.arguments)}). {why}"
            + ("" if allowed else f" To let it run, add --allow-tool {request.tool}")
        )
        return Deny(why)

    def _interrupt(self, main: asyncio.Task[object]) -> None:
        """Once stops the run, and what it wrote is kept; twice leaves at once."""
        self._interrupts += 1
        if self._session is not None and self._interrupts == 1:
            self._output.say("Stopping the run; what it has written is kept.")
            self._stopping = asyncio.create_task(self._stop(self._session, main))
        else:
            main.cancel()

    async def _stop(self, session: RunSession, main: asyncio.Task[object]) -> None:
        try:
            await session.cancel()
        except ServiceError as error:
            self._output.say(error.sentence)
            main.cancel()

    def _exit_code(self, run: Run, sentence: str) -> int:
        if self._interrupts:
            return INTERRUPTED
        if run.status == "completed":
            return DECISION_NEEDED if self._denied else DONE
        if _KEY_MISSING in sentence or _KEY_MISSING in (run.error or ""):
            return NO_KEY
        return FAILED

    def _report(self, run: Run | None, sentence: str) -> None:
        if run is not None and run.status == "cancelled" and not sentence:
            sentence = f"The run was stopped; its messages are kept in thread {self._thread_id}."
        if sentence:
            self._output.say(sentence)
        if not self._question.as_json:
            return
        self._output.line(
            json.dumps(
                {
                    "thread_id": self._thread_id,
                    "run_id": run.id if run else None,
                    "status": run.status if run else "failed",
                    "answer": self._answer.text,
                    "usage": asdict(run.usage) if run and run.usage else None,
                    "denied_tools": self._denied,
                    "error": sentence or None,
                },
                # A terminal may be reading: escapes beat control characters.
                ensure_ascii=True,
            )
        )


@dataclass
class _AnswerText:
    """Puts the messages of a run together, streaming them as they come."""

    output: Output
    streams: bool
    messages: list[str] = field(default_factory=list)
    current: str = ""
    last: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join([*self.messages, *([self.current] if self.current else [])])

    def begin(self) -> None:
        if self.current:
            self.end(self.current)

    def add(self, text: str) -> None:
        if not self.current and self.messages:
            self._print("\n" if self.last.endswith("\n") else "\n\n")
        self.current += text
        self._print(text)

    def end(self, final: str) -> None:
        """``final`` is what was stored; usually exactly what was streamed."""
        if final.startswith(self.current):
            rest = final[len(self.current) :]
            if rest:
                self.add(rest)
        if final or self.current:
            self.messages.append(final or self.current)
        self.current = ""

    def finish(self) -> None:
        if self.current:
            self.end(self.current)
        if self.last and not self.last.endswith("\n"):
            self._print("\n")

    def _print(self, text: str) -> None:
        self.last = text or self.last
        if self.streams:
            self.output.answer(text)


class _CannotWrite(ServiceError):
    """The place where the answer should go takes no more."""


def _on_one_line(arguments: str) -> str:
    line = " ".join(arguments.split())
    return line if len(line) <= 200 else f"{line[:200]}…"


def _unchanged(text: str) -> str:
    return text


@contextlib.contextmanager
def _interrupts(handler: Callable[[], None]) -> Iterator[None]:
    """Ctrl+C and a polite kill call ``handler`` within."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
