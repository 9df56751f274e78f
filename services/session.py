"""A run as the screen follows it: one task that reads, asks, submits and reads on.

The session outlives whoever watches it: a thread that is not on the screen goes on, and a watcher
that comes later catches up first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from services import reading
from services.connection.extras import extras_of
from services.connection.resources import threads_of
from services.connection.speaking import speaking
from services.decisions import Decisions
from services.events import (
    ApprovalNeeded,
    RunEnded,
    RunEvent,
    UsageReported,
)
from services.functions.folder import FunctionsFolder
from services.progress import Progress
from services.records import (
    ApprovalRequest,
    Decision,
    FunctionTool,
    Message,
    Run,
    ServiceError,
    ToolStep,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.beta import AssistantStreamEvent
    from openai.types.beta.threads import Run as WireRun

FOLLOW_SECONDS = 0.5
"""Between two looks at a run that another process carries out."""


class RunSession:
    """One run. ``watch`` tells its events; ``decide`` and ``cancel`` steer it."""

    def __init__(
        self,
        client: AsyncOpenAI,
        functions: FunctionsFolder,
        thread_id: str,
        assistant_id: str,
        question: Message | None = None,
    ):
        self.thread_id = thread_id
        self.assistant_id = assistant_id
        self.question = question
        threads = threads_of(client)
        self._extras = extras_of(client)
        self._runs = threads.runs
        self._messages = threads.messages
        self._progress = Progress()
        self._decisions = Decisions(functions, self._tell)
        self._watchers: set[asyncio.Queue[RunEvent | None]] = set()
        self._ending: tuple[RunEvent, ...] = ()
        self._cancelled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def run(self) -> Run | None:
        return self._progress.run

    @property
    def active(self) -> bool:
        return not self._ending

    @property
    def pending(self) -> tuple[ApprovalRequest, ...]:
        """The calls that wait for a decision."""
        return self._decisions.pending

    def messages(self) -> list[Message]:
        """The answers as far as they are written."""
        return self._progress.messages()

    def steps(self) -> list[ToolStep]:
        """The tool calls so far."""
        return self._progress.steps()

    async def watch(self) -> AsyncIterator[RunEvent]:
        """What is there so far, then what comes, until the run has ended.

        Ending the iteration does not stop the run.
        """
        queue: asyncio.Queue[RunEvent | None] = asyncio.Queue()
        for known in (*self._progress.replay(), *self._waiting(), *self._ending):
            queue.put_nowait(known)
        if self._ending:
            queue.put_nowait(None)
        self._watchers.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._watchers.discard(queue)

    def _waiting(self) -> tuple[RunEvent, ...]:
        return (ApprovalNeeded(self.pending),) if self.pending else ()

    async def decide(self, call_id: str, decision: Decision) -> None:
        """Settles one call, once. Raises ``ServiceError`` when it does not fit the call shown.

        A call that nobody waits for any more is ignored: its run has gone on or ended.
        """
        self._decisions.decide(call_id, decision)

    async def cancel(self) -> None:
        """Stops the run; what was written is kept. A run that just ended is none to complain of."""
        run = self.run
        self._cancelled.set()
        if run is None or not run.active:
            return
        try:
            async with speaking("cancel the run"):
                await self._runs.cancel(run.id, thread_id=self.thread_id)
        except ServiceError as error:
            if error.status != 400:
                self._cancelled.clear()
                raise

    # --- carrying on --------------------------------------------------------------------------

    async def begin(self, **settings: Any) -> None:
        """Creates the run; raises ``ServiceError`` when the server refuses it."""

        async def create() -> AsyncStream[AssistantStreamEvent]:
            stream: AsyncStream[AssistantStreamEvent] = await self._runs.create(
                self.thread_id,
                assistant_id=self.assistant_id,
                stream=True,
                extra_query=self._extras.query(),
                **settings,
            )
            return stream

        async with speaking("start the run"):
            stream = await self._extras.asking(create)
        self._carry_on(self._follow_stream(stream))

    def pick_up(self, run: WireRun) -> None:
        """Goes on with a run that is on the server already."""
        self._carry_on(self._follow_server(run))

    async def close(self) -> None:
        """Lets go of the run without stopping it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _carry_on(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(self._work(work), name=f"session {self.thread_id}")

    async def _work(self, work: Coroutine[Any, Any, None]) -> None:
        sentence = ""
        try:
            await work
        except ServiceError as error:
            sentence = error.sentence
        self._end(sentence)

    async def _follow_stream(self, stream: AsyncStream[AssistantStreamEvent]) -> None:
        waiting = await self._read(stream)
        while waiting is not None:
            submitted = await self._submit(waiting)
            if submitted is None:
                return
            waiting = await self._read(submitted)
        if self.run is not None and self.run.active:
            # The stream broke off before the run did.
            await self._follow_server(await self._retrieve(self.run.id))

    async def _read(self, stream: AsyncStream[AssistantStreamEvent]) -> WireRun | None:
        """Tells what the stream says; returns the run if it ended up waiting for outputs."""
        waiting: WireRun | None = None
        try:
            async with speaking("follow the run"), stream:
                async for event in stream:
                    for told in self._progress.take(event):
                        self._tell(told)
                    if event.event == "thread.run.requires_action":
                        waiting = event.data
        except ServiceError:
            if self.run is None:
                raise
        return waiting

    async def _submit(self, run: WireRun) -> AsyncStream[AssistantStreamEvent] | None:
        """Has the run's calls decided and hands in the outputs; None if the run ended meanwhile."""
        outputs = await self._decided(run)
        if outputs is None:
            await self._follow_server(await self._retrieve(run.id))
            return None
        try:
            async with speaking("hand in the results"):
                return await self._runs.submit_tool_outputs(
                    run.id,
                    thread_id=self.thread_id,
                    tool_outputs=[
                        {"tool_call_id": call_id, "output": output} for call_id, output in outputs
                    ],
                    stream=True,
                )
        except ServiceError as error:
            if error.status != 400:
                raise
            # Another client was faster, or the run expired: the server knows.
            await self._follow_server(await self._retrieve(run.id))
            return None

    async def _decided(self, run: WireRun) -> Sequence[tuple[str, str]] | None:
        """The outputs of all calls, or None when the run was cancelled or its time ran out."""
        action = run.required_action
        calls = action.submit_tool_outputs.tool_calls if action else []
        offered = [tool for tool in reading.tools(run.tools) if isinstance(tool, FunctionTool)]
        deciding = asyncio.create_task(
            self._decisions.outputs(self.thread_id, run.id, calls, offered, run.expires_at)
        )
        stopping = asyncio.create_task(self._cancelled.wait())
        left = None if run.expires_at is None else max(0.0, run.expires_at - time.time()) + 1
        try:
            await asyncio.wait(
                {deciding, stopping}, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            return deciding.result() if deciding.done() else None
        finally:
            for task in (deciding, stopping):
                task.cancel()
            await asyncio.gather(deciding, stopping, return_exceptions=True)

    async def _follow_server(self, read: WireRun) -> None:
        """Goes by what the server stores: for a run that another process carries out."""
        while True:
            run = reading.run(read)
            await self._catch_up(run)
            for told in self._progress.put_run(run):
                self._tell(told)
            if not run.active:
                return
            if run.status == "requires_action" and not self._cancelled.is_set():
                submitted = await self._submit(read)
                if submitted is not None:
                    await self._follow_stream(submitted)
                return
            await asyncio.sleep(FOLLOW_SECONDS)
            read = await self._retrieve(run.id)

    async def _catch_up(self, run: Run) -> None:
        """Tells what was written since the last look."""
        async with speaking("read the run's messages"):
            listed = self._messages.list(self.thread_id, run_id=run.id, order="asc", limit=100)
            messages = [reading.message(each) async for each in listed]
            steps = self._runs.steps.list(run.id, thread_id=self.thread_id, order="asc")
            rows = [reading.tool_step(each) async for each in steps]
        known = {step.id: step for step in self.steps()}
        for row in rows:
            if row is not None and known.get(row.id) != row:
                self._tell(self._progress.put_step(row))
        for message in messages:
            for told in self._progress.grow_message(message):
                self._tell(told)

    async def _retrieve(self, run_id: str) -> WireRun:
        async with speaking("read the run"):
            return await self._runs.retrieve(run_id, thread_id=self.thread_id)

    # --- telling ------------------------------------------------------------------------------

    def _tell(self, event: RunEvent) -> None:
        for queue in self._watchers:
            queue.put_nowait(event)

    def _end(self, sentence: str) -> None:
        run = self.run
        if run is None:
            run = Run("", self.thread_id, self.assistant_id, "failed", "", int(time.time()))
        usage = (UsageReported(run.usage),) if run.usage is not None else ()
        self._ending = (*usage, RunEnded(run, sentence or explain(run)))
        for event in self._ending:
            self._tell(event)
        for queue in self._watchers:
            queue.put_nowait(None)


def explain(run: Run) -> str:
    """Why a run ended as it did, in a sentence; nothing to say of one that completed."""
    if run.status == "failed":
        return f"The run failed: {run.error or 'the server gave no reason.'}"
    if run.status == "incomplete":
        if run.incomplete_reason == "content_filter":
            return "The model's content filter stopped the answer; what was written is kept."
        return "The answer stopped at its token limit; what was written is kept."
    if run.status == "expired":
        return "The run expired: nobody decided in time. Run it again to go on."
    return ""
