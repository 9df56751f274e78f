"""The paths in what a terminal pastes when files are dropped on it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

LONGEST = 20_000
"""Characters of a paste that may be a list of paths; longer ones are text."""
MOST = 50


def paths_in(text: str, folder: Path) -> tuple[Path, ...]:
    """The paths that ``text`` consists of, empty if it is anything else.

    Quoted ones, spaces escaped with backslashes, ``file://`` URLs, several on a line or one a
    line. Reads no file: whether they are there is for the caller to see. Relative ones count from
    ``folder``, and only where they look like paths: one word is a word.
    """
    text = text.strip()
    if not text or len(text) > LONGEST or "\0" in text:
        return ()
    for candidates in _readings(text):
        if 0 < len(candidates) <= MOST:
            paths = [_path(each, folder) for each in candidates]
            if all(path is not None for path in paths):
                return tuple(dict.fromkeys(path for path in paths if path is not None))
    return ()


def _readings(text: str) -> list[list[str]]:
    """The ways to read it: as lines with a path each, and as words of a shell."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    readings: list[list[str]] = []
    if not re.search(r"""\\.|^['"]|['"]$""", text, re.MULTILINE):
        readings.append(lines)  # plain, spaces and all: how some file managers give them
    try:
        words = [word for line in lines for word in shlex.split(line)]
    except ValueError:
        return readings
    # A line that is a path with spaces in it is also several words: the first reading goes first,
    # unless more than one path begins in it.
    begins = re.findall(r"(?:^|\s)(?:/|~/|file://)", text, re.MULTILINE)
    if len(begins) > len(lines):
        return [words, *readings]
    return [*readings, words]


def _path(candidate: str, folder: Path) -> Path | None:
    if candidate.startswith("file://"):
        parts = urlsplit(candidate)
        if parts.netloc not in ("", "localhost"):
            return None
        candidate = unquote(parts.path)
        return Path(candidate) if candidate.startswith("/") else None
    if candidate.startswith("/"):
        return Path(candidate)
    if candidate.startswith("~/"):
        return Path(candidate).expanduser()
    if candidate.startswith(("./", "../")):
        return folder / candidate
    return None
