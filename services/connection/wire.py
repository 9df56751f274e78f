"""The in-process wire: an ASGI application as the transport of an HTTP client, streaming.

httpx2's own ``ASGITransport`` collects a response before it hands it over, so a run's events
would all arrive at its end. This one passes every chunk on when the application sends it, in the
caller's event loop and without a port. What a client sees is what it would see of the same
application behind uvicorn (a property test compares the two):

- the response is there as soon as it starts, even while the request body is still being read;
- an application that outruns its reader waits once ``HIGH_WATER`` bytes lie unread;
- a client that goes away is told to the application as ``http.disconnect``, and sending to it is
  a no-op. Unlike behind a socket, an application that does not take the hint is cancelled after
  ``grace`` seconds, so that no task is left behind;
- an application that fails is a 500 before its response starts and a ``RemoteProtocolError`` after.

The application never sees the caller's context variables, as it would not over a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from typing import Any

import httpx2

from services.connection.asgi import Application, Message
from services.connection.asgi import Lifespan as Lifespan  # the two are used together

HIGH_WATER = 64 * 1024
"""Bytes that may lie unread before the application's next ``send`` waits."""

_log = logging.getLogger(__name__)
_FAILED = json.dumps(
    {
        "error": {
            "message": "The engine failed to answer this request. Its log says more.",
            "type": "server_error",
            "param": None,
            "code": None,
        }
    }
).encode()
# A retry would repeat a POST that may have been carried out: the wire has no idempotency keys.
_FAILED_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_FAILED)).encode()),
    (b"x-should-retry", b"false"),
]


class InProcessTransport(httpx2.AsyncBaseTransport):
    """Calls ``app`` for every request of an ``httpx2.AsyncClient``.

    ``state`` is the application's lifespan state (``Lifespan.state``); ``grace`` is how many
    seconds an application may go on after its client left before it is cancelled.
    """

    def __init__(
        self,
        app: Application,
        *,
        state: Mapping[str, Any] | None = None,
        grace: float = 2.0,
    ) -> None:
        self._app = app
        self._state = {} if state is None else state
        self._grace = grace
        self._calls: set[_Call] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ``httpx2.ReadTimeout`` when the response does not start within the client's read
        timeout, and whatever the request's own body iterator raised."""
        if self._closed:
            raise httpx2.ConnectError(
                "The connection to the engine in this process is closed.", request=request
            )
        call = _Call(self._app, request, self._state)
        self._calls.add(call)
        call.task.add_done_callback(lambda _: self._calls.discard(call))
        try:
            await call.wait_for(call.head_arrived, "start of the response")
            call.raise_request_error()
        except BaseException:
            # Never hold up a cancelled caller: the call is wound up beside it.
            call.disconnect()
            self._wind_up_later(call)
            raise
        assert call.status is not None
        return httpx2.Response(
            call.status,
            headers=call.headers,
            stream=_ResponseStream(call, self._grace),
            extensions={"http_version": b"HTTP/1.1"},
            request=request,
        )

    def _wind_up_later(self, call: _Call) -> None:
        ending = asyncio.get_running_loop().create_task(call.wind_up(self._grace))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def aclose(self) -> None:
        """Ends every call: told first, cancelled after the grace. Leaves no task behind."""
        self._closed = True
        for call in list(self._calls):
            call.disconnect()
        await asyncio.gather(
            *(call.wind_up(self._grace) for call in list(self._calls)), *list(self._endings)
        )


class _ResponseStream(httpx2.AsyncByteStream):
    def __init__(self, call: _Call, grace: float) -> None:
        self._call = call
        self._grace = grace

    async def __aiter__(self) -> AsyncIterator[bytes]:
        call = self._call
        while True:
            while call.unread:
                yield call.take()
            if call.whole:
                return
            if call.gone:
                call.raise_request_error()
                raise httpx2.ReadError("The response was closed.", request=call.request)
            if call.broken:
                raise httpx2.RemoteProtocolError(call.broken, request=call.request)
            call.news.clear()
            await call.wait_for(call.news, "next part of the response")

    async def aclose(self) -> None:
        call = self._call
        if call.whole:
            # Whatever the application still does (background work) is not the client's business.
            call.drop_unread()
            return
        call.disconnect()
        await call.wind_up(self._grace)


class _Call:
    """One request and its response: the state that both sides share."""

    def __init__(self, app: Application, request: httpx2.Request, state: Mapping[str, Any]) -> None:
        self.request = request
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.unread: deque[bytes] = deque()
        self.complete = False
        self.broken = ""  # why the response can never be completed
        self.gone = False  # the client left
        self.head_arrived = asyncio.Event()
        self.news = asyncio.Event()  # for the reader: a chunk, the end, or a failure
        self._room = asyncio.Event()  # for the application: unread is below the high-water mark
        self._over = asyncio.Event()  # for receive(): complete or gone
        self._size = 0
        self._missing: int | None = None  # bytes until the declared content-length is reached
        self._body_error: BaseException | None = None
        self._body_read = False
        self._receiving = asyncio.Lock()
        self._caller = contextvars.copy_context()
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        self._stream = request.stream
        self._body = request.stream.__aiter__()
        scope = _scope(request, state)
        self.task: asyncio.Task[None] = asyncio.get_running_loop().create_task(
            self._run(app, scope), context=contextvars.Context()
        )

    # -- the client's side ---------------------------------------------------------------------

    async def wait_for(self, event: asyncio.Event, what: str) -> None:
        """Waits as long as the client's read timeout (seconds) allows."""
        seconds = self.request.extensions.get("timeout", {}).get("read")
        if event.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError as error:
            raise httpx2.ReadTimeout(
                f"The {what} did not come within {seconds} seconds.", request=self.request
            ) from error

    @property
    def whole(self) -> bool:
        """Whether all of the response is there as far as a client can tell."""
        return self.complete or (self.status is not None and self._missing == 0)

    def raise_request_error(self) -> None:
        if self._body_error is not None:
            raise self._body_error

    def take(self) -> bytes:
        chunk = self.unread.popleft()
        self._size -= len(chunk)
        if self._size <= HIGH_WATER:
            self._room.set()
        return chunk

    def drop_unread(self) -> None:
        self.unread.clear()
        self._size = 0
        self._room.set()

    def disconnect(self) -> None:
        """The client is gone; nothing more reaches it, and the application is told."""
        self.gone = True
        if not self.complete:
            self.drop_unread()
        self._over.set()
        self._room.set()
        self.news.set()

    async def wind_up(self, grace: float) -> None:
        """Waits ``grace`` seconds for the application to end, then cancels it."""
        for cancel in (False, True):
            if cancel:
                self.task.cancel()
            await asyncio.wait({self.task}, timeout=grace)
            if self.task.done():
                return
        _log.error(
            "%s %s goes on although it was cancelled", self.request.method, self.request.url.path
        )

    # -- the application's side ----------------------------------------------------------------

    async def _run(self, app: Application, scope: MutableMapping[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        except asyncio.CancelledError:
            self._break_off("The engine was stopped while it answered.")
        except Exception as error:
            if not self.gone:
                _log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            self._break_off(f"The engine failed while it answered ({type(error).__name__}).")
        else:
            self._break_off("The engine ended its answer before it was complete.")
        finally:
            await self._close_body()

    def _break_off(self, why: str) -> None:
        """The application ended: if its response did not, say so to the client."""
        if self.whole:
            self._over.set()
            return
        if self.status is None:
            self.status = 500
            self.headers = list(_FAILED_HEADERS)
            if self.request.method != "HEAD":
                self.unread.append(_FAILED)
            self.complete = True
        else:
            self.broken = why
        self._over.set()
        self.head_arrived.set()
        self.news.set()

    async def _receive(self) -> Message:
        async with self._receiving:
            if not (self._body_read or self._over.is_set()):
                message = await self._next_of_body()
                if message is not None:
                    return message
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _next_of_body(self) -> Message | None:
        """The next piece of the request body, or None when the exchange is over first."""
        if isinstance(self._stream, httpx2.ByteStream):
            self._body_read = True
            whole = b"".join([chunk async for chunk in self._body])  # in memory: it never waits
            return {"type": "http.request", "body": whole, "more_body": False}
        # The client's own iterator runs in the client's context, and must not keep an application
        # waiting whose client left.
        loop = asyncio.get_running_loop()
        reading = loop.create_task(_first(self._body), context=self._caller)
        leaving = loop.create_task(self._over.wait())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return self._body_message(reading.result()) if reading.done() else None
        except Exception as error:
            self._body_error = error
            self.disconnect()
            self.head_arrived.set()
            return None
        finally:
            for task in (reading, leaving):
                task.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)

    def _body_message(self, chunk: bytes | None) -> Message:
        self._body_read = chunk is None
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def _close_body(self) -> None:
        close = getattr(self._body, "aclose", None)
        if close is not None:
            # The response does not depend on how the unread rest of a request is disposed of.
            with contextlib.suppress(Exception):
                await close()

    async def _send(self, message: Message) -> None:
        while self._size > HIGH_WATER and not self.gone:
            self._room.clear()
            await self._room.wait()
        if self.gone:
            # A no-op, as behind a socket, but one that lets others run and cancellation in.
            await asyncio.sleep(0)
            return
        if self.complete:
            raise RuntimeError(
                f"ASGI message '{message['type']}' was sent after the response was complete."
            )
        expected = "http.response.start" if self.status is None else "http.response.body"
        if message["type"] != expected:
            raise RuntimeError(f"ASGI message '{message['type']}' was sent, not '{expected}'.")
        if self.status is None:
            self._start(int(message["status"]), message.get("headers", ()))
        else:
            self._pass_on(bytes(message.get("body", b"")), bool(message.get("more_body", False)))

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.headers = [(bytes(name), bytes(value)) for name, value in headers]
        if self.request.method == "HEAD" or status in (204, 304):
            self._missing = 0
        else:
            for name, value in self.headers:
                if name.lower() == b"content-length":
                    self._missing = int(value)
        self.status = status
        self.head_arrived.set()

    def _pass_on(self, body: bytes, more: bool) -> None:
        if self.request.method == "HEAD":
            body = b""
        if self._missing is not None:
            if len(body) > self._missing:
                raise RuntimeError("The response is longer than its head announced.")
            self._missing -= len(body)
        if body:
            self.unread.append(body)
            self._size += len(body)
        self.news.set()
        if not more:
            if self._missing:
                raise RuntimeError("The response is shorter than its head announced.")
            self.complete = True
            self._over.set()


async def _first(body: AsyncIterator[bytes]) -> bytes | None:
    # StopAsyncIteration cannot be a task's outcome, so the end is None.
    try:
        return await anext(body)
    except StopAsyncIteration:
        return None


def _scope(request: httpx2.Request, state: Mapping[str, Any]) -> MutableMapping[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": None,
        "state": dict(state),
    }
