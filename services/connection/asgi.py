"""What both ways to an ASGI application need: the types of a call, and its start and end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Lifespan:
    """Runs an application's start and end: ``async with Lifespan(app) as lifespan``.

    Entering raises what the application's start raised (``RuntimeError`` with its message if it
    only said that it failed); so does leaving for its end. ``state`` is for the transport.
    """

    def __init__(self, app: Application) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        self._task = asyncio.get_running_loop().create_task(
            self._run(scope), context=contextvars.Context()
        )
        try:
            await self._ask("startup")
        except BaseException:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None
        try:
            await self._ask("shutdown")
            await self._task
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, scope: MutableMapping[str, Any]) -> None:
        await self._app(scope, self._inbox.get, self._answers.put)

    async def _ask(self, phase: str) -> None:
        assert self._task is not None
        self._inbox.put_nowait({"type": f"lifespan.{phase}"})
        answering = asyncio.ensure_future(self._answers.get())
        try:
            await asyncio.wait({answering, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                await self._task  # raises what ended it
                raise RuntimeError(f"The application ended during its {phase}.")
            message = answering.result()
            if message["type"] == f"lifespan.{phase}.complete":
                return
            # The application says that it failed, and usually raises the reason next.
            await asyncio.wait({self._task}, timeout=1)
            if self._task.done():
                await self._task
            raise RuntimeError(message.get("message") or f"The application's {phase} failed.")
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
