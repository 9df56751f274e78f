"""Drafts on disk: what was being written when the app ended, however it ended.

One small file a thread, so that two apps on the same folder do not write over each other's.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from services.local.atomic import write_atomically
from services.outgoing import Draft, draft_as_json, draft_from_json

EVERY = 0.5
"""Seconds between two writings while someone types."""
MOST = 200
"""Threads whose drafts are kept; the ones that were left alone the longest go first."""
LARGEST = 8 * 1024 * 1024
"""Bytes of one draft; a larger file is none of ours."""

_log = logging.getLogger(__name__)


class Drafts:
    """The drafts of one connection, by thread; ``None`` is the thread that is not made yet."""

    def __init__(self, folder: Path, connection: str) -> None:
        self._folder = folder
        self._connection = connection
        self._waiting: dict[str, Callable[[], Draft]] = {}
        self._writer: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._complained = False

    def read(self) -> dict[str | None, Draft]:
        """Every draft there is. Reads files: call it in a thread. Never raises."""
        found: dict[str | None, Draft] = {}
        for path in self._by_age()[:MOST]:
            with contextlib.suppress(OSError, ValueError):
                if path.stat().st_size > LARGEST:
                    continue
                read = json.loads(path.read_text(encoding="utf-8"))
                if not isinstance(read, dict) or read.get("connection") != self._connection:
                    continue
                thread_id = read.get("thread")
                found[thread_id if isinstance(thread_id, str) else None] = draft_from_json(read)
        return found

    def keep(self, thread_id: str | None, snapshot: Callable[[], Draft]) -> None:
        """Notes that the draft changed; ``snapshot`` is asked for it when it is written."""
        self._waiting[thread_id or ""] = snapshot
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_later(), name="drafts")

    async def flush(self) -> None:
        """Writes at once what has changed."""
        await asyncio.to_thread(self._write, self._take())

    def flush_now(self) -> None:
        """As ``flush``, without a loop: for the very end."""
        self._write(self._take())

    async def _write_later(self) -> None:
        while self._waiting:
            await asyncio.sleep(EVERY)
            await self.flush()

    def _take(self) -> dict[str, Draft]:
        waiting, self._waiting = self._waiting, {}
        return {thread_id: snapshot() for thread_id, snapshot in waiting.items()}

    def _write(self, drafts: dict[str, Draft]) -> None:
        with self._lock:
            for thread_id, draft in drafts.items():
                try:
                    self._write_one(thread_id, draft)
                except OSError as error:
                    if not self._complained:  # once: a full disk would fill the log as well
                        self._complained = True
                        _log.warning("A draft could not be kept: %s", error.strerror or error)

    def _write_one(self, thread_id: str, draft: Draft) -> None:
        path = self._path(thread_id)
        if not draft:
            path.unlink(missing_ok=True)
            return
        written = {"connection": self._connection, "thread": thread_id or None}
        data = json.dumps(written | draft_as_json(draft), ensure_ascii=True).encode()
        if len(data) > LARGEST:
            _log.warning("A draft of %d bytes is too long to be kept.", len(data))
            return
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not path.exists()
        write_atomically(path, data)
        if new:
            for old in self._by_age()[MOST:]:
                old.unlink(missing_ok=True)

    def _by_age(self) -> list[Path]:
        """The files of drafts, the newest first."""
        aged: list[tuple[float, Path]] = []
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.json"):
                with contextlib.suppress(OSError):
                    aged.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(aged, reverse=True)]

    def _path(self, thread_id: str) -> Path:
        # Ids come from a server and may hold anything; a digest is always a name.
        digest = hashlib.sha256(f"{self._connection}\0{thread_id}".encode()).hexdigest()
        return self._folder / f"{digest[:32]}.json"
