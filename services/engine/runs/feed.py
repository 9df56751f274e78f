"""What a run announces, to whoever listens.

A feed covers one stretch of a run: from its start, or from the submission of tool outputs, until it
ends or waits for outputs. Listeners come and go without the run noticing; one that reads too
slowly is cut off instead of filling the memory.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from services.engine.store.steps import THE_USUAL, Included, without_contents

HEARTBEAT_SECONDS = 15.0
BACKLOG_BYTES = 8 * 1024 * 1024
PATIENCE_SECONDS = 5.0
DONE = b"event: done\ndata: [DONE]\n\n"


def encode(event: str, data: Mapping[str, Any]) -> bytes:
    """One server-sent event. ASCII only: no reader can mistake a U+2028 for the end of a line."""
    return b"event: %b\ndata: %b\n\n" % (
        event.encode(),
        json.dumps(data, separators=(",", ":")).encode(),
    )


class Feed:
    """One publisher, any number of listeners.

    ``included`` is what they are told beyond the usual.
    """

    def __init__(self, included: Included = THE_USUAL) -> None:
        self.included = included
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def publish(self, event: str, data: Mapping[str, Any]) -> None:
        if self._listeners and not self._closed:
            if not self.included.contents and data.get("object") == "thread.run.step":
                data = without_contents(data)
            block = encode(event, data)
            for listener in tuple(self._listeners):
                listener.push(block)

    def close(self) -> None:
        """No more will come: every listener gets ``done``."""
        if self._closed:
            return
        self._closed = True
        for listener in self._listeners:
            listener.push(DONE)
            listener.end()

    def listen(self) -> Listener:
        """A listener that hears everything published from now on."""
        listener = Listener(self)
        if self._closed:
            listener.push(DONE)
            listener.end()
        else:
            self._listeners.add(listener)
        return listener

    def forget(self, listener: Listener) -> None:
        self._listeners.discard(listener)


class Listener:
    """Blocks of server-sent events for one reader, as an async iterator of bytes."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._blocks: list[bytes] = []
        self._size = 0
        self._waiting_since = 0.0
        self._ended = False
        self._wake = asyncio.Event()

    def push(self, block: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if not self._blocks:
            self._waiting_since = now
        # Much at once is no sign of a slow reader: only much that has waited for it is.
        elif self._size > BACKLOG_BYTES and now - self._waiting_since > PATIENCE_SECONDS:
            self._feed.forget(self)
            self.end()
            return
        self._blocks.append(block)
        self._size += len(block)
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                if self._blocks:
                    blocks, self._blocks, self._size = self._blocks, [], 0
                    # One body chunk for all that waited: a chunk costs more than its bytes.
                    yield b"".join(blocks)
                elif self._ended:
                    return
                else:
                    self._wake.clear()
                    try:
                        async with asyncio.timeout(HEARTBEAT_SECONDS):
                            await self._wake.wait()
                    except TimeoutError:
                        yield b": ping\n\n"
        finally:
            self._feed.forget(self)
