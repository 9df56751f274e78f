"""The bytes of files, beside the database.

A file is there whole or not at all: it is written under a temporary name, synced, and renamed. Its
row is added after that and removed before its bytes are, so that a crash leaves at most bytes that
nobody names; they are swept away at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_PARTIAL = ".partial-"
_PIECE = 1024 * 1024
_ABANDONED_SECONDS = 24 * 60 * 60


class Contents:
    """One folder of bytes, named by file id. Every method works in a thread."""

    def __init__(self, folder: Path):
        self._folder = folder

    def path(self, file_id: str) -> Path:
        """Where the bytes of a file are; ``file_id`` is one of ours, never a name from outside."""
        return self._folder / file_id

    async def keep(self, file_id: str, source: BinaryIO) -> int:
        """Stores all of ``source`` from its beginning, durably; the number of bytes."""
        return await asyncio.to_thread(self._keep, file_id, source)

    async def join(self, file_id: str, part_ids: Sequence[str]) -> tuple[int, str]:
        """Stores the parts' bytes in this order as one file; its size, and its MD5 in hex.

        The parts stay until they are removed. Raises ``FileNotFoundError`` if one is missing.
        """
        return await asyncio.to_thread(self._join, file_id, part_ids)

    async def read(self, file_id: str) -> bytes | None:
        """All bytes, None if there are none. For small files: see ``path`` for the others."""
        try:
            return await asyncio.to_thread(self.path(file_id).read_bytes)
        except FileNotFoundError:
            return None

    async def remove(self, file_id: str) -> None:
        await asyncio.to_thread(self.path(file_id).unlink, missing_ok=True)

    async def sweep(self, known: Collection[str]) -> None:
        """Removes what a crash left: half-written files, and those that no row names.

        What is younger than a day stays: another process may be about to name it.
        """
        await asyncio.to_thread(self._sweep, known)

    def _keep(self, file_id: str, source: BinaryIO) -> int:
        source.seek(0)
        with self._writing(file_id) as target:
            shutil.copyfileobj(source, target, _PIECE)
            return target.tell()

    def _join(self, file_id: str, part_ids: Sequence[str]) -> tuple[int, str]:
        digest = hashlib.md5(usedforsecurity=False)
        with self._writing(file_id) as target:
            for part_id in part_ids:
                with self.path(part_id).open("rb") as part:
                    while piece := part.read(_PIECE):
                        digest.update(piece)
                        target.write(piece)
            return target.tell(), digest.hexdigest()

    @contextmanager
    def _writing(self, file_id: str) -> Iterator[BinaryIO]:
        """A new file that is there, synced, once the block ends, and never if it raises."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=_PARTIAL, dir=self._folder)
        try:
            with open(descriptor, "wb") as target:
                yield target
                target.flush()
                os.fsync(target.fileno())
            os.replace(name, self.path(file_id))
        except BaseException:
            os.unlink(name)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _sweep(self, known: Collection[str]) -> None:
        if not self._folder.is_dir():
            return
        before = time.time() - _ABANDONED_SECONDS
        for path in self._folder.iterdir():
            if path.name not in known and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
