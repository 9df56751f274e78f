"""What the rehearsal makes of a file search: the best passages, quoted, each with its marker."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PASSAGE = re.compile(r"^(【\d+:\d+†[^】\n]+】) ([^\n]*)\n", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n{2,}")
_WORD = re.compile(r"\w{3,}")
QUOTED = 3
LONGEST = 320


def quoted_passages(output: str, question: str) -> str | None:
    """The first passages of what ``file_search`` returned, as Markdown; None if it found none."""
    found = list(_PASSAGE.finditer(output))
    ends = [each.start() for each in found[1:]] + [len(output)]
    parts: list[str] = []
    seen: set[str] = set()
    for each, end in zip(found, ends, strict=False):  # without a passage there is one end more
        telling = _telling(output[each.end() : end], question)
        if telling and telling not in seen:
            seen.add(telling)
            lines = "\n".join(f"> {line}".rstrip() for line in telling.split("\n"))
            parts.append(f"{lines} {each.group(1)}")
        if len(parts) == QUOTED:
            break
    return "\n\n".join(parts) or None


def _telling(passage: str, question: str) -> str:
    """The stretch of the passage that shares most words with the question."""
    sentences = [each.strip() for each in _SENTENCE.split(passage) if each.strip()]
    wanted = {word.casefold()[:5] for word in _WORD.findall(question)}
    best = max(range(len(sentences)), key=lambda at: _shared(sentences[at], wanted), default=None)
    if best is None:
        return ""
    return _shortened(_with_next(sentences, best))


def _shared(sentence: str, wanted: set[str]) -> int:
    return len(wanted & {word.casefold()[:5] for word in _WORD.findall(sentence)})


def _with_next(sentences: Sequence[str], at: int) -> str:
    text = sentences[at]
    for following in sentences[at + 1 :]:
        if len(text) + len(following) >= LONGEST:
            break
        text = f"{text} {following}"
    return text


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
