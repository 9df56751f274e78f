"""From nothing to a prompt that takes keys: ``python -m tests.benchmarks.start``.

Understudy and a bare Textual app with one TextArea are started turn about on a pseudo-terminal.
Printed: the time until a typed character is on the screen, their ratio, and for Understudy the
longest a key had to wait while the SDK and the engine were loading behind the first paint.
"""

from __future__ import annotations

import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path

from tests.terminal.pty_session import environment

ROUNDS = 9
BEAT = 0.05  # seconds between two keys while it loads: a very fast typist
# The cursor stands on the first letter, in a style of its own.
PROMPT = b"essage"
BARE = """
from textual.app import App
from textual.widgets import TextArea

class Bare(App):
    def compose(self):
        yield TextArea(placeholder="Message")

    def on_mount(self):
        self.query_one(TextArea).focus()

Bare().run()
"""


class Terminal:
    """A program on a pseudo-terminal, read as raw bytes: an emulator would cost more than it."""

    def __init__(self, command: Sequence[str], home: Path):
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        env = environment(home, COLORTERM="truecolor")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.output = b""

    def wait_for(self, words: bytes, seconds: float = 20.0) -> float:
        """Seconds since the start when the words were written."""
        deadline = time.perf_counter() + seconds
        while words not in self.output:
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise TimeoutError(f"{words!r} was not written; {self.output[-300:]!r}")
            self.output += os.read(self.master, 65536)
        return time.perf_counter() - self.began

    def press(self, character: str) -> float:
        """Seconds from a key to its glyph."""
        self.output = b""
        began = time.perf_counter()
        os.write(self.master, character.encode())
        self.wait_for(character.encode())
        return time.perf_counter() - began

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def start(command: Sequence[str], home: Path) -> float:
    terminal = Terminal(command, home)
    try:
        terminal.wait_for(PROMPT)
        terminal.press("Ω")
        return time.perf_counter() - terminal.began
    finally:
        terminal.close()


def loading(command: Sequence[str], home: Path) -> tuple[float, float]:
    """Until the connection is ready (seconds after the prompt), and the slowest key meanwhile."""
    terminal = Terminal(command, home)
    try:
        shown = terminal.wait_for(PROMPT)
        keys: list[float] = []
        history = b""
        while "● ready".encode() not in history:
            keys.append(terminal.press(chr(0x3B1 + len(keys) % 17)))
            history += terminal.output
            time.sleep(BEAT)
        return time.perf_counter() - terminal.began - shown, max(keys)
    finally:
        terminal.close()


def main() -> None:
    understudy = (sys.executable, "-m", "tui")
    bare = (sys.executable, "-c", BARE)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for command in (understudy, bare):
            start(command, home)
        pairs = [(start(bare, home), start(understudy, home)) for _ in range(ROUNDS)]
        loads = [loading(understudy, home) for _ in range(5)]
    print(f"bare Textual, key on screen   {statistics.median(p[0] for p in pairs):8.3f} s")
    print(f"Understudy, key on screen     {statistics.median(p[1] for p in pairs):8.3f} s")
    ratio = statistics.median(p[1] / p[0] for p in pairs)
    print(f"Understudy / bare             {ratio:8.2f} x   (bar: 1.3)")
    ready = statistics.median(load[0] for load in loads)
    slowest = statistics.median(load[1] for load in loads) * 1000
    print(f"ready after the prompt        {ready:8.3f} s   (bar: 1.0)")
    print(f"slowest key while loading     {slowest:8.1f} ms")


if __name__ == "__main__":
    main()
