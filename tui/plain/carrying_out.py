"""What the commands do, in lines."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from services.records import Assistant, Message, RunStatus, ServiceError, Thread
from tui.plain.commands import Said, help_lines
from tui.plain.follow import sources
from tui.plain.voice import Voice
from tui.text import safe_line

if TYPE_CHECKING:
    from services.session import RunSession
    from services.workspace import Workspace

READ = 2
"""Messages that are read when a thread is opened: the last question and its answer."""
LISTED = 20
"""Threads that are told at once."""
_STATES: Mapping[RunStatus, str] = {
    "queued": ", being answered",
    "in_progress": ", being answered",
    "requires_action": ", waits for your decision",
    "failed": ", its last run failed",
    "expired": ", its last run expired",
}


class Doing:
    """The state of the conversation, and every command on it."""

    def __init__(self, workspace: Workspace, voice: Voice) -> None:
        self.workspace = workspace
        self.voice = voice
        self.ready = False
        self.leaving = False
        self.thread: Thread | None = None
        self.assistants: tuple[Assistant, ...] = ()
        self.to_follow: RunSession | None = None
        """A run to be told once the command is over."""
        self._chosen: str | None = None
        self._listed: tuple[Thread, ...] = ()
        self._named: set[str] = set()
        self._file_names: dict[str, str] = {}
        self._commands: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "app.help": self._help,
            "thread.new": self._new,
            "pane.threads": self._threads,
            "thread.open": self._open,
            "pane.transcript": self._read,
            "find.open": self._find,
            "thread.search": self._search,
            "thread.rename": self._rename,
            "thread.archive": self._archive,
            "thread.delete": self._delete,
            "thread.undo_delete": self._undelete,
            "pane.assistants": self._tell_assistants,
            "assistant.choose": self._use,
            "run.retry": self._again,
            "approval.return": self._decide_now,
            "connection.retry": self._connect_again,
            "app.quit": self._quit,
        }

    async def do(self, said: Said) -> None:
        """Carry a command out. Raises ``ServiceError``."""
        if not self.ready and said.command.id not in ("app.help", "app.quit", "connection.retry"):
            self.voice.line("There is no connection. /connect tries again.")
            return
        await self._commands[said.command.id](said.rest)

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """What fails within is said, and the conversation goes on."""
        try:
            yield
        except ServiceError as error:
            self.voice.line(error.sentence)

    @property
    def session(self) -> RunSession | None:
        """The active run of the thread."""
        if self.thread is None or not self.ready:
            return None
        return self.workspace.runs.session(self.thread.id)

    # Connecting

    async def connect(self) -> None:
        try:
            state = await self.workspace.open()
            self.assistants = await self.workspace.assistants.list()
        except ServiceError as error:
            self.voice.line(f"{error.sentence} /connect tries again.")
            return
        self.ready = True
        self._file_names = self.workspace.files.names
        answering = next(iter(self.assistants), None)
        if answering is not None:
            self.voice.line(
                f"Ready. {_assistant(answering)} answers, with the model "
                f"{safe_line(answering.model, 60)}, over {safe_line(state.label, 60)}."
            )
        for note in (*self.workspace.settings.problems, state.note):
            if note:
                self.voice.line(note)

    async def answering(self) -> Assistant:
        """Who answers the next message. Raises ``ServiceError`` when there is nobody."""
        wanted = self._chosen or (self.thread.assistant_id if self.thread is not None else None)
        for assistant in self.assistants:
            if assistant.id == wanted:
                return assistant
        if not self.assistants:
            raise ServiceError(
                "There is no assistant here. Make one in the full screen: understudy"
            )
        return self.assistants[0]

    def name_of(self, assistant_id: str) -> str:
        return next((_assistant(each) for each in self.assistants if each.id == assistant_id), "")

    # Commands: the app

    async def _help(self, _rest: str) -> None:
        for line in help_lines():
            self.voice.line(line)

    async def _quit(self, _rest: str) -> None:
        self.leaving = True

    async def _connect_again(self, _rest: str) -> None:
        if self.ready:
            self.voice.line("The connection is there.")
        else:
            await self.connect()

    # Commands: threads

    async def _new(self, _rest: str) -> None:
        self.thread = None
        self.voice.line("A new thread. It is kept from its first message on.")

    async def _threads(self, rest: str) -> None:
        listing = self.workspace.threads.listing(query=rest)
        await listing.refresh()
        self._listed = tuple(listing.threads[:LISTED])
        if not self._listed:
            self.voice.line("No such title." if rest else "There are no threads yet.")
            return
        for at, thread in enumerate(self._listed, start=1):
            state = _STATES.get(thread.run_status, "") if thread.run_status else ""
            here = ", the one you are in" if self.thread and thread.id == self.thread.id else ""
            self.voice.line(f"{at}. {_title(thread)}, {_ago(thread.active_at)}{state}{here}.")
        more = " There are more; say some words of the title." if listing.more else ""
        self.voice.line(f"/open and a number goes on in one of them.{more}")

    async def _open(self, rest: str) -> None:
        if not self._listed:
            await self._threads("")
        if not (rest.isdecimal() and 1 <= int(rest) <= len(self._listed)):
            self.voice.line("Say which: /open and its number in the list of /threads.")
            return
        await self.open_thread(self._listed[int(rest) - 1])

    async def open_thread(self, thread: Thread, through: str | None = None) -> None:
        """Go on in this thread: its last messages are read. Raises ``ServiceError``."""
        conversation = await self.workspace.threads.open(thread.id, limit=max(READ, 20))
        self.thread = thread
        self._chosen = None
        messages = [each for each in conversation.items if isinstance(each, Message)]
        count = f"More than {len(messages)}" if conversation.older else f"{len(messages)}"
        self.voice.line(f"Thread: {_title(thread)}. {count} message{'' if count == '1' else 's'}.")
        self._read_out(messages[-READ:])
        # A run on its way is told from here on; one that waits for a decision asks for it.
        self.to_follow = await self.workspace.runs.resume(thread.id)

    async def _read(self, rest: str) -> None:
        count = int(rest) if rest.isdecimal() and rest.isascii() and int(rest) > 0 else READ
        messages = await self._messages(min(count, 100))
        self._read_out(messages[-count:])

    async def _find(self, rest: str) -> None:
        if not rest:
            self.voice.line("Say what to look for: /find and some words.")
            return
        found = [
            each for each in await self._messages(100) if rest.casefold() in each.text.casefold()
        ]
        self._read_out(found)
        self.voice.line(f"{len(found)} of the last 100 messages hold it." if found else "No match.")

    async def _messages(self, limit: int) -> list[Message]:
        if self.thread is None:
            return []
        conversation = await self.workspace.threads.open(self.thread.id, limit=limit)
        return [each for each in conversation.items if isinstance(each, Message)]

    def _read_out(self, messages: list[Message]) -> None:
        if not messages:
            self.voice.line("There is nothing to read.")
        for message in messages:
            who = "You" if message.role == "user" else self.name_of(message.assistant_id or "")
            self.voice.line(f"{who or 'Answer'}, {_ago(message.created_at)}:")
            self.voice.line(message.text)
            for line in sources(message, self._file_names):
                self.voice.line(line)

    async def _search(self, rest: str) -> None:
        if not rest:
            self.voice.line("Say what to look for: /search and some words.")
            return
        hits = (await self.workspace.threads.search(rest))[:LISTED]
        threads = dict.fromkeys(hit.thread_id for hit in hits)
        self._listed = tuple([await self.workspace.threads.get(id) for id in threads])
        numbers = {id: at for at, id in enumerate(threads, start=1)}
        for hit in hits:
            title = safe_line(hit.thread_title, 100) or "New thread"
            self.voice.line(f"{numbers[hit.thread_id]}. {title}: {safe_line(hit.snippet, 300)}")
        self.voice.line("/open and a number goes there." if hits else "Nothing was found.")

    def _need_thread(self) -> Thread:
        if self.thread is None:
            raise ServiceError("This thread begins with its first message; there is none yet.")
        return self.thread

    async def _rename(self, rest: str) -> None:
        thread = self._need_thread()
        if not rest:
            self.voice.line("Say how: /rename and the title.")
            return
        self.thread = await self.workspace.threads.rename(thread.id, rest)
        self.voice.line(f"The thread is called {_title(self.thread)}.")

    async def _archive(self, _rest: str) -> None:
        thread = self._need_thread()
        await self.workspace.threads.archive(thread.id)
        self.thread = None
        self.voice.line(f"{_title(thread)} was put away. You are in a new thread.")

    async def _delete(self, _rest: str) -> None:
        thread = self._need_thread()
        await self.workspace.deletions.delete(thread)
        self.thread = None
        self.voice.line(
            f"{_title(thread)} was deleted. /undelete brings it back within 20 seconds. "
            "You are in a new thread."
        )

    async def _undelete(self, _rest: str) -> None:
        thread = await self.workspace.deletions.undo()
        if thread is None:
            self.voice.line("There is nothing to bring back.")
        else:
            self.voice.line(f"{_title(thread)} is back.")
            await self.open_thread(thread)

    async def name_thread(self) -> None:
        """After the first answer: as the full screen does, once. A title is never waited for in
        vain: without one the first message goes on naming the thread."""
        thread = self.thread
        if thread is None or thread.id in self._named:
            return
        self._named.add(thread.id)
        if self.workspace.settings.model_titles and not thread.titled:
            with contextlib.suppress(ServiceError):  # the engine's log has it
                await self.workspace.threads.make_title(thread.id)
        with contextlib.suppress(ServiceError):
            self.thread = await self.workspace.threads.get(thread.id)

    # Commands: assistants and runs

    async def _tell_assistants(self, _rest: str) -> None:
        self.assistants = await self.workspace.assistants.list()
        answering = await self.answering()
        for at, each in enumerate(self.assistants, start=1):
            here = ", who answers now" if each.id == answering.id else ""
            self.voice.line(f"{at}. {_assistant(each)}, model {safe_line(each.model, 60)}{here}.")
        self.voice.line("/use and a number or a name has another one answer.")

    async def _use(self, rest: str) -> None:
        found = [
            each
            for at, each in enumerate(self.assistants, start=1)
            if rest and (rest == str(at) or _assistant(each).casefold().startswith(rest.casefold()))
        ]
        if len(found) != 1:
            self.voice.line("Say who: /use and a number or a name of /assistants.")
            return
        self._chosen = found[0].id
        self.voice.line(f"{_assistant(found[0])} answers the next message.")

    async def _again(self, _rest: str) -> None:
        thread = self._need_thread()
        if self.session is not None:
            self.voice.line("An answer is still being written.")
            return
        assistant = await self.answering()
        self.to_follow = await self.workspace.runs.start(thread.id, assistant.id)
        self.voice.line("Running it again.")

    async def _decide_now(self, _rest: str) -> None:
        session = self.session
        if session is None or not session.pending:
            self.voice.line("No function call of this thread waits for a decision.")
        else:
            self.to_follow = session


def _title(thread: Thread) -> str:
    return safe_line(thread.title, 100) or "New thread"


def _assistant(assistant: Assistant) -> str:
    return safe_line(assistant.name, 100) or safe_line(assistant.model, 100) or "Unnamed"


def _ago(seconds: float) -> str:
    """How long ago, in words; ``seconds`` since the epoch."""
    passed = max(0, int(time.time() - seconds))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if passed >= size:
            count = passed // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
