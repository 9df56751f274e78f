"""The in-process wire against the same application behind a real server, and on its own."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from services.connection.wire import HIGH_WATER, InProcessTransport, Lifespan

BASE = "http://understudy.invalid"


# -- an application that does what a plan says ---------------------------------------------------


@dataclass
class Plan:
    method: str
    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    request: list[bytes] | bytes
    reads: Literal["all", "none"]
    declares_length: bool
    end: Literal["complete", "raise", "return"]
    breaks_after: int  # how many chunks are sent before it raises or returns; -1: not even a head
    seen: list[bytes] = field(default_factory=list)


class PlannedApplication:
    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.numbers = itertools.count()

    def add(self, plan: Plan) -> str:
        path = f"/plans/{next(self.numbers)}"
        self.plans[path] = plan
        return path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(_LeavesQuietly):
            await self.answer(scope, receive, send)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        plan = self.plans[scope["path"]]
        if plan.reads == "all":
            body = b""
            while True:
                message = await receive()
                assert message["type"] == "http.request"
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    break
            plan.seen.append(body)
        if plan.end != "complete" and plan.breaks_after < 0:
            raise leaving(plan)
        headers = [(name.encode(), value.encode()) for name, value in plan.headers]
        if plan.declares_length:
            length = sum(map(len, plan.chunks))
            headers.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": plan.status, "headers": headers})
        for number, chunk in enumerate(plan.chunks):
            if plan.end != "complete" and number >= plan.breaks_after:
                raise leaving(plan)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if plan.end != "complete":
            raise leaving(plan)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _LeavesQuietly(Exception):
    """The application returns without completing its response."""


def leaving(plan: Plan) -> Exception:
    return LookupError("as planned") if plan.end == "raise" else _LeavesQuietly()


@dataclass
class Seen:
    """What a client saw of one response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    failure: str


async def look(client: httpx2.AsyncClient, url: str, plan: Plan) -> Seen:
    content: bytes | AsyncIterator[bytes] = (
        plan.request if isinstance(plan.request, bytes) else one_by_one(plan.request)
    )
    body = b""
    failure = ""
    async with client.stream(plan.method, url, content=content or None) as response:
        try:
            async for chunk in response.aiter_raw():
                body += chunk
        except httpx2.TransportError as error:
            failure = type(error).__name__
        headers = [
            (name.decode().lower(), value.decode())
            for name, value in response.headers.raw
            if name.lower() not in {b"date", b"server", b"transfer-encoding", b"connection"}
        ]
    return Seen(response.status_code, sorted(headers), body, failure)


async def one_by_one(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


class Served:
    """An application behind uvicorn on a loopback port, in a thread of its own."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(
            app, port=0, http="h11", ws="none", lifespan="off", log_config=None, access_log=False
        )
        started = threading.Event()

        class Server(uvicorn.Server):
            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                started.set()

        self.server = Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        assert started.wait(10)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@dataclass
class Pair:
    """The same application twice: behind a socket and in process."""

    app: PlannedApplication
    loop: asyncio.Runner
    over_http: httpx2.AsyncClient
    in_process: httpx2.AsyncClient


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    app = PlannedApplication()
    served = Served(app)
    # Half of these plans are meant to fail; uvicorn would print a traceback for each.
    logging.getLogger("uvicorn.error").disabled = True
    with asyncio.Runner() as loop:
        # A connection each: a kept one that the server has just closed is another subject.
        over_http = httpx2.AsyncClient(
            base_url=served.url, trust_env=False, headers={"connection": "close"}
        )
        in_process = httpx2.AsyncClient(base_url=BASE, transport=InProcessTransport(app))
        yield Pair(app, loop, over_http, in_process)
        loop.run(over_http.aclose())
        loop.run(in_process.aclose())
    logging.getLogger("uvicorn.error").disabled = False
    served.stop()


chunk_lists = st.lists(
    st.one_of(st.binary(max_size=40), st.integers(1, 40_000).map(lambda size: b"x" * size)),
    max_size=6,
)
header_lists = st.lists(
    st.tuples(
        st.from_regex(r"x-[a-z]{1,8}", fullmatch=True),
        st.from_regex(r"[!-~]{0,12}", fullmatch=True),
    ),
    max_size=3,
)


def without_a_reset(plan: Plan) -> Plan:
    """A socket closed with an unread request in it is reset, which may eat what was sent."""
    if plan.reads == "none":
        plan.request = b""
    return plan


plans = st.builds(
    Plan,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    status=st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]),
    headers=header_lists,
    chunks=chunk_lists,
    request=st.one_of(st.binary(max_size=200), chunk_lists),
    reads=st.sampled_from(["all", "none"]),
    declares_length=st.booleans(),
    end=st.sampled_from(["complete", "complete", "raise", "return"]),
    breaks_after=st.integers(-1, 6),
    seen=st.builds(list),
).map(without_a_reset)


@settings(max_examples=150, deadline=None)
@given(plan=plans)
def test_a_client_sees_the_same_as_over_a_socket(pair: Pair, plan: Plan) -> None:
    path = pair.app.add(plan)
    expected = pair.loop.run(look(pair.over_http, path, plan))
    actual = pair.loop.run(look(pair.in_process, path, plan))
    never_started = plan.end != "complete" and plan.breaks_after < 0
    if never_started:
        # Each wire has its own words for an application that never answered.
        assert (actual.status, actual.failure) == (expected.status, expected.failure) == (500, "")
    else:
        assert actual == expected
    if plan.reads == "all":
        over_http, in_process = plan.seen
        assert in_process == over_http


@settings(max_examples=40, deadline=None)
@given(status=st.sampled_from([204, 304]), chunks=chunk_lists)
def test_a_status_without_a_body_ends_with_its_head_on_both(
    pair: Pair, status: int, chunks: list[bytes]
) -> None:
    plan = Plan("GET", status, [], chunks, b"", "none", False, "complete", 0)
    path = pair.app.add(plan)
    expected = pair.loop.run(look(pair.over_http, path, plan))
    assert pair.loop.run(look(pair.in_process, path, plan)) == expected
    assert expected.body == b""


@settings(max_examples=30, deadline=None)
@given(taken=st.integers(0, 5), size=st.integers(1, 20_000))
def test_an_early_close_reaches_the_application_on_both(taken: int, size: int) -> None:
    async def outcome(app: Any, client: httpx2.AsyncClient) -> bytes:
        got = b""
        async with client, client.stream("GET", "/") as response:
            if taken:
                async for chunk in response.aiter_raw():
                    got += chunk
                    if len(got) >= taken * size:
                        break
        return got[: taken * size]

    class Endless:
        def __init__(self) -> None:
            self.left = threading.Event()

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            leaving = asyncio.ensure_future(receive())
            while not leaving.done():
                await send({"type": "http.response.body", "body": b"y" * size, "more_body": True})
                await asyncio.sleep(0)
            if leaving.result() == {"type": "http.disconnect"}:
                self.left.set()

    app = Endless()
    in_process = httpx2.AsyncClient(base_url=BASE, transport=InProcessTransport(app))
    got = asyncio.run(outcome(app, in_process))
    assert app.left.is_set()
    assert got == b"y" * (taken * size)


def test_an_early_close_reaches_an_application_behind_a_socket_too() -> None:
    # The statement above is about both wires; one example behind the socket keeps it honest.
    left = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"y", "more_body": True})
        if await receive() == {"type": "http.disconnect"}:
            left.set()

    async def outcome(url: str) -> None:
        async with (
            httpx2.AsyncClient(trust_env=False) as client,
            client.stream("GET", url) as response,
        ):
            async for _ in response.aiter_raw():
                break

    served = Served(app)
    try:
        asyncio.run(outcome(served.url))
        assert left.wait(10)
    finally:
        served.stop()


# -- streaming -----------------------------------------------------------------------------------

Body = Callable[[Any, Any, Any], Awaitable[None]]


def client_for(app: Body, **options: Any) -> httpx2.AsyncClient:
    transport = InProcessTransport(app, **options)
    return httpx2.AsyncClient(base_url=BASE, transport=transport)


async def start(send: Any, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})


async def part(send: Any, body: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def other_tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def test_the_response_is_there_before_its_body() -> None:
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await go_on.wait()
        await part(send, b"late", more=False)

    async with client_for(app) as client, client.stream("GET", "/") as response:
        assert response.status_code == 200
        go_on.set()
        assert await response.aread() == b"late"


async def test_chunks_come_one_by_one_as_the_application_sent_them() -> None:
    turns: list[str] = []
    taken = asyncio.Semaphore(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        for word in (b"one", b"", b"two", b"three"):
            turns.append(f"sent {word.decode()}")
            await part(send, word)
            if word:
                await taken.acquire()
        await part(send, b"", more=False)

    async with client_for(app) as client, client.stream("GET", "/") as response:
        async for chunk in response.aiter_raw():
            turns.append(f"took {chunk.decode()}")
            taken.release()
    assert turns == [
        "sent one",
        "took one",
        "sent ",
        "sent two",
        "took two",
        "sent three",
        "took three",
    ]


async def test_an_application_waits_for_a_slow_reader() -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await start(send)
        for _ in range(1000):
            await part(send, b"z" * 1024)
            sent += 1024
        await part(send, b"", more=False)

    async with client_for(app) as client, client.stream("GET", "/") as response:
        for _ in range(100):
            await asyncio.sleep(0)
        assert sent <= HIGH_WATER + 2 * 1024
        chunks = response.aiter_raw()
        got = len(await anext(chunks))
        async for chunk in chunks:
            got += len(chunk)
            assert sent - got <= HIGH_WATER + 2 * 1024
    assert got == 1000 * 1024


async def test_a_request_body_is_read_only_as_the_application_asks() -> None:
    given_out: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for number in range(10):
            given_out.append(number)
            yield b"%d" % number

    async def app(scope: Any, receive: Any, send: Any) -> None:
        first = await receive()
        assert (first["body"], first["more_body"]) == (b"0", True)
        assert given_out == [0]
        await start(send)
        await part(send, b"enough", more=False)

    async with client_for(app) as client:
        response = await client.post("/", content=body())
    assert response.content == b"enough"
    assert given_out == [0]


async def test_the_response_may_start_while_the_request_is_still_read() -> None:
    more = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        await more.wait()
        yield b"b"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        while True:
            message = await receive()
            await part(send, message["body"].upper(), more=message["more_body"])
            if not message["more_body"]:
                return

    async with (
        client_for(app) as client,
        client.stream("POST", "/", content=body()) as response,
    ):
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"A"
        more.set()
        assert [chunk async for chunk in chunks] == [b"B"]


# -- leaving -------------------------------------------------------------------------------------


async def test_closing_early_disconnects_and_leaves_no_task() -> None:
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await start(send)
        await part(send, b"first")
        assert await receive() == {"type": "http.disconnect"}
        await part(send, b"nobody reads this")
        ended.set()

    client = client_for(app)
    async with client.stream("GET", "/") as response:
        assert await anext(response.aiter_raw()) == b"first"
    assert ended.is_set()
    assert other_tasks() == set()
    await client.aclose()


async def test_an_application_that_ignores_the_disconnect_is_cancelled_after_the_grace() -> None:
    cancelled = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        try:
            while True:
                await part(send, b"on and on")
        finally:
            cancelled.set()

    client = client_for(app, grace=0.01)
    async with client.stream("GET", "/"):
        pass
    assert cancelled.is_set()
    assert other_tasks() == set()
    await client.aclose()


async def test_an_application_waiting_for_room_is_released_by_a_close() -> None:
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        for _ in range(3):
            await part(send, b"w" * (HIGH_WATER + 1))
        ended.set()

    async with client_for(app) as client, client.stream("GET", "/"):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()


async def test_an_application_waiting_for_the_request_body_is_released_by_a_close() -> None:
    messages: list[Any] = []

    async def body() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b"never"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        messages.append(await receive())

    client = client_for(app)
    async with client.stream("POST", "/", content=body()):
        await asyncio.sleep(0)
    assert messages == [{"type": "http.disconnect"}]
    assert other_tasks() == set()
    await client.aclose()


async def test_a_caller_cancelled_before_the_response_ends_the_call() -> None:
    waiting = asyncio.Event()
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        waiting.set()
        told.append(await receive())

    client = client_for(app)
    asking = asyncio.create_task(client.get("/"))
    await waiting.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await client.aclose()
    assert told == [{"type": "http.disconnect"}]
    assert other_tasks() == set()


async def test_a_caller_cancelled_before_the_response_cancels_a_stubborn_call() -> None:
    waiting = asyncio.Event()
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    client = client_for(app, grace=0.01)
    asking = asyncio.create_task(client.get("/"))
    await waiting.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(ended.wait(), 5)
    await client.aclose()
    assert other_tasks() == set()


async def test_closing_the_transport_ends_every_call() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await part(send, b"open")
        while (await receive())["type"] != "http.disconnect":
            pass

    client = client_for(app)
    responses = [await client.send(client.build_request("GET", "/"), stream=True) for _ in "abc"]
    await client.aclose()
    assert other_tasks() == set()
    with pytest.raises(httpx2.ReadError):
        await responses[0].aread()


async def test_work_after_a_complete_response_goes_on_until_the_transport_closes() -> None:
    go_on = asyncio.Event()
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await part(send, b"here", more=False)
        await go_on.wait()
        done.set()

    client = client_for(app)
    response = await client.get("/")
    assert response.content == b"here"
    assert not done.is_set()
    go_on.set()
    await client.aclose()
    assert done.is_set()


async def test_a_closed_transport_refuses_calls() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("must not be called")

    transport = InProcessTransport(app)
    await transport.aclose()
    with pytest.raises(httpx2.ConnectError):
        await transport.handle_async_request(httpx2.Request("GET", BASE))


# -- failures ------------------------------------------------------------------------------------


async def test_a_failure_before_the_response_is_an_error_envelope_not_to_be_retried() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("secret detail")

    async with client_for(app) as client:
        response = await client.post("/v1/threads")
    assert response.status_code == 500
    assert response.headers["x-should-retry"] == "false"
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert "secret detail" not in response.text


async def test_a_failure_in_the_stream_reaches_the_reader_after_what_was_sent() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await part(send, b"so far")
        raise LookupError

    async with client_for(app) as client, client.stream("GET", "/") as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"so far"
        with pytest.raises(httpx2.RemoteProtocolError):
            await anext(chunks)


async def test_a_failing_request_body_is_the_callers_error() -> None:
    told: list[Any] = []

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        raise FileNotFoundError("gone")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        told.append(await receive())

    async with client_for(app) as client:
        with pytest.raises(FileNotFoundError):
            await client.post("/", content=body())
    assert told == [{"type": "http.disconnect"}]


async def test_the_clients_read_timeout_holds() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    async with client_for(app) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.get("/", timeout=0.01)


# -- context and lifespan ------------------------------------------------------------------------

_whose = contextvars.ContextVar("whose", default="nobody's")


async def test_the_application_does_not_see_the_callers_context_but_its_body_iterator_does() -> (
    None
):
    seen: list[str] = []

    async def body() -> AsyncIterator[bytes]:
        seen.append(f"body: {_whose.get()}")
        yield b"a"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(f"app: {_whose.get()}")
        _whose.set("the app's")
        await receive()
        await start(send)
        await part(send, b"", more=False)

    _whose.set("the caller's")
    async with client_for(app) as client:
        await client.post("/", content=body())
    assert seen == ["app: nobody's", "body: the caller's"]
    assert _whose.get() == "the caller's"


async def test_the_lifespan_hands_its_state_to_every_call() -> None:
    events: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await start(send)
            await part(send, scope["state"]["store"].encode(), more=False)
            return
        assert await receive() == {"type": "lifespan.startup"}
        scope["state"]["store"] = "open"
        events.append("up")
        await send({"type": "lifespan.startup.complete"})
        assert await receive() == {"type": "lifespan.shutdown"}
        events.append("down")
        await send({"type": "lifespan.shutdown.complete"})

    async with Lifespan(app) as lifespan, client_for(app, state=lifespan.state) as client:
        assert (await client.get("/")).text == "open"
        assert events == ["up"]
    assert events == ["up", "down"]
    assert other_tasks() == set()


async def test_a_failing_start_raises_the_applications_own_error() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "traceback text"})
        raise PermissionError("the data folder is not yours")

    with pytest.raises(PermissionError, match="not yours"):
        async with Lifespan(app):
            raise AssertionError("must not start")
    assert other_tasks() == set()


async def test_a_start_that_only_says_that_it_failed_raises_with_its_message() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no room"})

    with pytest.raises(RuntimeError, match="no room"):
        async with Lifespan(app):
            raise AssertionError("must not start")


async def test_a_failing_end_raises() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        async with Lifespan(app):
            pass
