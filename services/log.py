"""Where the program writes down what went wrong: one private file, and no keys in it.

A traceback in it has files, lines and functions, never the values of variables. Cheap to import;
the file is made with the first line written.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from types import TracebackType

_LARGEST = 1024 * 1024
_KEPT = 4
_KEY_VARIABLES = ("UNDERSTUDY_MODEL_KEY", "UNDERSTUDY_TOKEN", "OPENAI_API_KEY")
_KEY_SHAPES = re.compile(
    r"\bsk-[\w-]{6,}"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?<=bearer )\s*[^\s'\",;]+"
    r"|(?<=basic )\s*[^\s'\",;]+"
    r"|(?<=//)[^\s/@]+(?=@)",
    re.IGNORECASE,
)
_SHORTEST_KEY = 6  # replacing a shorter one would eat words, and guard nothing
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_HIDDEN = "•••"


def start_log(folder: Path) -> None:
    """Sends every warning and error of the process to ``folder``; nothing goes to the terminal."""
    logging.getLogger().handlers = [_PrivateLog(folder / "understudy.log")]
    logging.getLogger().setLevel(logging.WARNING)


def start_access_log(folder: Path) -> None:
    """Has ``understudy.access`` write a line for every request that ``serve`` answered."""
    access = logging.getLogger("understudy.access")
    access.handlers = [_PrivateLog(folder / "access.log", logging.INFO, "%(message)s")]
    access.setLevel(logging.INFO)
    access.propagate = False


def record_crash(error: BaseException, folder: Path) -> Path | None:
    """Writes ``error`` down; the file it is in, or None when it could not be written."""
    handler = _PrivateLog(folder / "understudy.log")
    record = logging.LogRecord(
        "understudy", logging.CRITICAL, "", 0, "The program failed.", None,
        (type(error), error, error.__traceback__),
    )  # fmt: skip
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler.write(record)
    except OSError:
        return None
    finally:
        handler.close()
    return handler.path


def without_keys(text: str) -> str:
    """``text`` with everything in it that is or looks like a key replaced."""
    for name in _KEY_VARIABLES:
        value = os.environ.get(name, "").strip()
        if len(value) >= _SHORTEST_KEY:
            text = text.replace(value, _HIDDEN)
    return _KEY_SHAPES.sub(_HIDDEN, text)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Frames as usual; of the error's own words the first line, where no request is quoted."""
        import traceback

        lines = []
        error = ei[1]
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            words = str(error).partition("\n")[0][:300]
            frames = "".join(traceback.format_tb(error.__traceback__))
            lines.append(f"{frames}{type(error).__name__}: {words}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nwhich came from\n".join(lines)


class _PrivateLog(logging.Handler):
    """A rotating file for this user alone, opened when there is something to write."""

    def __init__(self, path: Path, level: int = logging.WARNING, form: str = _LINE) -> None:
        super().__init__(level)
        self.path = path
        self._file: logging.Handler | None = None
        self.setFormatter(_Formatter(form))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.write(record)
        except OSError:
            # No room or no folder: the program matters more than its log.
            return

    def write(self, record: logging.LogRecord) -> None:
        """Raises ``OSError``."""
        if self._file is None:
            self._file = _open_file(self.path)
            self._file.setFormatter(self.formatter)
        self._file.emit(record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _open_file(path: Path) -> logging.Handler:
    """Raises ``OSError``; so does the handler for a line that cannot be written."""
    from logging.handlers import RotatingFileHandler

    class File(RotatingFileHandler):
        def handleError(self, record: logging.LogRecord) -> None:
            # The default prints a traceback to stderr, into the screen.
            if isinstance(sys.exception(), OSError):
                raise
            super().handleError(record)

    # Made closed to others before anything is in it; rotation renames it as it is.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    return File(path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8")
