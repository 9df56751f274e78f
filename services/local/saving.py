"""Files that the user asked for, in the folder they are in: never over another one unasked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.local.atomic import write_atomically, write_once
from services.records import ServiceError


class Saving:
    """What of a conversation is saved to files."""

    async def suggest(self, stem: str, ending: str) -> Path:
        """A name that nobody has in the current folder: ``answer.md``, then ``answer-2.md``."""
        return await asyncio.to_thread(_free, Path.cwd(), stem, ending)

    async def save(self, path: Path, data: bytes, *, replace: bool = False) -> bool:
        """Writes ``data``; False, with nothing written, when the file is there and may not be
        replaced. Raises ``ServiceError`` when it cannot be written."""
        return await asyncio.to_thread(_save, path, data, replace)


def _save(path: Path, data: bytes, replace: bool) -> bool:
    try:
        path = path.expanduser()
        if path.is_dir():
            raise ServiceError(f"{path} is a folder. Nothing was written; give a file's name.")
        if replace:
            write_atomically(path, data, mode=0o644)
            return True
        return write_once(path, data, mode=0o644)
    except FileNotFoundError as error:
        raise ServiceError(f"There is no folder {path.parent}. Nothing was written.") from error
    except (OSError, ValueError, RuntimeError) as error:  # also a NUL in the name, no home folder
        reason = getattr(error, "strerror", None) or error
        raise ServiceError(f"{path} cannot be written: {reason}. Nothing was written.") from error


def _free(folder: Path, stem: str, ending: str) -> Path:
    path = folder / f"{stem}{ending}"
    number = 2
    while path.exists() or path.is_symlink():
        path = folder / f"{stem}-{number}{ending}"
        number += 1
    return path
