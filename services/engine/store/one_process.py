"""Work that only one of the processes on a data folder does at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class OneProcess:
    """A lock on a file; the kernel lets go of it however the process ends."""

    def __init__(self, path: Path):
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; never waits. Raises ``OSError`` when there can be no file."""
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
