"""What was sent before, for walking back through it: one JSON line a message.

Several apps may add to the file at once; it is cut back under a lock when it has grown.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from services.local.atomic import write_atomically
from services.outgoing import Outgoing, outgoing_as_json, outgoing_from_json

MOST = 2_000
"""Messages that are remembered."""
LARGEST_FILE = 4 * 1024 * 1024
"""Bytes after which the file is cut back to ``MOST`` messages and half of this size."""
LARGEST = 256 * 1024
"""Bytes of one message; longer ones are not remembered."""

_log = logging.getLogger(__name__)


class History:
    """Messages that were sent, the newest first. Everything that touches the file may wait for
    the disk: call ``read`` and ``add`` in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.messages: tuple[Outgoing, ...] = ()
        """What was read, with what was added since; the same text twice in a row is there once."""

    def read(self) -> None:
        """Reads what this app and others have added. Never raises."""
        found: list[Outgoing] = []
        with contextlib.suppress(OSError):
            for message in _messages(_tail(self._file)):
                if not found or found[-1].text != message.text or found[-1].folds != message.folds:
                    found.append(message)
        self.messages = tuple(reversed(found[-MOST:]))

    def remember(self, message: Outgoing) -> Outgoing | None:
        """Puts a message first, in memory; what has to be added to the file, if anything."""
        # Without its files and its assistant: those belong to the moment.
        kept = Outgoing(text=message.text, folds=message.folds)
        if not kept or (self.messages and self.messages[0] == kept):
            return None
        self.messages = (kept, *self.messages[: MOST - 1])
        return kept

    def add(self, message: Outgoing) -> None:
        """Adds a message to the file. A file that cannot be written is logged, never raised."""
        line = json.dumps(outgoing_as_json(message), ensure_ascii=True).encode() + b"\n"
        if len(line) > LARGEST:
            return
        try:
            with self._locked():
                self._append(line)
                if self._file.stat().st_size > LARGEST_FILE:
                    self._cut_back()
        except OSError as error:
            _log.warning("A message could not be remembered: %s", error.strerror or error)

    def _append(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self._file, flags, 0o600)
        try:
            if _ends_inside_a_line(self._file):  # a crash while writing: that line is lost alone
                line = b"\n" + line
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _cut_back(self) -> None:
        kept: list[bytes] = []
        size = 0
        for line in reversed(self._file.read_bytes().splitlines(keepends=True)):
            size += len(line)
            if len(kept) == MOST or size > LARGEST_FILE // 2:
                break
            kept.append(line)
        write_atomically(self._file, b"".join(reversed(kept)))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time: what is added while another cuts back would be lost."""
        import fcntl

        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _tail(file: Path) -> bytes:
    """The end of the file; a line that is cut in two is left out by its reader."""
    with file.open("rb") as opened:
        opened.seek(0, os.SEEK_END)
        opened.seek(max(0, opened.tell() - 2 * LARGEST_FILE))
        return opened.read()


def _messages(data: bytes) -> Iterator[Outgoing]:
    for line in data.splitlines():
        try:
            message = outgoing_from_json(json.loads(line))
        except ValueError:
            continue
        if message:
            yield message


def _ends_inside_a_line(file: Path) -> bool:
    with file.open("rb") as opened:
        if not opened.seek(0, os.SEEK_END):
            return False
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) != b"\n"
