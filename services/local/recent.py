"""The commands that were used last, for the palette. Losing them costs nothing but their order."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from services.local.atomic import write_atomically

log = logging.getLogger(__name__)

MOST = 8
"""Commands that are remembered."""


class Recent:
    """Ids of commands, the last used first. What cannot be read or written is only logged."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._loaded = False
        self._changed = False
        self.ids: tuple[str, ...] = ()

    async def load(self) -> None:
        """Reads the file, once; what was noted before stays in front."""
        if self._loaded:
            return
        self._loaded = True
        read = await asyncio.to_thread(self._read)
        self.ids = tuple(dict.fromkeys((*self.ids, *read)))[:MOST]

    def note(self, id: str) -> None:
        """This command was used."""
        if self.ids[:1] != (id,):
            self.ids = tuple(dict.fromkeys((id, *self.ids)))[:MOST]
            self._changed = True

    async def save(self) -> None:
        """Writes what changed; nothing without a change."""
        if not self._changed:
            return
        await self.load()
        self._changed = False
        try:
            await asyncio.to_thread(write_atomically, self._file, json.dumps(self.ids).encode())
        except OSError as error:
            log.info("the commands used last were not written: %s", error)

    def _read(self) -> tuple[str, ...]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        return (
            tuple(each for each in found if isinstance(each, str))
            if isinstance(found, list)
            else ()
        )
