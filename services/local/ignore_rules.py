"""Which files of a folder are not worth offering: .gitignore, as far as that takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ALWAYS = frozenset(
    {"node_modules", "__pycache__", "venv", "site-packages", "target", "dist", "build"}
)
"""Folders full of files that nobody wrote, ignored unless a rule says otherwise."""
LARGEST_RULES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: ``pattern`` matches paths relative to ``base`` (both with slashes)."""

    base: str
    pattern: re.Pattern[str]
    folders_only: bool
    keeps: bool

    def decides(self, path: str, is_folder: bool) -> bool:
        if self.folders_only and not is_folder:
            return False
        if self.base and not path.startswith(self.base):
            return False
        return self.pattern.fullmatch(path, len(self.base)) is not None


def read_rules(file: Path, base: str) -> list[Rule]:
    """The rules of a .gitignore in the folder ``base`` (ends with a slash, or is empty)."""
    try:
        if file.stat().st_size > LARGEST_RULES:
            return []
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return list(_rules(text, base))


def ignored(path: str, is_folder: bool, rules: Sequence[Rule]) -> bool:
    """Whether the last rule that decides says no; without one, common folders are left out."""
    for rule in reversed(rules):
        if rule.decides(path, is_folder):
            return not rule.keeps
    return is_folder and path.rpartition("/")[2] in ALWAYS


def _rules(text: str, base: str) -> Iterator[Rule]:
    for raw in text.splitlines():
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        keeps = line.startswith("!")
        line = line.removeprefix("!").removeprefix("\\")
        folders_only = line.endswith("/")
        line = line.rstrip("/")
        if not line:
            continue
        anchored = "/" in line
        body = _translated(line.lstrip("/"))
        yield Rule(
            base=base,
            pattern=re.compile(body if anchored else f"(?:.*/)?{body}"),
            folders_only=folders_only,
            keeps=keeps,
        )


def _translated(glob: str) -> str:
    """A pattern of .gitignore as a regular expression."""
    if glob.endswith("/**"):
        return _translated(glob.removesuffix("/**")) + "/.*"
    parts: list[str] = []
    for token in re.findall(r"\*\*/|\*+|\?|\[!?[^\]/]+\]|[^*?\[]+|\[", glob):
        if token == "**/":
            parts.append("(?:.*/)?")
        elif token.startswith("*"):
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif token.startswith("[") and len(token) > 1:
            inner = token[1:-1].replace("\\", "\\\\")
            parts.append(f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]")
        else:
            parts.append(re.escape(token))
    return "".join(parts)
