"""Exports threads into a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from services.exporting.collecting import collect
from services.exporting.saving import free_name, save
from services.exporting.thread_record import Format
from services.records import ServiceError, Thread

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class Exports:
    """``folder`` is where files go: the one the program was started in."""

    def __init__(self, client: AsyncOpenAI, folder: Path | None = None) -> None:
        self._client = client
        self.folder = Path.cwd() if folder is None else folder

    def name_for(self, title: str, format: Format) -> str:
        """A file name out of a title that no file in the folder has."""
        return free_name(self.folder, title, format)

    async def thread(
        self, thread: Thread, name: str, format: Format, *, replace: bool = False
    ) -> Path:
        """Writes the whole thread to the file ``name``; a relative one is in the folder.

        Raises ``FileThere`` for a file that is there, unless it may be replaced, and
        ``ServiceError``.
        """
        path = self._path(name)
        record = await collect(
            self._client, thread.id, title=thread.title, pictures=format == "html"
        )
        await asyncio.to_thread(save, record, path, format, replace=replace)
        return path

    def _path(self, name: str) -> Path:
        try:
            return (self.folder / Path(name).expanduser()).absolute()
        except RuntimeError as error:  # "~somebody" who does not exist
            raise ServiceError(f"{name} names a folder that cannot be found.") from error
