"""The run loop: call the model, carry out what it asks for, until it answers or must wait.

The loop is never cancelled from outside: ``stop`` asks it to end, and it ends the run in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

from sqlalchemy.exc import IntegrityError

from services.engine.errors import ApiError
from services.engine.models.base import (
    Finished,
    Model,
    ModelError,
    ModelRequest,
    ModelUsage,
)
from services.engine.models.catalogue import Catalogue, Resolved
from services.engine.models.estimates import BYTES_A_TOKEN, prompt_tokens
from services.engine.retrieval.indexer import Indexer
from services.engine.runs.calls import ask_client, carry_out, complete_step
from services.engine.runs.context import DEFAULT_PROMPT_TOKENS, prompt_for, smaller_window
from services.engine.runs.ending import Announcement, Ending, end_run
from services.engine.runs.feed import Feed
from services.engine.runs.limits import MAX_ANSWER_CHARACTERS, cut
from services.engine.runs.pump import Pump
from services.engine.runs.request_log import RequestLog
from services.engine.runs.turn import Turn
from services.engine.runs.usage import add, from_object
from services.engine.store import runs
from services.engine.store.contents import Contents
from services.engine.store.database import Database
from services.engine.store.failures import run_sentence
from services.engine.store.tables import ACTIVE_STATUSES
from services.engine.tools.base import ToolUnusable
from services.engine.tools.toolbox import Toolbox, open_toolbox

log = logging.getLogger(__name__)

T = TypeVar("T")
StopReason = Literal["cancelled", "expired", "shutdown"]

# Model calls in a row that the engine answers by itself, before it gives up on the model.
MAX_TURNS = 16
# How long to wait before a run's end that could not be written is tried again.
RETRY_SECONDS = 2.0


class RunLoop:
    """Carries out a stretch of a run, from its start (or tool outputs) to an end or a wait."""

    def __init__(
        self,
        database: Database,
        model: Model,
        catalogue: Catalogue,
        contents: Contents,
        indexer: Indexer,
        requests: RequestLog,
        run: Mapping[str, Any],
        feed: Feed,
    ):
        self._database = database
        self._model = model
        self._catalogue = catalogue
        self._contents = contents
        self._indexer = indexer
        self._requests = requests
        self._run = run
        self._feed = feed
        self._resolving: asyncio.Task[Resolved] | None = None
        self._pump: Pump | None = None
        self._turn: Turn | None = None
        self._stopped: StopReason | None = None
        self._stopping = asyncio.Event()
        self._toolbox = Toolbox()
        self._ordinal = 0
        self._begun = False
        self._usage = ModelUsage()
        self._window = DEFAULT_PROMPT_TOKENS

    @property
    def thread_id(self) -> str:
        return str(self._run["thread_id"])

    @property
    def run_id(self) -> str:
        return str(self._run["id"])

    @property
    def feed(self) -> Feed:
        return self._feed

    def stop(self, reason: StopReason) -> bool:
        """Ends the run as soon as the loop gets to it; the first reason counts, and is True."""
        if self._stopped is not None:
            return False
        self._stopped = reason
        self._stopping.set()
        if self._resolving is not None:
            self._resolving.cancel()
        if self._pump is not None:
            self._pump.stop()
        return True

    async def work(self) -> None:
        """Runs to the end of the stretch. Never raises: what goes wrong ends the run."""
        try:
            await self._work()
        except Exception as error:
            await self._fail(error)
        finally:
            self._feed.close()

    async def _fail(self, error: Exception) -> None:
        """Ends a run that met an error, of the model or of our own."""
        if isinstance(error, ModelError):
            ending = Ending("failed", error=(error.code, error.message))
        elif isinstance(error, ToolUnusable | ApiError):
            # The latter: the thread was deleted just as the run began.
            ending = Ending("failed", error=("server_error", str(error)))
        else:
            gone = isinstance(error, IntegrityError) and "FOREIGN KEY" in str(error.orig)
            said = "Its thread was deleted." if gone else run_sentence(error)
            log.error("run %s failed: %s", self.run_id, said, exc_info=None if said else error)
            said = said or "The engine failed during this run; its log says why."
            ending = Ending("failed", error=("server_error", said))
        while True:
            try:
                await self._end(ending)
                return
            except Exception as failure:
                said = run_sentence(failure)
                if not self._feed.closed:
                    log.error(
                        "run %s could not be ended yet: %s",
                        self.run_id,
                        said,
                        exc_info=None if said else failure,
                    )
            # What was written is only here as long as it cannot be stored: keep it, and try.
            said = said or "The engine failed during this run; its log says why."
            self._feed.publish("error", ApiError(said, status=500).envelope())
            self._feed.close()
            if self._stopped == "shutdown":
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._stopping.wait()
            if self._stopped is not None:
                ending = self._stop_ending()
                self._stopping.clear()

    async def _work(self) -> None:
        if self._run["started_at"] is not None:
            async with self._database.read() as connection:
                self._usage = from_object(await runs.usage_so_far(connection, self.run_id))
        self._toolbox = await open_toolbox(
            self._database, self._indexer, self._run, window=self._window
        )
        if self._toolbox.has_built_in and not await self._ready():
            await self._end(self._stop_ending())
            return
        for _ in range(MAX_TURNS):
            if not await self._take_turn():
                return
        await self._end(
            Ending(
                "failed",
                error=("server_error", f"The model asked for tools {MAX_TURNS} times in a row."),
            )
        )

    async def _ready(self) -> bool:
        """Whether the built-in tools can be used; False if the run was stopped meanwhile."""
        if self._stopped is not None or not await self._begin():
            return False
        await self._unless_stopped(self._toolbox.prepare())
        return self._stopped is None

    async def _take_turn(self) -> bool:
        """One model call; True when the model should be called again."""
        resolved = await self._resolve()
        if resolved is None:
            await self._end(self._stop_ending())
            return False
        left, window = self._completion_tokens_left(), self._prompt_tokens()
        if left is not None and left <= 0:
            await self._end(Ending("incomplete", reason="max_completion_tokens"))
            return False
        if window <= 0:
            await self._end(Ending("incomplete", reason="max_prompt_tokens"))
            return False
        async with self._database.read() as connection:
            prompt = await prompt_for(
                connection,
                self._contents,
                self._run,
                self._toolbox,
                resolved.name,
                completion_tokens_left=left,
                prompt_tokens=window,
            )
        request, self._ordinal = prompt.request, prompt.ordinal
        turn = self._turn = Turn(
            self._database, self._run, self._feed, self._toolbox, prompt.citations
        )
        note = self._requests.note(self.run_id, resolved.name)
        # The model is asked before the run is marked: the two waits are one.
        pump = self._pump = Pump(self._model.stream(replace(request, sent=note.sent)))
        finished: Finished | None = None
        try:
            if self._stopped is not None or not await self._begin():
                pump.stop()
            finished = await self._listen(pump, turn, request)
        except ModelError as error:
            if turn.begun or not self._shorten(error, request):
                raise
            return True
        finally:
            self._pump = None
            pump.stop()
            note.close(finished.usage if finished else None)
            await turn.close()
        if self._stopped is not None:
            await self._end(self._stop_ending())
            return False
        if finished is None:
            raise ModelError("The model's answer broke off before its end.")
        self._usage = add(self._usage, finished.usage)
        return await self._after(turn, finished)

    async def _resolve(self) -> Resolved | None:
        """The model to ask; None if the run was stopped while its endpoint was asked for names."""
        if self._stopped is not None:
            return None
        # Mostly it is known, and another turn of the event loop on the way would be felt.
        if (known := self._catalogue.known(self._run["model"])) is not None:
            return known
        resolving = asyncio.create_task(self._catalogue.resolve(self._run["model"]))
        self._resolving = resolving
        await asyncio.wait({resolving})
        return None if resolving.cancelled() else resolving.result()

    async def _begin(self) -> bool:
        """Marks the run as in progress, once; False if it was cancelled before it began."""
        if self._begun:
            return True
        fields: dict[str, Any] = {"status": "in_progress"}
        if self._run["started_at"] is None:
            fields["started_at"] = int(time.time())
        async with self._database.write(durable=False) as connection:
            run = await runs.change(connection, self.run_id, fields, when=("queued",))
        if run is None:
            self.stop("cancelled")
            return False
        self._begun = True
        self._run = run
        self._feed.publish("thread.run.in_progress", run)
        return True

    async def _listen(self, pump: Pump, turn: Turn, request: ModelRequest) -> Finished | None:
        """Takes the model's events; its last word, or None if there was none."""
        async for event in pump:
            if isinstance(event, Finished):
                return event
            room = MAX_ANSWER_CHARACTERS - turn.characters
            await turn.take(cut(event, room))
            if turn.characters >= MAX_ANSWER_CHARACTERS:
                written = -(-turn.characters // BYTES_A_TOKEN)
                return Finished(
                    "length", ModelUsage(prompt_tokens(request), written, estimated=True)
                )
        return None

    async def _after(self, turn: Turn, finished: Finished) -> bool:
        if finished.reason == "length":
            await turn.ensure_message()
            await self._end(Ending("incomplete", reason="max_completion_tokens"), finished.usage)
        elif finished.reason == "content_filter":
            await turn.ensure_message()
            await self._end(Ending("incomplete", reason="content_filter"), finished.usage)
        elif turn.calls:
            return await self._calls(turn, finished.usage)
        else:
            await turn.ensure_message()
            await self._end(Ending("completed"), finished.usage)
        return False

    async def _calls(self, turn: Turn, usage: ModelUsage) -> bool:
        """Waits for the client's outputs; True if the engine could answer every call itself."""
        calls = await self._unless_stopped(carry_out(turn, self._toolbox, self._ordinal))
        if calls is None:
            await self._end(self._stop_ending(), usage)
            return False
        if not calls.waiting:
            step = await complete_step(self._database, turn, calls, usage, self._usage)
            if step is not None:
                self._feed.publish("thread.run.step.completed", step)
            return True
        run = await ask_client(self._database, turn, calls, usage, self._usage)
        if run is not None:
            self._feed.publish("thread.run.requires_action", run)
        else:
            await self._end(self._stop_ending(), usage)
        return False

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What ``work`` comes to; None if the run was stopped first, and it with it."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() and self._stopped is None else None
        finally:
            for each in (task, stopping):
                each.cancel()
            await asyncio.wait({task, stopping})

    async def _end(self, ending: Ending, turn_usage: ModelUsage | None = None) -> None:
        turn = self._turn
        in_flight = turn.in_flight(turn_usage, self._usage) if turn else None
        # An answer's end must not overrule a cancellation that was acknowledged already.
        mild = ending.status in ("completed", "incomplete")
        announcements = await end_run(
            self._database,
            self.run_id,
            ending,
            in_flight,
            when=("queued", "in_progress") if mild else ACTIVE_STATUSES,
        )
        if announcements is None and mild:
            announcements = await end_run(
                self._database, self.run_id, self._stop_ending(), in_flight
            )
        if announcements is None:
            announcements = [await self._ended_elsewhere()]
        for event, data in announcements:
            self._feed.publish(event, data)

    async def _ended_elsewhere(self) -> Announcement:
        """Another process was faster: how it ended the run, or that the run is gone."""
        async with self._database.read() as connection:
            try:
                run = await runs.get(connection, self.thread_id, self.run_id)
            except ApiError as error:
                return "error", error.envelope()
        return f"thread.run.{run['status']}", run

    def _stop_ending(self) -> Ending:
        if self._stopped == "expired":
            return Ending("expired")
        if self._stopped == "shutdown":
            return Ending(
                "failed", error=("server_error", "Understudy was closed during this run.")
            )
        return Ending("cancelled")

    def _completion_tokens_left(self) -> int | None:
        most = self._run["max_completion_tokens"]
        return None if most is None else int(most) - self._usage.completion_tokens

    def _prompt_tokens(self) -> int:
        """What the next prompt may come to: the run's own limit, and what the model can take."""
        most = self._run["max_prompt_tokens"]
        left = self._window if most is None else int(most) - self._usage.prompt_tokens
        return min(left, self._window)

    def _shorten(self, error: ModelError, request: ModelRequest) -> bool:
        """After a prompt that was too long for the model: whether a shorter one can be tried."""
        window = smaller_window(request) if error.code == "invalid_prompt" else None
        if window is None or self._stopped is not None:
            return False
        log.info("run %s: the prompt was too long; leaving older messages out", self.run_id)
        self._window = window
        return True
