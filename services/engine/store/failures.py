"""What a failing disk or a busy database is called when it is told to people."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

_BUSY = ("the database is busy: another program holds it", "wait a moment")
_READ_ONLY = (
    "the database cannot be written: its folder or disk is read-only",
    "check the permissions of the data folder",
)
_DAMAGED = ("the database is damaged", "keep a copy of the data folder and restart Understudy")
# What it is, and what to do; by SQLite's own names.
_REASONS = {
    "FULL": ("the disk is full", "make room"),
    "IOERR": ("the disk that holds the database failed or is full", "make room or check the disk"),
    "BUSY": _BUSY,
    "LOCKED": _BUSY,
    "READONLY": _READ_ONLY,
    "CANTOPEN": _READ_ONLY,
    "CORRUPT": _DAMAGED,
    "NOTADB": _DAMAGED,
}


def is_passing(error: BaseException) -> bool:
    """Whether the same may well succeed in a moment."""
    return _reason(error) == _BUSY


def store_sentence(error: BaseException) -> str | None:
    """For a request that failed; None when it is no fault of the disk or of a neighbour."""
    reason = _reason(error)
    if reason is None:
        return None
    return f"{_capital(reason[0])}. Nothing of this was stored; {reason[1]}, then try again."


def run_sentence(error: BaseException) -> str | None:
    """The same for a run that had to be stopped."""
    reason = _reason(error)
    if reason is None:
        return None
    return (
        f"The run was stopped because {reason[0]}. What it wrote is kept; {reason[1]}, then "
        "start a new run."
    )


def _reason(error: BaseException) -> tuple[str, str] | None:
    if not isinstance(error, DBAPIError):
        return None
    # Extended names begin with the plain one: SQLITE_IOERR_WRITE.
    name = str(getattr(error.orig, "sqlite_errorname", "")).removeprefix("SQLITE_")
    return _REASONS.get(name.partition("_")[0])


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
