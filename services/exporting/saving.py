"""Where an export goes: a name made of the title, and never over a file unasked."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from services.exporting.html import to_html
from services.exporting.lossless import to_json
from services.exporting.markdown import to_markdown
from services.exporting.thread_record import ENDINGS, Format, ThreadRecord
from services.local.atomic import write_atomically
from services.records import FileThere, ServiceError

NAME_BYTES = 120
WRITERS: Mapping[Format, Callable[[ThreadRecord], str]] = {
    "markdown": to_markdown,
    "json": to_json,
    "html": to_html,
}
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def stem(title: str) -> str:
    """A file name without its ending, that every system takes."""
    text = unicodedata.normalize("NFC", title)
    kept = "".join(
        " " if unicodedata.category(each)[0] in "CZ" or each in '<>:"/\\|?*' else each
        for each in text
    )
    name = " ".join(kept.split()).strip(". -")
    while len(name.encode()) > NAME_BYTES:
        name = name[:-1].rstrip()
    return f"{name}-thread" if _RESERVED.fullmatch(name) else name or "thread"


def free_name(folder: Path, title: str, format: Format) -> str:
    """``title.md``, or with the first number that no file there has."""
    begin, ending = stem(title), ENDINGS[format]
    number = 1
    while True:
        name = f"{begin}.{ending}" if number == 1 else f"{begin} ({number}).{ending}"
        if not os.path.lexists(folder / name):
            return name
        number += 1


def save(record: ThreadRecord, path: Path, format: Format, *, replace: bool = False) -> None:
    """Writes the record whole or not at all.

    Raises ``FileThere`` when there is a file and ``replace`` does not say that it may go, and
    ``ServiceError`` when it cannot be written.
    """
    data = WRITERS[format](record).encode("utf-8", errors="replace")
    try:
        if replace:
            write_atomically(path, data, mode=0o644)
        else:
            _write_new(path, data)
    except FileExistsError:
        raise FileThere(f"There is a file {path.name} already in {path.parent}.") from None
    except OSError as error:
        raise ServiceError(
            f"The thread was not exported to {path}: {error.strerror or error}. "
            "Nothing was written; choose another name or folder."
        ) from error


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        try:
            file.write(data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
