"""Which threads have news: what this machine's user saw of each, and when.

A file of its own, because it belongs to this machine and not to the threads. Losing it costs
nothing but marks: what was there before it counts as seen.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

from services.local.atomic import write_atomically
from services.records import Thread

log = logging.getLogger(__name__)

MOST = 5_000
"""Threads that are remembered; of others, what is older than the oldest of these is seen."""


class Seen:
    """``look`` at a thread when it is shown; ``has_news`` of those that changed since.

    Reads its file when it is first asked. What cannot be read or written is only logged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._since = 0
        self._seen: dict[str, tuple[int, bool]] = {}
        self._loaded = False
        self._changed = False

    def look(self, thread: Thread) -> None:
        """The user sees the thread as it is now."""
        self._load()
        now = (thread.active_at, thread.busy)
        if self._seen.get(thread.id) != now:
            # At the end of the dictionary: the ones looked at last are kept longest.
            self._seen.pop(thread.id, None)
            self._seen[thread.id] = now
            self._changed = True

    def has_news(self, thread: Thread) -> bool:
        """Whether something was written in it, or its run ended, since it was looked at."""
        self._load()
        active_at, was_busy = self._seen.get(thread.id, (self._since, False))
        if thread.busy:
            return False  # it is being written: its mark says so already
        return thread.active_at > active_at or was_busy

    async def save(self) -> None:
        """Writes what changed; nothing without a change."""
        if not self._changed:
            return
        self._changed = False
        while len(self._seen) > MOST:
            oldest = next(iter(self._seen))
            self._since = max(self._since, self._seen.pop(oldest)[0])
        data = {"since": self._since, "seen": self._seen}
        try:
            await asyncio.to_thread(write_atomically, self._file, json.dumps(data).encode())
        except OSError as error:
            log.info("what was seen was not written: %s", error)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        try:
            data = json.loads(self._file.read_text(encoding="utf-8"))
            self._since = int(data["since"])
            self._seen = {
                str(id): (int(active_at), bool(busy))
                for id, (active_at, busy) in data["seen"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # None yet, or not ours any more: from here on.
            self._since, self._seen = int(time.time()), {}
            self._changed = True
