"""The files of a folder, found by a few letters while the folder is still being read."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

from services.local.fuzzy import best
from services.local.ignore_rules import Rule, ignored, read_rules

MOST_FILES = 50_000
"""Files that are looked at; a home folder has more than anyone could choose from."""
LONGEST_WALK = 10.0
"""Seconds after which what was found has to do."""
FRESH = 5.0
"""Seconds for which what was found is not looked for again."""
SHOWN = 30
GLANCE = 0.1
"""Seconds between two looks at what a walk has found so far."""


class FolderFiles:
    """Paths below ``root``, with slashes and relative to it, in a list that a thread fills."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._visible: list[str] = []
        self._hidden: list[str] = []
        self._walk: asyncio.Future[None] | None = None
        self._walked_at = float("-inf")
        self._stop = threading.Event()

    async def search(self, query: str) -> AsyncIterator[tuple[str, ...]]:
        """The best paths for ``query``, again and better while the folder is being read.

        A path that begins with ``/``, ``~/``, ``./`` or ``../`` lists the folder it names. Hidden
        files are offered where a part of the query begins with a dot.
        """
        if query.startswith(("/", "~/", "./", "../")) or query in ("~", ".", ".."):
            yield await asyncio.to_thread(listing, query, self.root)
            return
        self._refresh()
        shown: tuple[str, ...] | None = None
        while True:
            done = self._walk is None or self._walk.done()
            found = tuple(await asyncio.to_thread(self._best, query))
            if found != shown:
                shown = found
                yield found
            if done:
                return
            assert self._walk is not None
            await asyncio.wait({self._walk}, timeout=GLANCE)

    def close(self) -> None:
        """Ends a walk that is under way."""
        self._stop.set()

    def _best(self, query: str) -> list[str]:
        hidden = query.startswith(".") or "/." in query
        return best(query, [*self._visible, *self._hidden] if hidden else self._visible[:], SHOWN)

    def _refresh(self) -> None:
        if self._walk is not None and not self._walk.done():
            return
        if time.monotonic() - self._walked_at < FRESH:
            return
        first = not self._visible
        self._walk = asyncio.ensure_future(asyncio.to_thread(self._fill, first))

    def _fill(self, first: bool) -> None:
        """Reads the folder, breadth first. The first time, what is found is offered at once; a
        later reading replaces the list when it is complete."""
        visible, hidden = ([], []) if not first else (self._visible, self._hidden)
        deadline = time.monotonic() + LONGEST_WALK
        rules = read_rules(self.root / ".gitignore", "")
        waiting: deque[tuple[str, list[Rule], bool]] = deque([("", rules, False)])
        while waiting and len(visible) + len(hidden) < MOST_FILES:
            if self._stop.is_set() or time.monotonic() > deadline:
                break
            base, rules, secret = waiting.popleft()
            for name, is_folder in _entries(self.root / base):
                path = base + name
                if name == ".git" or ignored(path, is_folder, rules):
                    continue
                concealed = secret or name.startswith(".")
                if is_folder:
                    own = read_rules(self.root / path / ".gitignore", f"{path}/")
                    waiting.append((f"{path}/", [*rules, *own] if own else rules, concealed))
                else:
                    (hidden if concealed else visible).append(path)
        self._visible, self._hidden = visible, hidden
        self._walked_at = time.monotonic()


def listing(query: str, root: Path) -> tuple[str, ...]:
    """What a path that is being typed may go on to: folders end with a slash, and come first."""
    if query in ("~", ".", ".."):
        query += "/"
    typed, _, start = query.rpartition("/")
    folder = Path(f"{typed}/").expanduser()
    entries = _entries(folder if folder.is_absolute() else root / folder)
    shown = [(name, is_folder) for name, is_folder in entries
             if start.startswith(".") or not name.startswith(".")]  # fmt: skip
    folders = {name for name, is_folder in shown if is_folder}
    names = sorted((name for name, _ in shown), key=lambda name: (name not in folders, name))
    return tuple(
        f"{typed}/{name}{'/' if name in folders else ''}" for name in best(start, names, SHOWN)
    )


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names and whether each is a folder; links to folders are not followed into circles."""
    try:
        with os.scandir(folder) as entries:
            found = []
            for entry in entries:
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if is_folder or entry.is_file():
                        found.append((entry.name, is_folder))
                except OSError:
                    continue
    except OSError:
        return []
    return sorted(found)
