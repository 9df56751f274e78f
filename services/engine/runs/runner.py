"""All runs of this engine: starting, stopping, continuing, and ending what nobody carries on.

A run belongs to the engine, not to the request that started it. The runner holds the tasks; the
store holds the truth, so that several processes can share one data folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from services.engine.errors import (
    ThreadBusy,
    cannot_cancel,
    outputs_do_not_match,
    outputs_not_accepted,
)
from services.engine.models.connect import Connected
from services.engine.retrieval.indexer import Indexer
from services.engine.runs.ending import Ending, end_run, end_run_within
from services.engine.runs.feed import Feed
from services.engine.runs.loop import RunLoop
from services.engine.runs.request_log import RequestLog
from services.engine.store import runs, steps
from services.engine.store.contents import Contents
from services.engine.store.database import Database
from services.engine.store.failures import store_sentence
from services.engine.store.owners import Owners
from services.engine.store.steps import THE_USUAL, Included

T = TypeVar("T")

log = logging.getLogger(__name__)

LIFETIME_SECONDS = 600
WATCH_SECONDS = 0.5
IDLE_WATCH_SECONDS = 15.0
SHUTDOWN_SECONDS = 5.0
CRASHED = "Understudy stopped during this run. What was written is kept; start a new run to go on."


@dataclass(slots=True)
class _Working:
    loop: RunLoop
    task: asyncio.Task[None]


class Runner:
    """Starts and stops runs. ``open`` before use, ``close`` at the end."""

    def __init__(
        self,
        database: Database,
        owners: Owners,
        connected: Connected,
        contents: Contents,
        indexer: Indexer,
    ):
        self._database = database
        self._owners = owners
        self._connected = connected
        self._contents = contents
        self._indexer = indexer
        self._requests = RequestLog(database, connected.label)
        self._working: dict[str, _Working] = {}
        # Runs that a request has stored, or is about to, and will start in a moment.
        self._expected: set[str] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Ends the runs that a crash left behind and begins to watch time limits."""
        await self._sweep()
        self._watcher = asyncio.create_task(self._watch())

    async def close(self, patience: float = 0.0) -> None:
        """Lets this engine's runs finish for ``patience`` seconds, then ends them, text kept."""
        if patience and (tasks := [working.task for working in self._working.values()]):
            await asyncio.wait(tasks, timeout=patience)
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        for working in self._working.values():
            working.loop.stop("shutdown")
        if tasks := [working.task for working in self._working.values()]:
            await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        await self._requests.close()

    @property
    def owner(self) -> str:
        return self._owners.me

    # --- what requests ask for ----------------------------------------------------------------

    def start(
        self,
        run: Mapping[str, Any],
        announce: Callable[[Feed], None] | None = None,
        *,
        included: Included = THE_USUAL,
    ) -> Feed:
        """Begins to carry out a run that is stored as ``queued``.

        ``included`` is what the request asked for beyond the usual.
        ``announce`` may add listeners and publish what comes before; it is called before anything
        else is announced.
        """
        feed = Feed(included)
        if announce is not None:
            announce(feed)
        loop = RunLoop(
            self._database,
            self._connected.model,
            self._connected.catalogue,
            self._contents,
            self._indexer,
            self._requests,
            run,
            feed,
        )
        task = asyncio.create_task(loop.work(), name=f"run {run['id']}")
        self._working[loop.run_id] = _Working(loop, task)
        task.add_done_callback(lambda _: self._forget(loop))
        self._wake.set()
        return feed

    @contextlib.contextmanager
    def expecting(self, run_id: str) -> Iterator[None]:
        """Around storing and starting a run: what is not started by the end was abandoned."""
        self._expected.add(run_id)
        try:
            yield
        finally:
            self._expected.discard(run_id)

    def _forget(self, loop: RunLoop) -> None:
        # The same run may be at work again already, on outputs that came within the callback.
        working = self._working.get(loop.run_id)
        if working is not None and working.loop is loop:
            del self._working[loop.run_id]

    async def cancel(self, thread_id: str, run_id: str) -> dict[str, Any]:
        """The run as ``cancelling``; raises ``ApiError`` if it ended or is being cancelled."""
        async with self._database.write() as connection:
            before = await runs.get(connection, thread_id, run_id)
            run = await runs.change(
                connection,
                run_id,
                {"status": "cancelling", "required_action": None},
                when=("queued", "in_progress", "requires_action"),
            )
            if run is None:
                raise cannot_cancel(before["status"])
            waited = before["status"] == "requires_action"
            if waited:
                # Nobody is at work on it: it ends at once, for nobody would end it later.
                await end_run_within(connection, run_id, Ending("cancelled"))
        working = self._working.get(run_id)
        if working is not None and not waited and working.loop.stop("cancelled"):
            working.loop.feed.publish("thread.run.cancelling", run)
        # Otherwise another process carries it out; it looks at the status and ends the run.
        return run

    async def submit(
        self,
        thread_id: str,
        run_id: str,
        outputs: Sequence[tuple[str, str]],
        announce: Callable[[Feed], None] | None = None,
    ) -> tuple[dict[str, Any], Feed]:
        """Takes all outputs of a waiting run (call id, output) and goes on with it.

        Raises ``ApiError`` when the run does not wait, or the outputs are not those it waits for.
        """
        await self.settle(thread_id)
        with self.expecting(run_id):
            async with self._database.write() as connection:
                run = await runs.get(connection, thread_id, run_id)
                if run["status"] != "requires_action":
                    raise outputs_not_accepted(run["status"])
                asked = run["required_action"]["submit_tool_outputs"]["tool_calls"]
                expected = [call["id"] for call in asked]
                got = [call_id for call_id, _ in outputs]
                if sorted(expected) != sorted(got):
                    raise outputs_do_not_match(expected, got)
                step = await self._fill(connection, run_id, dict(outputs))
                fields = {"status": "queued", "required_action": None, "owner": self.owner}
                run = await runs.change(connection, run_id, fields) or run

            def begin(feed: Feed) -> None:
                if announce is not None:
                    announce(feed)
                feed.publish("thread.run.step.completed", step)
                feed.publish("thread.run.queued", run)

            return run, self.start(run, begin)

    async def settle(self, thread_id: str) -> bool:
        """Frees the thread of a run whose time is over or whose owner is gone; True if it did."""
        async with self._database.read() as connection:
            row = await runs.active_of_thread(connection, thread_id)
        return row is not None and await self._settle(row)

    async def settle_if_possible(self, thread_id: str) -> None:
        """``settle`` ahead of reading: what cannot be written now is no reason not to read."""
        try:
            await self.settle(thread_id)
        except DBAPIError as error:
            log.warning("a run of %s could not be ended: %s", thread_id, store_sentence(error))

    async def on_free_thread(self, thread_id: str, work: Callable[[], Awaitable[T]]) -> T:
        """``work``, and once more if what refused it was a run that should have ended."""
        try:
            return await work()
        except ThreadBusy:
            if not await self.settle(thread_id):
                raise
        return await work()

    async def abandon(self, thread_id: str) -> None:
        """Stops the thread's run, if there is one, because the thread is about to go."""
        for working in list(self._working.values()):
            if working.loop.thread_id == thread_id:
                working.loop.stop("cancelled")
                await asyncio.wait([working.task], timeout=SHUTDOWN_SECONDS)

    # --- time limits, crashes, other processes ------------------------------------------------

    async def _sweep(self) -> None:
        working = list(self._working.values())
        async with self._database.read() as connection:
            left = await runs.active(connection)
        active = {row.id for row in left}
        for each in working:
            if each.loop.run_id not in active:
                # Ended in another process, or its thread was deleted there.
                each.loop.stop("cancelled")
        for row in left:
            await self._settle(row)

    async def _settle(self, row: Row[Any]) -> bool:
        """Ends the run if nobody carries it on or its time is over; True if it did."""
        ending: Ending | None = None
        mine = self._working.get(row.id)
        if row.status == "requires_action":
            if row.expires_at is not None and row.expires_at <= time.time():
                ending = Ending("expired")
        elif mine is not None:
            if row.status == "cancelling":
                if mine.loop.stop("cancelled"):
                    mine.loop.feed.publish("thread.run.cancelling", runs.to_object(row))
            elif row.expires_at is not None and row.expires_at <= time.time():
                mine.loop.stop("expired")
        elif row.owner == self.owner:
            if row.id not in self._expected:
                ending = Ending("failed", error=("server_error", CRASHED))
        elif not await asyncio.to_thread(self._owners.alive, row.owner):
            ending = Ending("failed", error=("server_error", CRASHED))
        if ending is None:
            return False
        await end_run(self._database, row.id, ending, when=(row.status,))
        return True

    async def _watch(self) -> None:
        failing = False
        while True:
            if self._working:
                await asyncio.sleep(WATCH_SECONDS)
            else:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_WATCH_SECONDS):
                        await self._wake.wait()
            try:
                await self._sweep()
                failing = False
            except Exception:
                if not failing:
                    log.exception("watching the runs failed; trying again")
                failing = True

    async def _fill(
        self, connection: Any, run_id: str, outputs: Mapping[str, str]
    ) -> dict[str, Any]:
        """Writes the outputs into the step that waits for them, and completes it."""
        step = next(
            step
            for step in reversed(await steps.of_run(connection, run_id))
            if step["type"] == "tool_calls" and step["status"] == "in_progress"
        )
        details = step["step_details"]
        for call in details["tool_calls"]:
            if call["id"] in outputs:
                call["function"]["output"] = outputs[call["id"]]
        fields = {
            "status": "completed",
            "completed_at": int(time.time()),
            "step_details": details,
        }
        return await steps.change(connection, step["id"], fields) or step
