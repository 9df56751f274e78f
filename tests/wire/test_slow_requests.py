"""Requests that never end: the server stops waiting, says so where it can, and hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from services.engine.http_connection import HttpConnection
from tests.waiting import until

SOON = 0.1
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"


async def count(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the number of bytes that came, or not at all if they did not all come."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    headers = [(b"content-length", str(len(str(size))).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(size).encode()})


@asynccontextmanager
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(HttpConnection, "seconds", SOON)
    config = uvicorn.Config(
        count, port=0, http=HttpConnection, ws="none", lifespan="off", log_config=None
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        host, port = server.servers[0].sockets[0].getsockname()
        yield lambda: asyncio.open_connection(host, port)
        state = server.server_state
        await until(lambda: not state.connections and not state.tasks)
    finally:
        await server.shutdown()


async def rest(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return await reader.read()


@pytest.mark.parametrize("begun", [b"", b"POST / HTTP/1.1\r\nHost: a\r\nX-Half"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    async with served(monkeypatch) as connect:
        reader, writer = await connect()
        writer.write(begun)
        assert await rest(reader) == b""
        writer.close()


async def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(monkeypatch) as connect:
        reader, writer = await connect()
        ended = asyncio.create_task(rest(reader))
        while not ended.done():
            writer.write(b"x")
            await asyncio.wait([ended], timeout=SOON / 10)
        assert ended.result() == b""
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"x" * 50])
async def test_a_body_that_stops_coming_is_answered_and_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    async with served(monkeypatch) as connect:
        reader, writer = await connect()
        writer.write(HEAD + begun)
        answer = await rest(reader)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"type": "invalid_request_error"' in answer
        writer.close()


async def test_a_body_that_keeps_coming_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(monkeypatch) as connect:
        reader, writer = await connect()
        answer = asyncio.create_task(rest(reader))
        writer.write(HEAD)
        for _ in range(50):
            writer.write(b"x" * 1000)
            await asyncio.wait([answer], timeout=SOON / 10)
            assert not answer.done()
        writer.write(b"x" * 50_000)
        assert (await answer).startswith(b"HTTP/1.1 200")
        assert answer.result().endswith(b"100000")
        writer.close()


async def test_a_connection_that_asks_nothing_more_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(monkeypatch) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        assert (await rest(reader)).count(b"HTTP/1.1 200") == 3
        writer.close()
