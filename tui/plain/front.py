"""The conversation as lines: a prompt, a message, an answer; commands by word."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from services.records import (
    ApprovalRequest,
    Outgoing,
    RunNotStarted,
    ServiceError,
)
from tui.plain import decision
from tui.plain.carrying_out import Doing
from tui.plain.commands import understood
from tui.plain.follow import Follower, Session
from tui.plain.reader import Reader, keyboard
from tui.plain.voice import Voice

if TYPE_CHECKING:
    from services.workspace import Workspace

INTERRUPTED_BY = (signal.SIGTERM, signal.SIGHUP)
REMEMBERED = 200
"""Messages that the up arrow goes back to."""


def run_plain(workspace: Workspace, *, thread_id: str | None = None, resume: bool = False) -> int:
    """Runs until the user leaves; the exit code."""
    reader = keyboard()
    front = PlainFront(workspace, Voice(sys.stdout), reader, thread_id=thread_id, resume=resume)
    try:
        return asyncio.run(front.run())
    finally:
        reader.close()


class PlainFront(Doing):
    """One conversation at a time. Nothing is said while a line is asked for."""

    def __init__(
        self,
        workspace: Workspace,
        voice: Voice,
        reader: Reader,
        *,
        thread_id: str | None = None,
        resume: bool = False,
    ) -> None:
        super().__init__(workspace, voice)
        self._reader = reader
        self._first = thread_id
        self._resume = resume
        self._follower = Follower(voice, self._decide, self._file_names)
        self._session: Session | None = None
        self._listening = False

    async def run(self) -> int:
        """Until ``/quit``, the end of the input, or a signal; the exit code."""
        main = asyncio.current_task()
        assert main is not None
        ended_by: list[signal.Signals] = []

        def end(number: signal.Signals) -> None:
            ended_by.append(number)
            main.cancel()

        self.voice.line("Understudy as lines of text. Connecting.")
        try:
            with self._signals(end):
                await self.connect()
                await self._begin()
                await self._converse()
        except asyncio.CancelledError:
            if not ended_by:
                raise
            main.uncancel()
            return 128 + ended_by[0]
        finally:
            self.voice.finish()
            with contextlib.suppress(ServiceError):  # the program leaves: nobody can act on it
                await self.workspace.close()
        self.voice.line("Goodbye. What was sent is kept.")
        return 0

    @contextlib.contextmanager
    def _signals(self, end: Callable[[signal.Signals], None]) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGINT, self._interrupted)
            for number in INTERRUPTED_BY:
                loop.add_signal_handler(number, end, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, *INTERRUPTED_BY):
                with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                    loop.remove_signal_handler(number)

    def _interrupted(self) -> None:
        """Ctrl+C stops an answer, and nothing else."""
        if self._session is not None and not self._listening:
            self.voice.line("Stopping; what was written is kept.")
            self._stopping = asyncio.ensure_future(self._stop())
        elif self._session is not None:
            self.voice.line("A decision is asked for. Type stop and Enter to stop the run.")
        else:
            self.voice.line("Nothing is being answered. To leave, type /quit and Enter.")

    async def _stop(self) -> None:
        session = self.session
        if session is not None:
            try:
                await session.cancel()
            except ServiceError as error:
                self.voice.line(error.sentence)

    # Conversing

    async def _begin(self) -> None:
        await self.workspace.writing.open()
        sent = self.workspace.writing.sent[:REMEMBERED]
        self._reader.remember([each.text for each in reversed(sent) if "\n" not in each.text])
        if self.ready and self._first is not None:
            with self.telling():
                await self.open_thread(await self.workspace.threads.get(self._first))
        elif self.ready and self._resume:
            with self.telling():
                for thread in (await self.workspace.threads.list())[:1]:
                    await self.open_thread(thread)
        self.voice.line("Type a message and Enter; a line that ends in a backslash goes on.")
        self.voice.line("/help tells the commands, Ctrl+C stops an answer, /quit leaves.")

    async def _converse(self) -> None:
        while not self.leaving:
            if (text := await self._message()) is None:
                return
            with self.telling():
                if text.startswith("/") and not text.startswith("//"):
                    said = understood(text[1:])
                    if isinstance(said, str):
                        self.voice.line(said)
                    else:
                        await self.do(said)
                elif text.strip():
                    await self._send(text[1:] if text.startswith("//") else text)
                if self.to_follow is not None:
                    session, self.to_follow = self.to_follow, None
                    await self._follow(session)

    async def _message(self) -> str | None:
        """A message, of several lines where they end in a backslash."""
        lines: list[str] = []
        while True:
            line = await self._reader.line("More: " if lines else "You: ")
            if line is None:
                return "\n".join(lines) if lines else None
            if not line.endswith("\\"):
                return "\n".join([*lines, line])
            lines.append(line[:-1])

    async def _send(self, text: str) -> None:
        """Raises ``ServiceError``; the message is in the history then, an arrow up away."""
        if not self.ready:
            await self.connect()
            if not self.ready:
                self.voice.line("Your message was not sent; the up arrow brings it back.")
                return
        if self.session is not None:
            waits = "A function call waits for your decision first: /decide."
            self.voice.line(waits if self.session.pending else "An answer is still being written.")
            return
        assistant = await self.answering()
        self.workspace.writing.remember(Outgoing(text))
        if self.thread is None:
            self.thread = await self.workspace.threads.create()
        try:
            session = await self.workspace.runs.send(self.thread.id, assistant.id, text)
        except RunNotStarted as error:
            self.voice.line(f"{error.sentence} /again runs it.")
            return
        self.voice.line("Sent.")
        await self._follow(session)

    async def _follow(self, session: Session) -> None:
        self._session = session
        try:
            await self._follower.follow(session, {each.id: each.name for each in self.assistants})
        finally:
            self._session = None
            self.voice.finish()
        await self.name_thread()

    # Deciding

    async def _decide(self, request: ApprovalRequest) -> bool:
        """Ask until a word decides; False when the call is to wait."""
        session = self.session
        name = self.name_of(session.assistant_id) if session is not None else ""
        self._tell(request, name)
        self._reader.forget()  # nothing that was typed before the question may answer it
        self._listening = True
        try:
            while session is not None:
                line = await self._reader.line("Decision: ")
                if line is None:
                    self.leaving = True
                    return False
                if request not in session.pending:
                    self.voice.line("That call does not wait for a decision any more.")
                    return True
                choice = decision.chosen(line, request)
                if choice.said:
                    self.voice.line(choice.said)
                if choice.decision is not None:
                    await session.decide(request.call_id, choice.decision)
                    return True
                match choice.what:
                    case "later":
                        return False
                    case "stop":
                        await session.cancel()
                        return True
                    case "repeat":
                        self._tell(request, name)
                    case _:
                        self.voice.line(decision.choices(request))
        finally:
            self._listening = False
        return True

    def _tell(self, request: ApprovalRequest, name: str) -> None:
        for line in (*decision.told(request, name), decision.choices(request)):
            self.voice.line(line)
