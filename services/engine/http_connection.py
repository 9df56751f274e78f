"""One connection of ``understudy serve``: uvicorn's HTTP/1.1 with an end to all waiting.

uvicorn waits for ever for the rest of a request's head or body, and answers what is no HTTP in
plain text. Here a head has ``SECONDS`` to arrive, a body must keep coming, and every refusal has
the wire's error envelope.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.engine.errors import ApiError
from services.engine.guard import HEAD_LIMIT, head_too_large

SECONDS = 30.0
"""How long a head may take, and how often it is looked whether a body keeps coming."""
BYTES_A_SECOND = 1024


class HttpConnection(H11Protocol):
    """For ``uvicorn.Config(http=...)``."""

    seconds = SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._awaited: tuple[str, object] | None = None
        self._arrived = 0

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override]  # as uvicorn declares it
    ) -> None:
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._arrived += len(data)
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        unread, _ = self.conn.trailing_data
        if len(unread) > HEAD_LIMIT:
            self._refuse(head_too_large())
        else:
            self._refuse(ApiError("This is no HTTP request that the server can read."))

    def _watch(self) -> None:
        """Starts the time over when something else is waited for than before."""
        cycle = self.cycle
        awaited: tuple[str, object] | None
        if cycle is None or cycle.response_complete:
            awaited = ("head", cycle)
        else:
            awaited = ("body", cycle) if cycle.more_body else None
        if awaited == self._awaited:
            return
        self._stop()
        self._awaited = awaited
        if awaited is not None:
            self._start()

    def _start(self) -> None:
        self._arrived = 0
        self._timer = self.loop.call_later(self.seconds, self._time_is_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        assert self._awaited is not None
        if self._awaited[0] == "body":
            # It may be the engine that is slow, and has the client wait.
            if self.flow.read_paused or self._arrived >= self.seconds * BYTES_A_SECOND:
                self._start()
                return
            self._refuse(ApiError("The request's body did not arrive in time.", status=408))
        else:
            self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        """The last that this connection says, unless an answer has begun already."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(error.envelope()).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            for event in (
                h11.Response(status_code=error.status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
