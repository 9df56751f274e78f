"""Which model was chosen for a thread, on this machine, in place of its assistant's own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from services.local.atomic import write_atomically
from services.records import ServiceError

MOST = 2000
"""Threads that are remembered; the ones chosen for first are forgotten first."""
LARGEST = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


class ThreadModels:
    """Model names by thread, kept in one file.

    ``None`` is the conversation that has no thread yet: its choice is not kept on disk, and goes
    to the thread that is made for it (``begin``).
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._chosen: dict[str, str] = {}
        self._next: str | None = None
        self._writing = asyncio.Lock()

    def load(self) -> None:
        """Reads the file: call it in a thread. What cannot be read counts as no choice."""
        self._chosen = self._read()

    def of(self, thread_id: str | None) -> str | None:
        """The model chosen for this thread, None for its assistant's own."""
        return self._next if thread_id is None else self._chosen.get(thread_id)

    def settings(self, thread_id: str) -> Mapping[str, str]:
        """What a run of this thread is created with."""
        model = self.of(thread_id)
        return {} if model is None else {"model": model}

    async def choose(self, thread_id: str | None, model: str | None) -> None:
        """Has ``model`` answer in this thread from now on; None gives it back to the assistant.

        Raises ``ServiceError`` when the choice could not be kept; it holds until the app ends.
        """
        if thread_id is None:
            self._next = model
            return
        self._change(self._chosen, thread_id, model)
        async with self._writing:
            try:
                await asyncio.to_thread(self._write, thread_id, model)
            except OSError as error:
                raise ServiceError(
                    f"The choice of the model could not be kept in {self._file}: "
                    f"{error.strerror or error}. It holds until you leave."
                ) from error

    async def begin(self, thread_id: str) -> None:
        """The conversation without a thread has one now. Never raises: no message fails for it."""
        model, self._next = self._next, None
        await self._choose_quietly(thread_id, model)

    async def inherit(self, thread_id: str, from_thread: str) -> None:
        """A fork goes on with the model of the thread it is from. Never raises."""
        await self._choose_quietly(thread_id, self.of(from_thread))

    async def _choose_quietly(self, thread_id: str, model: str | None) -> None:
        if model is None:
            return
        try:
            await self.choose(thread_id, model)
        except ServiceError as error:
            _log.warning("%s", error.sentence)

    def _write(self, thread_id: str, model: str | None) -> None:
        # Read again: another app on the same folder may have chosen meanwhile.
        current = self._read()
        self._change(current, thread_id, model)
        for old in list(current)[:-MOST]:
            del current[old]
        write_atomically(self._file, json.dumps(current, indent=0).encode())

    @staticmethod
    def _change(chosen: dict[str, str], thread_id: str, model: str | None) -> None:
        chosen.pop(thread_id, None)
        if model is not None:
            chosen[thread_id] = model

    def _read(self) -> dict[str, str]:
        try:
            if self._file.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            read = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("The chosen models cannot be read: %s", error)
            return {}
        if not isinstance(read, dict):
            return {}
        return {key: value for key, value in read.items() if isinstance(value, str)}
