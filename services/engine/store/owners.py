"""Which engine processes are alive.

A run belongs to the process that carries it out. Several may share one data folder (the app, and
an ``understudy ask`` in another terminal), so a process that starts must not end the runs of one
that lives. Each holds a lock on a file named after itself; the kernel lets go of it however the
process ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path


class Owners:
    """The lock files of a data folder. ``me`` is this engine's own name."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.me = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._descriptor: int | None = None

    def enter(self) -> None:
        """Takes this engine's lock; raises ``OSError`` when the folder cannot be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self._path(self.me), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def leave(self) -> None:
        if self._descriptor is not None:
            self._path(self.me).unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def alive(self, owner: str) -> bool:
        """Whether that engine still runs; the file of one that does not is swept away."""
        if owner == self.me:
            return True
        try:
            descriptor = os.open(self._path(owner), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            self._path(owner).unlink(missing_ok=True)
            return False
        finally:
            os.close(descriptor)

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"
