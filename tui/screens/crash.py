"""What is kept of an error nobody expected: a traceback without the values of any variable."""

from __future__ import annotations

import os
import re
import time
import traceback
from pathlib import Path

_SECRETS = re.compile(r"(sk-|Bearer\s+|api[_-]?key[\"'=:\s]+)[A-Za-z0-9_\-.]{6,}", re.IGNORECASE)


def write_report(error: BaseException, log_path: str | Path | None) -> Path | None:
    """Append the traceback of ``error`` to the log, readable by its owner only.

    Returns the file, or None where there is none or it cannot be written.
    """
    if log_path is None:
        return None
    path = Path(log_path)
    inner = getattr(error, "error", None)
    told = traceback.format_exception(inner if isinstance(inner, BaseException) else error)
    report = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} unexpected error\n{''.join(told)}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            os.chmod(path, 0o600)
            file.write(_SECRETS.sub(r"\1[hidden]", report))
    except OSError:
        return None
    return path
