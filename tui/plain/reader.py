"""Lines from the keyboard, without holding up what else goes on."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TextIO


class Reader(Protocol):
    """Where lines come from."""

    async def line(self, prompt: str) -> str | None:
        """The next line, without its end; None when there will be no more."""

    def forget(self) -> None:
        """Throw away what was typed before it was asked for."""

    def remember(self, lines: Sequence[str]) -> None:
        """Lines to go back to with the up arrow, the oldest first."""


class Keyboard:
    """Standard input: with the line editing of a shell on a terminal, as it comes in a pipe.

    A line is read in a thread that nobody waits for at the end. One that was asked for and not
    typed yet is what the next question gets.
    """

    def __init__(self, source: TextIO, prompts: TextIO) -> None:
        self._fd = source.fileno()
        self._terminal = source.isatty() and prompts.isatty()
        self._prompts = prompts
        self._buffer = b""
        self._reading: asyncio.Future[str | None] | None = None
        self._modes = self._terminal_modes()
        self._edit: Callable[[str], str] = input
        if self._terminal:
            with suppress(ImportError):  # not on every system: then without its editing keys
                import readline

                readline.set_auto_history(True)

    async def line(self, prompt: str) -> str | None:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_future()
            arguments = (prompt, self._reading, asyncio.get_running_loop())
            threading.Thread(target=self._read, args=arguments, daemon=True).start()
        elif not self._reading.done():
            self._prompts.write(prompt)
            self._prompts.flush()
        line = await asyncio.shield(self._reading)
        self._reading = None
        return line

    def forget(self) -> None:
        if self._terminal:
            import termios

            with suppress(termios.error):
                termios.tcflush(self._fd, termios.TCIFLUSH)

    def remember(self, lines: Sequence[str]) -> None:
        if not self._terminal:
            return
        with suppress(ImportError):
            import readline

            for line in lines:
                readline.add_history(line)

    def close(self) -> None:
        """The terminal as it was: a line may still be asked for."""
        if self._modes is not None:
            import termios

            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._modes)

    def _terminal_modes(self) -> list[Any] | None:
        if not self._terminal:
            return None
        with suppress(ImportError):
            import termios

            with suppress(termios.error):
                return list(termios.tcgetattr(self._fd))
        return None

    def _read(
        self,
        prompt: str,
        reading: asyncio.Future[str | None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        try:
            line = self._edit(prompt) if self._terminal else self._from_pipe()
        except (EOFError, OSError, ValueError, UnicodeDecodeError):
            line = None
        with suppress(RuntimeError):  # the loop is over: nobody wants the line any more
            loop.call_soon_threadsafe(self._hand_over, reading, line)

    @staticmethod
    def _hand_over(reading: asyncio.Future[str | None], line: str | None) -> None:
        if not reading.done():
            reading.set_result(line)

    def _from_pipe(self) -> str | None:
        # Not through sys.stdin: its lock would be held by this thread when the program ends.
        while b"\n" not in self._buffer:
            read = os.read(self._fd, 65536)
            if not read:
                rest, self._buffer = self._buffer, b""
                return rest.decode("utf-8", errors="replace") if rest else None
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("utf-8", errors="replace").rstrip("\r")


def keyboard() -> Keyboard:
    return Keyboard(sys.stdin, sys.stdout)
