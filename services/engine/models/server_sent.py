"""Server-sent events out of raw bytes.

Lines are cut on bytes, where only CR, LF and CRLF end a line (``str.splitlines`` would also cut
at U+2028 inside a JSON string), and decoded one at a time, so that invalid UTF-8 costs one
character and not the stream.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
_CR, _LF = 13, 10


class EventTooLarge(Exception):
    """One event grew past the limit; what follows cannot be told from an attack on memory."""


class ServerSentEvent(NamedTuple):
    """``name`` is the ``event`` field, empty if absent; ``data`` is never empty."""

    name: str
    data: str


class ServerSentDecoder:
    """Fed with bytes as they arrive; gives the events that are complete.

    ``limit`` is the most bytes one event may hold.
    """

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # an unfinished line, as it arrived
        self._data: list[bytes] = []
        self._name = b""
        self._held = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events completed by ``chunk``; raises ``EventTooLarge``."""
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        last = chunk[-1]
        self._after_cr = last == _CR
        whole = last in (_CR, _LF)
        lines = chunk.splitlines()
        if self._pieces:
            if len(lines) == 1 and not whole:
                self._hold(lines[0])
                return []
            self._pieces.append(lines[0])
            lines[0] = b"".join(self._pieces)
            self._pieces = []
        rest = None if whole else lines.pop()
        events: list[ServerSentEvent] = []
        for line in lines:
            self._line(line, events)
        if rest is not None:
            self._hold(rest)
        return events

    def close(self) -> list[ServerSentEvent]:
        """The last event, when the stream ended without the blank line that should close it."""
        events: list[ServerSentEvent] = []
        if self._pieces:
            line = b"".join(self._pieces)
            self._pieces = []
            self._line(line, events)
        self._dispatch(events)
        return events

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._grow(len(piece))

    def _grow(self, size: int) -> None:
        self._held += size
        if self._held > self._limit:
            raise EventTooLarge

    def _line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(events)
        elif line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(value)
            self._grow(len(value))
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()
        elif line == b"data":
            self._data.append(b"")
        # Everything else (comments, id, retry, misspelt fields) is passed over.

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            data = b"\n".join(self._data)
            if data:
                events.append(ServerSentEvent(_text(self._name), _text(data)))
            self._data = []
        self._name = b""
        self._held = 0


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
