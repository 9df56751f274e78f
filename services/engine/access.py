"""One line in the log for every request that was answered.

Who asked for what, how it ended and how long it took. Never a header, a query or a body: those may
hold keys, and what people write. The lines are written some at a time: to write one takes longer
than to answer most requests.
"""

from __future__ import annotations

import asyncio
import logging
import time

from services.engine.guard import Application, Message, Receive, Scope, Send

_log = logging.getLogger("understudy.access")
PATH_CHARACTERS = 200
HELD_SECONDS = 0.5


class AccessLog:
    """Wraps the guard, so that what it refuses has a line too. ``write`` when no more come."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lines: list[str] = []
        self._second = 0
        self._written_second = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        since = time.monotonic()
        status, request_id = 0, "-"

        async def noted(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = dict(message["headers"]).get(b"x-request-id", b"-").decode()
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            client = (scope.get("client") or ("-",))[0]
            took = int((time.monotonic() - since) * 1000)
            self._hold(
                f"{self._now()} {client} {scope['method']} {_plain(scope['path'])} "
                # Without a status the client left before there was an answer.
                f"{status or 499} {took} ms {request_id}"
            )

    def write(self) -> None:
        """Writes the lines that are held."""
        lines, self._lines = self._lines, []
        if lines:
            _log.info("%s", "\n".join(lines))

    def _hold(self, line: str) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(HELD_SECONDS, self.write)
        self._lines.append(line)

    def _now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._written_second = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return self._written_second


def _plain(path: str) -> str:
    """On one line, whatever a client wrote into it."""
    path = path[:PATH_CHARACTERS]
    if path.isascii() and path.isprintable() and " " not in path and "\\" not in path:
        return path
    return path.encode("unicode_escape").decode().replace(" ", "%20")
