"""What a block is as a file: its bytes, and a name with the ending that fits."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import PurePath

from tui.transcript.block_parts import (
    Block,
    block_text,
    entry_text,
    language_of_block,
    table_rows,
)
from tui.transcript.entries import MessageEntry, StepEntry
from tui.transcript.rows import Row

_ENDINGS = {
    "python": ".py", "py": ".py", "python3": ".py", "javascript": ".js", "js": ".js",
    "jsx": ".jsx", "typescript": ".ts", "ts": ".ts", "tsx": ".tsx", "bash": ".sh", "sh": ".sh",
    "shell": ".sh", "zsh": ".sh", "console": ".txt", "html": ".html", "css": ".css",
    "json": ".json", "yaml": ".yaml", "yml": ".yaml", "toml": ".toml", "xml": ".xml",
    "sql": ".sql", "markdown": ".md", "md": ".md", "diff": ".diff", "patch": ".patch",
    "rust": ".rs", "go": ".go", "c": ".c", "cpp": ".cpp", "c++": ".cpp", "java": ".java",
    "csv": ".csv", "text": ".txt", "txt": ".txt", "latex": ".tex", "tex": ".tex",
}  # fmt: skip


@cache
def ending_of(language: str) -> str:
    """The ending of files in this language; ``.txt`` when nobody knows it."""
    name = language.lower()
    if not name or name in _ENDINGS:
        return _ENDINGS.get(name, ".txt")
    # It has no types.
    from pygments.lexers import find_lexer_class_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        lexer = find_lexer_class_by_name(name)
    except ClassNotFound:
        return ".txt"
    for pattern in lexer.filenames:
        ending = pattern.removeprefix("*")
        if pattern.startswith("*.") and ending[1:].replace(".", "").isalnum():
            return str(ending)
    return ".txt"


def suggested(row: Row, block: Block | None) -> tuple[str, str]:
    """A file's name, and its ending."""
    if block is None:
        if isinstance(row.entry, StepEntry):
            return "output", ".txt"
        own = isinstance(row.entry, MessageEntry) and row.entry.own
        return "message" if own else "answer", ".md"
    if block.kind == "code":
        return "code", ending_of(language_of_block(row, block))
    if block.kind == "table":
        return "table", ".csv"
    return ("output", ".txt") if block.kind in ("output", "text") else (block.kind, ".md")


def file_bytes(row: Row, block: Block | None, name: str) -> bytes:
    """What is written: a table as CSV where the name ends in ``.csv``, else the text."""
    if block is not None and PurePath(name).suffix.lower() == ".csv":
        rows = table_rows(row, block)
        if rows is not None:
            out = io.StringIO(newline="")
            csv.writer(out).writerows(rows)
            return out.getvalue().encode()
    text = entry_text(row.current()) if block is None else block_text(row, block)
    return (text if text.endswith("\n") else f"{text}\n").encode("utf-8", "replace")
