"""HTTP clients that cost next to nothing, so that what is measured is the server."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class _Asker(asyncio.Protocol):
    """One connection that asks the same again as soon as it has been answered."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: Any = None
        self._received = bytearray()
        self._missing = -1
        self._asking = True
        self.answers = 0
        self.body = b""
        self.quiet: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._missing < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end + 2)
            if not self._received.startswith(b"HTTP/1.1 200") or length is None:
                self._give_up(f"unexpected answer: {bytes(self._received[:300])!r}")
                return
            self._missing = end + 4 + int(length[1])
        if len(self._received) < self._missing:
            return
        self.answers += 1
        if self.answers == 1:
            self.body = bytes(self._received).partition(b"\r\n\r\n")[2]
        self._received.clear()
        self._missing = -1
        if self._asking:
            self._transport.write(self._request)
        elif not self.quiet.done():
            self.quiet.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._give_up("the server closed the connection")

    def stop(self) -> None:
        self._asking = False

    def close(self) -> None:
        self._transport.close()

    def _give_up(self, why: str) -> None:
        if not self.quiet.done():
            self.quiet.set_exception(ConnectionError(why))


async def rate(port: int, request: bytes, connections: int, seconds: float) -> tuple[int, float]:
    """Asks over some keep-alive connections: how many answers, in how many seconds.

    Raises ``ConnectionError`` for an answer that is not 200.
    """
    loop = asyncio.get_running_loop()
    askers: list[_Asker] = []
    for _ in range(connections):
        _, asker = await loop.create_connection(lambda: _Asker(request), "127.0.0.1", port)
        askers.append(asker)
    began = time.perf_counter()
    waiting = asyncio.gather(*(asker.quiet for asker in askers))
    loop.call_later(seconds, lambda: [asker.stop() for asker in askers])
    try:
        await waiting
        took = time.perf_counter() - began
    finally:
        for asker in askers:
            asker.close()
    return sum(asker.answers for asker in askers), took


async def answer(port: int, request: bytes) -> bytes:
    """The body of one answer."""
    _, asker = await asyncio.get_running_loop().create_connection(
        lambda: _Asker(request), "127.0.0.1", port
    )
    asker.stop()
    try:
        await asker.quiet
    finally:
        asker.close()
    return asker.body
