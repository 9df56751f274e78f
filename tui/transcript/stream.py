"""Joins what arrives within a frame: the first piece at once, then 30 frames a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

FRAME = 1 / 30


class FrameJoiner:
    """Collects text by key and hands it on once a frame.

    ``flush`` gets ``{key: text}``. Needs a running event loop as soon as something has to wait.
    """

    def __init__(self, flush: Callable[[dict[str, str]], None]) -> None:
        self._flush = flush
        self._waiting: dict[str, list[str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0

    def add(self, key: str, text: str) -> None:
        if not text:
            return
        self._waiting.setdefault(key, []).append(text)
        if self._timer is not None:
            return
        wait = self._last + FRAME - monotonic()
        if wait <= 0:
            self.flush()
        else:
            self._timer = asyncio.get_running_loop().call_later(wait, self.flush)

    def flush(self) -> None:
        """Hand on what waits, now."""
        self._stop()
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            self._last = monotonic()
            self._flush({key: "".join(texts) for key, texts in waiting.items()})

    def drop(self) -> None:
        """Forget what waits."""
        self._stop()
        self._waiting.clear()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
