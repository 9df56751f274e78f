"""Files that are text already: decoding them, and cutting them into overlapping pieces."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

# What the hosted API searched, and of that what needs no parser.
SEARCHABLE = frozenset(
    {
        *("c", "cpp", "cs", "css", "doc", "docx", "go", "html", "java", "js", "json", "md"),
        *("pdf", "php", "pptx", "py", "rb", "sh", "tex", "ts", "txt"),
    }
)
NEEDS_PARSER = frozenset({"doc", "docx", "pdf", "pptx"})
CHARACTERS_A_TOKEN = 4

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Unreadable(Exception):
    """The file holds no text that can be searched; the message is a sentence."""


def extension(filename: str) -> str | None:
    """The lower-case extension without its dot, None for a name without one."""
    return filename.rpartition(".")[2].lower() if "." in filename else None


def decode(data: bytes) -> str:
    """Text as UTF-8, or as its byte order mark says; a few wrong bytes are replaced.

    Raises ``Unreadable`` for what is no text at all.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if b"\0" in data[:4096]:
        raise Unreadable("The file holds binary data, not text.")
    text = data.decode("utf-8", "replace")
    if text.count("\ufffd") * 10 > len(text):
        raise Unreadable("The file is not text in UTF-8 or UTF-16.")
    if not text.strip():
        raise Unreadable("The file holds no text.")
    return text


def pieces_of(text: str, size: int, overlap: int) -> Iterator[str]:
    """Pieces of about ``size`` tokens, each beginning ``overlap`` tokens before the last ended.

    The same text gives the same pieces. A piece ends between words where it can.
    """
    length, step = size * CHARACTERS_A_TOKEN, (size - overlap) * CHARACTERS_A_TOKEN
    start = 0
    while True:
        end = start + length
        if end >= len(text):
            yield text[start:]
            return
        blank = max(text.rfind(" ", start + step, end), text.rfind("\n", start + step, end))
        end = blank + 1 if blank > 0 else end
        yield text[start:end]
        start = max(start + 1, end - overlap * CHARACTERS_A_TOKEN)
