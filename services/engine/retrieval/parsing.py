"""The door to the parse worker: a process of its own reads what a stranger wrote.

One worker reads file after file, is ended after a while without any, and replaced when a file
makes it crash, hang, or grow. What is light is read here, in a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from services.engine.retrieval.blocks import (
    MOST_CHARACTERS,
    Block,
    Parsed,
    Piece,
    Unreadable,
)
from services.engine.retrieval.parse_process import Limits, NoAnswer, ParseProcess
from services.engine.retrieval.plain_text import extension
from services.engine.retrieval.reading import is_light, pieces_of, read_light

log = logging.getLogger(__name__)

_KINDS = {
    "pdf": "PDF",
    "docx": "Word document",
    "doc": "Word document",
    "pptx": "presentation",
    "xlsx": "spreadsheet",
    "xlsm": "spreadsheet",
    "html": "web page",
}


class ParserClosed(Exception):
    """The engine is closing; nothing is wrong with the file."""


class Parser:
    """Reads files, one at a time. ``close`` it at the end."""

    def __init__(self, limits: Limits | None = None):
        self._limits = limits or Limits()
        self._worker: ParseProcess | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """The worker's, None when there is none."""
        return self._worker.process_id if self._worker else None

    async def parse(self, path: Path, filename: str, most: int = MOST_CHARACTERS) -> Parsed:
        """The document; ``filename`` tells its kind, ``most`` bounds it in characters.

        Raises ``Unreadable`` (the file cannot be read, and why), ``ParserClosed``, ``OSError``.
        """
        light = await asyncio.to_thread(_read_light, path, filename)
        if light is not None and len(light.text) <= most:
            return light
        blocks: list[Block] = []
        cut = False
        request = {"path": str(path), "filename": filename, "most": most}
        async with aclosing(self._answers(request)) as frames:
            async for frame in frames:
                blocks += [Block(text, place) for text, place in frame.get("blocks", ())]
                cut = frame.get("cut", False)
        return Parsed(tuple(blocks), cut)

    async def pieces(
        self, path: Path, filename: str, size: int, overlap: int
    ) -> AsyncGenerator[list[Piece], None]:
        """The document for the index, some pieces at a time.

        A piece has ``size`` tokens, ``overlap`` of them also in the one before. Close the generator
        (``aclosing``) if you leave it early. Raises as ``parse`` does.
        """
        light = await asyncio.to_thread(_read_light, path, filename)
        if light is not None:
            yield await asyncio.to_thread(lambda: list(pieces_of(light, filename, size, overlap)))
            return
        request = {"path": str(path), "filename": filename, "most": MOST_CHARACTERS}
        wanted = {**request, "size": size, "overlap": overlap}
        async with aclosing(self._answers(wanted)) as frames:
            async for frame in frames:
                if rows := frame.get("pieces"):
                    yield [Piece(*row) for row in rows]

    def stop(self) -> None:
        """Ends the worker in the middle of its file; who waits for it gets ``ParserClosed``."""
        self._closed = True
        if self._worker is not None:
            self._worker.kill()

    async def close(self) -> None:
        """Ends the worker, and leaves nothing of it behind."""
        self.stop()
        if self._idle is not None:
            self._idle.cancel()
        async with self._turn:
            await self._end(at_once=True)
            if self._ending is not None:
                await self._ending

    async def _answers(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The frames of an answer; what is wrong with the file is raised."""
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            frame: dict[str, Any] = {}
            try:
                worker = await self._ready_worker()
                async for frame in worker.answers(request, self._limits):
                    yield frame
            except NoAnswer as failure:
                await self._end(at_once=True)
                if self._closed:
                    raise ParserClosed from None
                log.warning("reading %s: %s", request["filename"], failure)
                raise
            except BaseException:
                # Cancelled or left in the middle: the worker would still be answering this.
                await self._end(at_once=True)
                raise
            if frame["held"] > self._limits.grown or "failed" in frame:
                await self._end(at_once=False)
            elif not self._closed:
                loop = asyncio.get_running_loop()
                self._idle = loop.call_later(self._limits.idle, self._rest)
        if "unreadable" in frame:
            raise Unreadable(frame["unreadable"], frame["code"])
        if "failed" in frame:
            raise _failure(frame, str(request["filename"]))

    async def _ready_worker(self) -> ParseProcess:
        if self._ending is not None:
            await self._ending
            self._ending = None
        if self._worker is not None and not self._worker.is_running:
            await self._end(at_once=True)
        if self._closed:
            raise ParserClosed
        if self._worker is None:
            self._worker = await ParseProcess.start(self._limits)
        return self._worker

    def _rest(self) -> None:
        """Nothing was asked of the worker for a while."""
        if not self._turn.locked():
            self._ending = asyncio.create_task(self._end(at_once=False))

    async def _end(self, *, at_once: bool) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end(at_once=at_once)


def _read_light(path: Path, filename: str) -> Parsed | None:
    """A file that needs no worker, else None."""
    try:
        return read_light(path, filename) if is_light(filename, path.stat().st_size) else None
    except FileNotFoundError:
        raise _gone() from None


def _failure(ended: Mapping[str, Any], filename: str) -> Unreadable:
    """What the worker could not say itself, as a sentence."""
    if detail := ended.get("detail"):
        log.warning("reading %s: %s", filename, detail)
    kind = _KINDS.get(extension(filename) or "", "file")
    match ended["failed"]:
        case "memory":
            return Unreadable(f"The {kind} needs more memory to read than it may have.")
        case "depth":
            return Unreadable(f"The {kind} is nested too deeply to be read.")
        case "gone":
            return _gone()
        case "library":
            return Unreadable(
                f"The {kind} cannot be read: a library is missing ({detail}).", "server_error"
            )
    return Unreadable(f"The {kind} is damaged and cannot be read.")


def _gone() -> Unreadable:
    return Unreadable("The file is not there any more.")
