"""The engine's side of the parse worker's process: its start, its answers, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.engine.retrieval.blocks import Unreadable

_SCRIPT = Path(__file__).with_name("parse_worker.py")
_FRAME_LIMIT = 64 * 1024 * 1024
_PIECE = 64 * 1024
_LEAVE = 1.0  # seconds a worker may take to end by itself
_TOO_MUCH = "The file holds more text than can be taken in."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost, in seconds and bytes.

    ``silence`` is how long nothing may come, ``output`` bounds the answer. A worker that holds
    more than ``grown`` is not used for another file; one without work ends after ``idle``.
    """

    memory: int = 1024 * 1024 * 1024
    processor_seconds: int = 90
    seconds: float = 180.0
    silence: float = 20.0
    output: int = 512 * 1024 * 1024
    grown: int = 256 * 1024 * 1024
    idle: float = 60.0


class NoAnswer(Unreadable):
    """The process crashed, or took or gave more than it may."""


class ParseProcess:
    """A running worker."""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process

    @classmethod
    async def start(cls, limits: Limits) -> ParseProcess:
        """Raises ``NoAnswer`` when no process can be had."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-B", "-X", "utf8"),
                str(_SCRIPT),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # It may write nowhere, so it has no folder of its own either.
                cwd=os.sep,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        except OSError as error:
            said = f"No process could be started to read the file: {error.strerror or error}."
            raise NoAnswer(said, "server_error") from None
        worker = cls(process)
        bounds = {
            "memory": limits.memory,
            "processor_seconds": limits.processor_seconds,
            "parent": os.getpid(),
            "paths": _paths(),
        }
        try:
            await worker._send(bounds)
            await worker._frame(limits.silence)
        except NoAnswer:
            await worker.end(at_once=True)
            raise NoAnswer("The process that reads files did not start.", "server_error") from None
        except BaseException:
            await worker.end(at_once=True)
            raise
        return worker

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def answers(
        self, request: Mapping[str, Any], limits: Limits
    ) -> AsyncIterator[dict[str, Any]]:
        """The frames of an answer; the last one has ``held``, and tells how it ended.

        Raises ``NoAnswer``; the process is of no use then.
        """
        deadline = time.monotonic() + limits.seconds
        size = 0
        await self._send(request)
        while True:
            left = deadline - time.monotonic()
            if left <= limits.silence:
                late = f"The file took longer than {limits.seconds:g} s to read and was given up."
                body = await self._frame(max(0.0, left), late)
            else:
                body = await self._frame(limits.silence)
            size += len(body)
            if size > limits.output:
                raise NoAnswer(_TOO_MUCH)
            frame: dict[str, Any] = json.loads(body)
            yield frame
            if "held" in frame:
                return

    def kill(self) -> None:
        # Not by the process's own ``kill``, which may take its exit status away from who waits;
        # PermissionError is what macOS says of a group in which everybody has ended.
        if self.is_running:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self, *, at_once: bool) -> None:
        """Leaves nothing behind: no process, no open pipe."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            # One that waits for a request goes by itself now.
            async with asyncio.timeout(0 if at_once else _LEAVE):
                await self._drained()
        except TimeoutError:
            pass
        finally:
            self.kill()
            await self._drained()
            await self._process.wait()

    async def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps(request).encode()
        # A process that is gone shows by its missing answer.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(len(body).to_bytes(4, "big") + body)
            await self._process.stdin.drain()

    async def _frame(self, seconds: float, late: str = "") -> bytes:
        out = self._process.stdout
        assert out is not None
        try:
            async with asyncio.timeout(seconds):
                length = int.from_bytes(await out.readexactly(4), "big")
                if length > _FRAME_LIMIT:
                    raise NoAnswer(_TOO_MUCH)
                return await out.readexactly(length)
        except TimeoutError:
            silent = f"nothing came of reading it for {seconds:.0f} s. It may be damaged."
            raise NoAnswer(late or f"The file was given up: {silent}") from None
        except asyncio.IncompleteReadError:
            # Whoever closes its way out has ended, or will never say more.
            self.kill()
            raise NoAnswer(_crash(await self._process.wait())) from None

    async def _drained(self) -> None:
        """Until the process has closed its end: only then is its pipe closed here."""
        assert self._process.stdout is not None
        while await self._process.stdout.read(_PIECE):
            pass


def _paths() -> list[str]:
    """Where the engine's modules and libraries are, however they were installed."""
    package = str(Path(__file__).resolve().parents[3])
    return [package, *(path for path in sys.path if path and Path(path).is_absolute())]


def _crash(status: int) -> str:
    if status == -signal.SIGXCPU:
        return "The file took more processor time to read than it may and was given up."
    return "The file made the program that reads it crash. It may be damaged."
