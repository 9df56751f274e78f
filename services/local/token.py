"""The bearer token of ``understudy serve``: from the environment, or made once and kept."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.local.atomic import write_once
from services.records import ServiceError

_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """``file`` is None when the token is from the environment; ``new`` when it was just made."""

    value: str = field(repr=False)
    file: Path | None
    new: bool = False


def serve_token(file: Path, environment: Mapping[str, str] | None = None) -> Token:
    """The token that a client of ``serve`` must present; the folder of ``file`` exists.

    Raises ``ServiceError`` when it cannot be kept, or when others could have read it.
    """
    environment = os.environ if environment is None else environment
    given = environment.get("UNDERSTUDY_TOKEN", "")
    if given:
        return Token(_checked(given, "UNDERSTUDY_TOKEN"), None)
    try:
        new = not file.exists() and write_once(file, f"{secrets.token_urlsafe(32)}\n".encode())
        return Token(_checked(_read(file), str(file)), file, new)
    except OSError as error:
        raise ServiceError(
            f"The token cannot be kept in {file}: {error.strerror}. "
            "Set UNDERSTUDY_TOKEN, or UNDERSTUDY_HOME to a folder that you can write."
        ) from error


def _read(file: Path) -> str:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as opened:
        # Asked of the open file, so that it cannot be another one by now.
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ServiceError(f"{file} is not a file. Move it away, and a new token is made.")
        if status.st_uid != os.geteuid():
            raise ServiceError(
                f"The token file {file} belongs to another user. "
                "Delete it, and a new token is made."
            )
        if status.st_mode & 0o077:
            raise ServiceError(
                f"Others may read the token file {file} (mode {status.st_mode & 0o777:o}). "
                "Delete it, and a new token is made; or close it with chmod 600, if nobody "
                "else can have seen it."
            )
        return opened.read(_LONGEST).decode("utf-8", errors="replace")


def _checked(token: str, origin: str) -> str:
    token = token.strip()
    if not token:
        raise ServiceError(f"There is no token in {origin}. Delete it, and a new one is made.")
    if not all("!" <= character <= "~" for character in token):
        raise ServiceError(
            f"The token in {origin} has characters that an HTTP header cannot carry. "
            "Use letters, digits and punctuation, without spaces."
        )
    return token
