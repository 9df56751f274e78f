"""A program on a real pseudo-terminal: keys in, a screen out, and the raw bytes it wrote."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

ROOT = Path(__file__).parents[2]
UNDERSTUDY = (sys.executable, "-m", "tui")
PATIENCE = 20.0  # seconds; how long a slow machine may take, not how long anything should

# What pyte does not know and would show as text: private CSI, OSC, DCS and their like.
_NOT_FOR_PYTE = re.compile(
    rb"\x1b\[[<>=][0-?]*[ -/]*[@-~]"
    rb"|\x1b\[[0-?]*[ -/]+[@-~]"
    rb"|\x1b\[\?[0-9;]*u"
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b[PX^_][^\x1b]*\x1b\\"
)
_UNFINISHED = re.compile(rb"\x1b(?:[\[\]PX^_][^\x07\x40-\x7e]*|)$")


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a user's terminal would give a program, with nothing of this machine's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "UNDERSTUDY_HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        **more,
    }


class PtySession:
    """``with PtySession(command, environment) as session``: ends the program on leaving."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        columns: int = 120,
        rows: int = 40,
    ) -> None:
        self.output = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._unfed = b""
        self.fd, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes_before: list[Any] = termios.tcgetattr(self._slave)
        slave = self._slave

        def own_terminal() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=ROOT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=own_terminal,
        )
        os.set_blocking(self.fd, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self.fd, self._slave):
            if descriptor >= 0:
                os.close(descriptor)

    # -- in ------------------------------------------------------------------------------------

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """The window is closed."""
        os.close(self._slave)
        os.close(self.fd)
        self.fd = self._slave = -1

    # -- out -----------------------------------------------------------------------------------

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def wait_for(self, words: str) -> None:
        self.wait_until(lambda: words in self.text(), f"{words!r} on the screen")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            left = deadline - time.monotonic()
            ended = self.process.poll() is not None
            if not self._read(0 if ended else left) and (ended or left <= 0):
                raise AssertionError(
                    f"no {what}; exit code {self.process.poll()}; the screen:\n{self.text()}"
                )

    def wait_for_exit(self) -> int:
        """The exit code, as a shell would see it, once all output was read."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if self.fd >= 0:
                self._read(0.05)
            assert time.monotonic() < deadline, f"still running; the screen:\n{self.text()}"
        while self.fd >= 0 and self._read(0):
            pass
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def _read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self.fd], [], [], max(0.0, min(timeout, 0.2)))
        if not ready:
            # Time passed without output, which is not the end of it.
            return timeout > 0.2
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.output += data
        self._feed(data)
        return True

    def _feed(self, data: bytes) -> None:
        data = _NOT_FOR_PYTE.sub(b"", self._unfed + data)
        cut = _UNFINISHED.search(data[-4096:])
        end = len(data) - (len(cut[0]) if cut else 0)
        self._unfed = data[end:]
        self._stream.feed(data[:end])
