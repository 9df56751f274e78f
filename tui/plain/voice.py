"""What is said: lines, and answers a sentence at a time."""

from __future__ import annotations

import re
from typing import TextIO

from tui.text import safe

_END = re.compile(r"[.!?:;][\"')\]”’]*\s|\n|[。！？]")
LONGEST = 240
"""Characters that are said even where no sentence ends."""


class Voice:
    """Everything goes out safe for a terminal, whole sentences at once: what comes word by word
    is read word by word, with a pause after each."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._held = ""
        self._in_line = False

    def line(self, text: str = "") -> None:
        """A line of its own, after whatever is being said."""
        self.finish()
        self._write(f"{safe(text)}\n")

    def add(self, text: str) -> None:
        """More of an answer; said as far as sentences are complete. ``text`` need not be safe."""
        self._held += text
        end = max((match.end() for match in _END.finditer(self._held)), default=0)
        if not end and len(self._held) > LONGEST:
            end = self._held.rfind(" ") + 1 or len(self._held)
        if end:
            told, self._held = self._held[:end], self._held[end:]
            self._say(told)

    def finish(self) -> None:
        """Say what was held back, and end the line."""
        if self._held:
            told, self._held = self._held, ""
            self._say(told)
        if self._in_line:
            self._write("\n")
            self._in_line = False

    def _say(self, text: str) -> None:
        # A terminal that shows a line feed inside of a safe text needs no carriage return.
        self._write(safe(text))
        self._in_line = not text.endswith("\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
