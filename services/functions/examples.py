"""The first file of a new functions folder: a few useful functions, and how to add one's own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from services.records import ServiceError

FILE_NAME = "examples.py"

EXAMPLES = '''\
"""Functions that your assistants may ask for.

Every function in this folder's .py files becomes a tool that you can give to an assistant:

- its name does not begin with an underscore,
- it is defined in the file itself, at the top level,
- it has a docstring: the first paragraph is what the model reads about it.

Say with annotations what each parameter is (str, int, float, bool, date, list[str], Literal,
Enum, dataclasses, pydantic models, ...). A default makes a parameter optional, and the lines
under "Args:" tell the model what each one means. "async def" works as well.

Nothing runs by itself: each call is shown to you with its arguments, and waits for your decision.
Then the function runs in a process of its own, with this folder as its working directory and with
your rights on this machine. It has a minute; what it started is ended with it, unless that was
started in a session of its own. Environment variables do not reach it, except for PATH, HOME,
TMPDIR and the language settings: read keys from a file of yours.

What it returns goes to the model: text as it is, anything else as JSON. What it raises goes to
the model as an error. What it prints does not.

A changed file is noticed the next time the folder is looked at. Files whose name begins with an
underscore are left alone; put there what several of your files import. Delete this file, or
change it as you like: it is written only once.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def current_time(timezone: str = "UTC") -> str:
    """The current date and time in a time zone.

    Args:
        timezone: a name of the IANA database, such as Europe/Berlin
    """
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    return datetime.now(zone).strftime("%A, %Y-%m-%d %H:%M:%S %Z")


def count_words(text: str) -> dict[str, int]:
    """Count the words, characters and lines of a text.

    Args:
        text: what to count in
    """
    return {
        "words": len(text.split()),
        "characters": len(text),
        "lines": len(text.splitlines()),
    }


def days_between(start: date, end: date) -> int:
    """The number of days from one date to another; negative when the end comes first.

    Args:
        start: the first date, as YYYY-MM-DD
        end: the second date, as YYYY-MM-DD
    """
    return (end - start).days
'''


def install_examples(folder: Path) -> bool:
    """Make the functions folder with its examples, if there is no such folder yet.

    An existing folder is never touched, not even an empty one: somebody may have emptied it.
    Returns whether it was made. Reads and writes the disk, so call it in a thread.

    Raises:
        ServiceError: the folder or the file could not be written; nothing is left of it.
    """
    if os.path.lexists(folder):
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise _not_made(folder, error) from None
    file = folder / FILE_NAME
    try:
        file.write_text(EXAMPLES, encoding="utf-8")
    except OSError as error:
        with suppress(OSError):
            file.unlink(missing_ok=True)
            folder.rmdir()
        raise _not_made(folder, error) from None
    return True


def _not_made(folder: Path, error: OSError) -> ServiceError:
    return ServiceError(
        f"The functions folder {folder} could not be made: {error.strerror or error}. "
        "Everything else works; make the folder yourself to use functions of your own."
    )
