"""What runs in the parse worker: files of strangers into text, one after the other.

Started by ``parsing.py`` as a script, never imported by the engine. Requests come on standard
input and answers leave on what was standard output, each as four bytes of length and then JSON.
The first request says how this process is bounded and where its modules are. Nothing here knows
the store: a file's path comes in, its pieces go out.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

FRAME = 128 * 1024  # characters of text before a frame is sent
A_SIGN = 0.5  # seconds between signs that the work goes on


class Channel:
    """The way back to the engine; what native libraries print does not get into it."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (1, 2):
            os.dup2(nothing, number)
        os.close(nothing)
        self._next = 0.0

    def send(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self._out.write(len(body).to_bytes(4, "big") + body)
        self._out.flush()
        self._next = time.monotonic() + A_SIGN

    def alive(self) -> None:
        if time.monotonic() >= self._next:
            self.send({"alive": True})


def main() -> None:
    channel, requests = Channel(), sys.stdin.buffer
    bounds = next_request(requests)
    if bounds is None:
        return
    # The engine's own: where its modules and libraries are, however they were installed.
    sys.path.extend(path for path in bounds["paths"] if path not in sys.path)
    # openpyxl takes numpy's numbers where numpy is there; it is slow to import, and not needed.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # what stops an import
    from services.engine.retrieval.confinement import allow_processor_seconds, confine

    confine(bounds["memory"], bounds["parent"])
    channel.send({"ready": True})
    while (request := next_request(requests)) is not None:
        allow_processor_seconds(bounds["processor_seconds"])
        answer = outcome(request, channel)
        channel.send({**answer, "held": held_memory()})


def held_memory() -> int:
    """Bytes that this process has in memory now; where that is not told, the most it ever had."""
    try:
        with open("/proc/self/statm", encoding="ascii") as told:
            return int(told.read().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def next_request(requests: BinaryIO) -> dict[str, Any] | None:
    """None when the engine has closed its end, or is gone."""
    length = requests.read(4)
    if len(length) < 4:
        return None
    request: dict[str, Any] = json.loads(requests.read(int.from_bytes(length, "big")))
    return request


def outcome(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Sends what is in the file, and tells how it ended: always, whatever the file does."""
    from services.engine.retrieval.blocks import Unreadable

    try:
        return {"done": True, "cut": answer(request, channel)}
    except Unreadable as error:
        return {"unreadable": str(error), "code": error.code}
    except MemoryError:
        return {"failed": "memory"}
    except RecursionError:
        return {"failed": "depth"}
    except ImportError as error:
        return {"failed": "library", "detail": str(error)}
    except FileNotFoundError:
        return {"failed": "gone"}
    except Exception as error:
        return {"failed": "damaged", "detail": f"{type(error).__name__}: {error}"[:500]}


def answer(request: dict[str, Any], channel: Channel) -> bool:
    from services.engine.retrieval.reading import pieces_of, read_any

    path, filename = Path(request["path"]), request["filename"]
    parsed = read_any(path, filename, channel.alive, request["most"])
    if "size" in request:
        pieces = pieces_of(parsed, filename, request["size"], request["overlap"], channel.alive)
        send_all(channel, "pieces", ((each.text, each.words, each.place) for each in pieces))
    else:
        send_all(channel, "blocks", ((each.text, each.place) for each in parsed.blocks))
    return parsed.cut


def send_all(channel: Channel, name: str, rows: Iterable[tuple[Any, ...]]) -> None:
    gathered: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += len(row[0])
        if size >= FRAME:
            channel.send({name: gathered})
            gathered, size = [], 0
    if gathered:
        channel.send({name: gathered})


if __name__ == "__main__":
    main()
