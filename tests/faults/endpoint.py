"""A model endpoint that does what a test tells it, for better or worse.

    async with endpoint() as e:
        e.will(answer("Hello there."))         # for the next chat request
        e.always(refusal(503, "overloaded"))   # for every one that nothing else is told for
        ...
        assert e.requests[0].body["stream"] is True

Untold, it greets. ``endpoint_in_thread`` is the same for tests that run no loop of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

SSE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


class Stall:
    """Send nothing more until the client goes away."""


class Drop:
    """Abort the connection in the middle of the answer."""


@dataclass
class Gate:
    """Send nothing until a test calls ``opened.set()``."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)


Step = bytes | Stall | Drop | Gate


@dataclass
class Reply:
    """An answer in steps; ``length`` sends a Content-Length instead of chunks."""

    steps: Sequence[Step]
    status: int = 200
    content_type: str = SSE
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = False


@dataclass
class Request:
    """One request as it arrived. ``gone`` is set once its connection was closed by the client."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    answered: bool = False


# What to answer with


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One chunk of a chat completion; ``more`` are fields of the chunk itself."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return event({"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more})


def says(*pieces: str) -> list[bytes]:
    return [chunk({"content": piece}) for piece in pieces]


def usage(**counts: Any) -> bytes:
    return event({"id": "c", "choices": [], "usage": {**USAGE, **counts}})


def stream(*steps: Step) -> Reply:
    """A stream of exactly these steps: nothing is added, not even the end."""
    return Reply(steps)


def answer(*pieces: str) -> Reply:
    """A well-behaved answer."""
    return Reply([chunk({"role": "assistant", "content": ""}), *says(*pieces), *ending()])


def ending(reason: str = "stop") -> list[bytes]:
    return [chunk({}, reason), usage(), DONE]


def call(name: str, arguments: dict[str, Any], call_id: str = "call_upstream") -> Reply:
    """A well-behaved tool call, its arguments in pieces."""
    text = json.dumps(arguments)
    first = {"index": 0, "id": call_id, "type": "function", "function": {"name": name}}
    pieces = [text[i : i + 5] for i in range(0, len(text), 5)]
    parts = [{"index": 0, "function": {"arguments": piece}} for piece in pieces]
    return Reply(
        [*(chunk({"tool_calls": [part]}) for part in [first, *parts]), *ending("tool_calls")]
    )


def whole(body: object, status: int = 200, **headers: str) -> Reply:
    """One JSON body."""
    return Reply([json.dumps(body).encode()], status, "application/json", headers, length=True)


def refusal(status: int, message: str, **headers: str) -> Reply:
    """An error as OpenAI words it."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return whole({"error": error}, status, **named)


def page(status: int, html: str = "<html><body><h1>Bad Gateway</h1></body></html>") -> Reply:
    return Reply([html.encode()], status, "text/html", length=True)


class Endpoint:
    """Loopback only, any free port. ``url`` ends in ``/v1``."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.paths = {"/chat/completions"}  # what there is to post to
        self.models: object = {"object": "list", "data": [{"id": "test-model", "object": "model"}]}
        self.port = 0
        self.connections = 0  # how many were opened
        self._next: deque[Reply] = deque()
        self._default: Callable[[Request], Reply] = lambda _: answer("Hello ", "there.")
        self._listing: Reply | None = None
        self._changed = asyncio.Condition()
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[Request]:
        """The chat requests among all."""
        return self.posts("/chat/completions")

    def posts(self, path: str) -> list[Request]:
        """The requests to one path among all."""
        return [each for each in self.requests if each.path.endswith(path)]

    def will(self, *replies: Reply) -> None:
        """Answers for the next requests to a model, one each."""
        self._next.extend(replies)

    def always(self, reply: Reply | Callable[[Request], Reply]) -> None:
        """The answer whenever nothing else was told; a function sees the request."""
        self._default = reply if callable(reply) else lambda _: reply

    def lists(self, reply: Reply | object) -> None:
        """What ``GET /models`` answers: a body, or a reply of any kind."""
        self._listing = reply if isinstance(reply, Reply) else whole(reply)

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Waits, without polling, until a change makes ``condition`` true."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self.connections += 1
        request: Request | None = None
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                await self._notify()
                await self._answer(request, reader, writer)
                request.answered = True
                await self._notify()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which is what some tests are about
        except asyncio.CancelledError:
            pass  # stop() was called
        finally:
            self._clients.discard(task)
            writer.close()
            if request is not None and not request.answered:
                request.gone.set()
                await self._notify()

    def _reply(self, request: Request) -> Reply:
        if request.path.endswith("/models"):
            return self._listing or whole(self.models)
        if not request.path.endswith(tuple(self.paths)):
            return refusal(404, f"no route {request.path}")
        return self._next.popleft() if self._next else self._default(request)

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        reply = self._reply(request)
        fields = {"Content-Type": reply.content_type, **reply.headers}
        if reply.length:
            size = sum(len(step) for step in reply.steps if isinstance(step, bytes))
            fields["Content-Length"] = str(size)
        else:
            fields["Transfer-Encoding"] = "chunked"
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {reply.status} Said\r\n{head}\r\n".encode())
        for step in reply.steps:
            if isinstance(step, bytes):
                framed = step if reply.length else b"%x\r\n%b\r\n" % (len(step), step)
                writer.write(framed if step else b"")
                await writer.drain()
            elif isinstance(step, Drop):
                writer.transport.abort()
                raise ConnectionAbortedError
            else:
                opened = step.opened.wait() if isinstance(step, Gate) else asyncio.Event().wait()
                await _unless_gone(opened, reader)
        if not reply.length:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) < 2:
        return None
    headers: dict[str, str] = {}
    while (raw := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = raw.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(line[0], line[1], headers, json.loads(body) if body else None)


async def _unless_gone(waiting: Any, reader: asyncio.StreamReader) -> None:
    """Waits, and raises as soon as the client closes its side."""
    gone = asyncio.ensure_future(reader.read(1))
    opened = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait({gone, opened}, return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            raise ConnectionResetError("the client is gone")
    finally:
        for each in (gone, opened):
            each.cancel()
        await asyncio.gather(gone, opened, return_exceptions=True)


@contextlib.asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint in the running loop."""
    served = Endpoint()
    await served.start()
    try:
        yield served
    finally:
        await served.stop()


@contextlib.contextmanager
def endpoint_in_thread() -> Iterator[Endpoint]:
    """An endpoint in a thread of its own; tell it what to answer before asking it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def started() -> Endpoint:
        served = Endpoint()
        await served.start()
        return served

    served = asyncio.run_coroutine_threadsafe(started(), loop).result(10)
    try:
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(served.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
