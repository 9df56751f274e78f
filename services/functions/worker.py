"""The app's side of a user's function: one child process for each look at a file and each call.

The user's code never runs in the app. Its process has a session and a nearly empty environment of
its own, gets its request on standard input and answers on a pipe of its own; what it prints is
counted, and kept only in part. When the answer is there, the time is up or the caller is
cancelled, the whole process group is ended: first SIGTERM, then SIGKILL.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

LOAD_LIMIT = 10.0  # seconds for Python to start and for the file's own top level
TIME_LIMIT = 60.0  # seconds for the function itself
OUTPUT_LIMIT = 256 * 1024  # bytes
PRINT_LIMIT = 8 * 1024  # bytes of what was printed that are kept, half from each end

_SCRIPT = Path(__file__).with_name("worker_main.py")
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR")
_GRACE = 1.0  # seconds between SIGTERM and SIGKILL
_LEAVE = 2.0  # seconds a process may take to leave by itself after its answer
_FRAME_LIMIT = 16 * 1024 * 1024
_CHUNK = 64 * 1024
# Past this, prints are read at a few MB a second: a flood must not keep the screen from drawing.
_FREE_PRINTS = 1024 * 1024
_FLOOD_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """What the model is told about a call, and what the user may want to know besides.

    ``output`` is the function's result, or with ``ok`` False a sentence that says why there is
    none. ``duration`` is in seconds, ``cut`` counts the bytes missing from the middle of a result
    that was too long. ``printed`` is (the beginning and end of) what the function printed, all of
    it ``printed_size`` bytes; it is not part of the result.
    """

    output: str
    ok: bool
    duration: float
    cut: int = 0
    printed: str = ""
    printed_size: int = 0


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """A public function of a file; ``problem`` says why it cannot be offered to a model."""

    name: str
    description: str
    parameters: Mapping[str, Any] | None
    line: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FileDescription:
    """What a file offers, or why it cannot be loaded, and where in it (0: not known).

    ``sources`` are the files beside it that it imported, None when it did not come that far.
    ``timed_out`` tells that looking again would cost as much time again.
    """

    functions: tuple[FoundFunction, ...] = ()
    problem: str = ""
    line: int = 0
    sources: tuple[str, ...] | None = None
    timed_out: bool = False


class _NoAnswer(Exception):
    """The process gave none; ``sentence`` continues "NAME ...", ``line`` is in the user's file."""

    def __init__(self, sentence: str, line: int = 0, *, timed_out: bool = False):
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line
        self.timed_out = timed_out


async def describe(path: Path, *, time_limit: float = LOAD_LIMIT) -> FileDescription:
    """Load the file in a process of its own and say which functions are in it. Raises nothing."""
    request = {"action": "describe", "path": str(path)}
    try:
        async with _started(request, path, processor_limit=time_limit) as process:
            answer = await process.answer(time_limit)
    except _NoAnswer as failure:
        return FileDescription(
            problem=failure.sentence, line=failure.line, timed_out=failure.timed_out
        )
    return FileDescription(
        tuple(FoundFunction(**entry) for entry in answer["functions"]),
        answer["problem"],
        answer["line"],
        tuple(answer["sources"]),
    )


async def call(
    path: Path,
    name: str,
    arguments_json: str,
    *,
    time_limit: float = TIME_LIMIT,
    output_limit: int = OUTPUT_LIMIT,
) -> FunctionResult:
    """Run one function of the file once with the arguments as the model wrote them.

    ``time_limit`` (seconds) counts from when the file is loaded and the arguments are checked;
    ``output_limit`` is in bytes. Raises nothing of the function's: every failure is a result.
    """
    request = {
        "action": "call",
        "path": str(path),
        "name": name,
        "arguments": arguments_json,
        "output_limit": output_limit,
    }
    begun = time.monotonic()
    printed = _Printed()
    try:
        async with _started(request, path, LOAD_LIMIT + time_limit, printed) as process:
            answer = await process.answer(LOAD_LIMIT, output_limit)
            if answer.get("ready"):
                answer = await process.answer(time_limit, output_limit)
        output, ok, cut = answer["output"], answer["ok"], answer["cut"]
    except _NoAnswer as failure:
        where = f" ({path.name}, line {failure.line})" if failure.line else ""
        output, ok, cut = f"{name} {failure.sentence}{where}.", False, 0
        if last := printed.last_line():
            output += f" The last line it printed: {last}"
    duration = time.monotonic() - begun
    return FunctionResult(output, ok, duration, cut, printed.text(), printed.size)


class _Printed:
    """Counts what is printed and keeps its beginning and end."""

    def __init__(self) -> None:
        self.size = 0
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        self.size += len(data)
        room = PRINT_LIMIT // 2 - len(self._head)
        self._head += data[:room]
        self._tail = (self._tail + data[room:])[-PRINT_LIMIT // 2 :]

    def text(self) -> str:
        cut = self.size - len(self._head) - len(self._tail)
        middle = f"\n[... {cut:,} bytes cut out of the middle ...]\n".encode() if cut else b""
        return (self._head + middle + self._tail).decode(errors="replace")

    def last_line(self) -> str:
        lines = self.text().split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


class _Process:
    """A running child: its answers, its prints, its end."""

    def __init__(
        self, process: asyncio.subprocess.Process, answers: BinaryIO, prints: BinaryIO
    ) -> None:
        self._process = process
        self._pipes = (answers, prints)
        self._transports: list[asyncio.ReadTransport] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._frame_limit = _FRAME_LIMIT
        self._terminated = False

    async def listen(self, printed: _Printed) -> None:
        answers, prints = [await self._reader(pipe) for pipe in self._pipes]
        reading = asyncio.create_task(self._read(answers))
        self._collecting = asyncio.create_task(self._collect(prints, printed))
        self._exit = asyncio.create_task(self._watch(reading))
        self._tasks += [reading, self._collecting, self._exit]

    async def _reader(self, pipe: BinaryIO) -> asyncio.StreamReader:
        # Pipes of our own, not asyncio's: with those, waiting for the process's end would also
        # wait for every process it left behind that still holds the other side.
        reader = asyncio.StreamReader(limit=_CHUNK)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        self._transports.append(transport)
        return reader

    async def ask(self, request: Mapping[str, Any]) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        # A process that is gone already shows by its missing answer.
        with suppress(BrokenPipeError, ConnectionResetError):
            stdin.write(json.dumps(request).encode())
            await stdin.drain()
        stdin.close()

    async def answer(self, time_limit: float, output_limit: int = 0) -> dict[str, Any]:
        """The next answer, waiting at most ``time_limit`` seconds.

        Raises:
            _NoAnswer: the time was up, or the process ended without one.
        """
        self._frame_limit = _FRAME_LIMIT + 6 * output_limit
        try:
            async with asyncio.timeout(time_limit):
                answer = await self._answers.get()
        except TimeoutError:
            line = await self._terminate()
            sentence = f"took longer than {time_limit:g} s and was stopped"
            raise _NoAnswer(sentence, line, timed_out=True) from None
        if answer is not None and "stopped" not in answer:
            return answer
        await asyncio.wait({self._exit}, timeout=_GRACE)
        raise _NoAnswer(_ending(self._process.returncode))

    async def _terminate(self) -> int:
        """SIGTERM, and the line of the user's file that the process says it was at (or 0)."""
        self._terminated = True
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                answer = await self._answers.get()
                if answer is not None:
                    return int(answer.get("stopped", 0))
        return 0

    async def end(self, *, answered: bool) -> None:
        """Leave nothing behind: no process of the group, no open pipe, no task."""
        try:
            if answered:
                await asyncio.wait({self._exit}, timeout=_LEAVE)
            if self._process.returncode is None and not self._terminated:
                self._signal(signal.SIGTERM)
                await asyncio.wait({self._exit}, timeout=_GRACE)
        finally:
            # Also when the process itself has gone: it may have left others of its group.
            self._signal(signal.SIGKILL)
        try:
            # Not for ever: the kernel keeps a process that waits for a dead network drive.
            await asyncio.wait({self._exit}, timeout=_LEAVE)
            await asyncio.wait({self._collecting}, timeout=_GRACE / 4)
        finally:
            for task in self._tasks:
                task.cancel()
            for transport in self._transports:
                transport.close()

    def _signal(self, number: signal.Signals) -> None:
        # PermissionError is what macOS says of a group in which everybody has ended.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _read(self, answers: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, ValueError, OSError):
            while True:
                length = int.from_bytes(await answers.readexactly(8), "big")
                if length > self._frame_limit:
                    break
                self._answers.put_nowait(json.loads(await answers.readexactly(length)))
        self._answers.put_nowait(None)

    async def _collect(self, prints: asyncio.StreamReader, printed: _Printed) -> None:
        while data := await prints.read(_CHUNK):
            printed.add(data)
            if printed.size > _FREE_PRINTS:
                await asyncio.sleep(_FLOOD_PAUSE)

    async def _watch(self, reading: asyncio.Task[None]) -> None:
        await self._process.wait()
        await asyncio.wait({reading}, timeout=_GRACE / 4)
        self._answers.put_nowait(None)


def _ending(status: int | None) -> str:
    if status is None:
        return "closed the way back to the app before there was a result"
    if status >= 0:
        return f"ended its process (exit status {status}) before there was a result"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"crashed ({name}) before there was a result"


@asynccontextmanager
async def _started(
    request: Mapping[str, Any],
    path: Path,
    processor_limit: float,
    printed: _Printed | None = None,
) -> AsyncIterator[_Process]:
    """A child process that has its request, ended with all of its group on the way out.

    Raises:
        _NoAnswer: no process could be started.
    """
    limits = {
        "parent": os.getpid(),
        "processor_seconds": math.ceil(processor_limit) * (os.cpu_count() or 1) + 30,
    }
    answers, answers_end = _pipe()
    prints, prints_end = _pipe()
    try:
        with answers_end, prints_end:
            started = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-B", "-X", "utf8"),
                str(_SCRIPT),
                stdin=asyncio.subprocess.PIPE,
                stdout=answers_end,
                stderr=prints_end,
                cwd=path.parent,
                env=_environment(),
                start_new_session=True,
            )
    except BaseException as error:
        answers.close()
        prints.close()
        if isinstance(error, OSError):
            raise _NoAnswer(f"could not be given a process ({error.strerror or error})") from None
        raise
    process = _Process(started, answers, prints)
    answered = False
    try:
        await process.listen(printed or _Printed())
        await process.ask({**request, **limits})
        yield process
        answered = True
    finally:
        await process.end(answered=answered)


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    reading, writing = os.pipe()
    return open(reading, "rb", buffering=0), open(writing, "wb", buffering=0)


def _environment() -> dict[str, str]:
    """What a function gets of the app's environment: nothing that could hold a key."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith("LC_")
    }
    kept.setdefault("PATH", os.defpath)
    return kept
