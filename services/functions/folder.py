"""The functions folder: every public, documented function of its files, offered as a tool."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from services.functions.worker import (
    LOAD_LIMIT,
    OUTPUT_LIMIT,
    TIME_LIMIT,
    FileDescription,
    FunctionResult,
    call,
    describe,
)
from services.records import FunctionTool, LocalFunction

Stamp = tuple[str, int, int]  # path, modification time in nanoseconds, size in bytes

_AT_ONCE = 2  # files looked at in parallel, each in a process of its own


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was described, with the stamps of what it was made of."""

    description: FileDescription
    stamps: tuple[Stamp, ...]


class FunctionsFolder:
    """The user's Python files in one folder, never imported into this process.

    Files whose name begins with ``_`` or ``.`` are not looked at; the others may import them.
    """

    def __init__(self, path: Path, *, load_limit: float = LOAD_LIMIT) -> None:
        """``load_limit`` is how many seconds a file may take to load."""
        self.path = path
        self._load_limit = load_limit
        self._seen: dict[Path, _Seen] = {}
        self._looking = asyncio.Lock()

    async def functions(self) -> tuple[LocalFunction, ...]:
        """What is in the folder now, by file and then in the file's order. Raises nothing.

        Only what changed since the last time is looked at again. What cannot be used is listed
        too, with its ``problem``; a file that cannot be loaded stands there under its own name.
        """
        async with self._looking:
            try:
                files = await asyncio.to_thread(_python_files, self.path)
            except OSError as error:
                self._seen.clear()
                return (_unusable_folder(self.path, error),)
            current = await asyncio.to_thread(self._unchanged, files)
            gate = asyncio.Semaphore(_AT_ONCE)

            async def look(file: Path) -> None:
                async with gate:
                    current[file] = await self._look(file)

            async with asyncio.TaskGroup() as group:
                for file in files:
                    if file not in current:
                        group.create_task(look(file))
            # A file that failed at once may succeed at once (a package was installed meanwhile);
            # one that hung has to be changed before anybody waits for it again.
            self._seen = {
                file: seen
                for file, seen in current.items()
                if not seen.description.problem or seen.description.timed_out
            }
            return _listed([(file, current[file].description) for file in files])

    async def find(self, name: str) -> LocalFunction | None:
        """The function of that name that would run here, or None."""
        for function in await self.functions():
            if function.tool.name == name and not function.problem:
                return function
        return None

    async def call(
        self,
        name: str,
        arguments_json: str,
        *,
        time_limit: float = TIME_LIMIT,
        output_limit: int = OUTPUT_LIMIT,
    ) -> FunctionResult:
        """Run the function once, in a process of its own; only ever after the user's decision.

        ``time_limit`` is in seconds, ``output_limit`` in bytes. Every failure is a result with
        ``ok`` False; when cancelled, the process and what it started are ended first.
        """
        function = await self.find(name)
        if function is None:
            return FunctionResult(
                f"There is no function {name} in the functions folder.", ok=False, duration=0.0
            )
        return await call(
            Path(function.path),
            name,
            arguments_json,
            time_limit=time_limit,
            output_limit=output_limit,
        )

    def _unchanged(self, files: list[Path]) -> dict[Path, _Seen]:
        return {
            file: seen
            for file in files
            if (seen := self._seen.get(file)) is not None
            and all(_stamp(Path(stamp[0])) == stamp for stamp in seen.stamps)
        }

    async def _look(self, file: Path) -> _Seen:
        # Stamped before it is read: a change in between makes the next call look again.
        before = await asyncio.to_thread(_stamps_beside, file)
        description = await describe(file, time_limit=self._load_limit)
        if description.sources is None:
            # Nobody can say what it imported before it hung or crashed: any file may heal it.
            return _Seen(description, tuple(before.values()))
        needed = {str(file), *description.sources}
        elsewhere = sorted(needed - before.keys())
        stamps = [before[path] for path in sorted(needed & before.keys())]
        stamps += await asyncio.to_thread(lambda: [_stamp(Path(path)) for path in elsewhere])
        return _Seen(description, tuple(stamps))


def _python_files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                Path(entry.path).absolute()
                for entry in entries
                if entry.name.endswith(".py")
                and not entry.name.startswith((".", "_"))
                and entry.is_file()
            )
    except FileNotFoundError:
        return []


def _stamps_beside(file: Path) -> dict[str, Stamp]:
    beside = {str(path): _stamp(path) for path in file.parent.glob("*.py")}
    return {str(file): _stamp(file), **beside}


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return (str(path), 0, -1)
    return (str(path), found.st_mtime_ns, found.st_size)


def _listed(described: list[tuple[Path, FileDescription]]) -> tuple[LocalFunction, ...]:
    listed: list[LocalFunction] = []
    owners: dict[str, str] = {}
    for file, description in described:
        if description.problem:
            where = f"{file.name}, line {description.line}" if description.line else file.name
            listed.append(
                _unusable(file, file.name, f"{where}: {description.problem.rstrip('.')}.")
            )
        for found in description.functions:
            where = f"{file.name}, line {found.line}"
            if found.problem:
                problem = f"{where}: {found.name} is left out: {found.problem}."
                listed.append(_unusable(file, found.name, problem))
            elif found.name in owners:
                problem = (
                    f"{where}: {found.name} is left out: {owners[found.name]} has a function "
                    "of that name already. Rename one of them."
                )
                listed.append(_unusable(file, found.name, problem))
            else:
                owners[found.name] = file.name
                tool = FunctionTool(found.name, found.description, found.parameters)
                listed.append(LocalFunction(tool, str(file)))
    return tuple(listed)


def _unusable(file: Path, name: str, problem: str) -> LocalFunction:
    return LocalFunction(FunctionTool(name), str(file), problem)


def _unusable_folder(folder: Path, error: OSError) -> LocalFunction:
    problem = f"The functions folder {folder} cannot be read: {error.strerror or error}."
    return _unusable(folder, folder.name, problem)
