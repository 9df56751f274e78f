"""The text of bytes in an encoding that nobody told: byte order marks, UTF-8, then a guess.

Lenient: a few wrong bytes are replaced, for a file that is text to its owner must not be refused.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from pathlib import Path

from services.engine.retrieval.blocks import MOST_CHARACTERS, Unreadable

# Every encoding has a character in four bytes.
MOST_BYTES = 4 * MOST_CHARACTERS
SAMPLE = 64 * 1024
_LOOKED_AT = 8 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(number for number in range(32) if number not in b"\t\n\r\f\x1b\b")
# No text, and no place in a store or on a screen: controls, half surrogates, non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,400}?(?:charset|encoding)=["']?([\w-]{3,40})""", re.I
)
_BEYOND = bytes(range(128, 256))
_COMMON = ("cp1252", "latin_1")
_BINARY = "The file holds binary data, not text."


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The beginning of a regular file, all of it if it is not longer; nothing else is opened."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("This is no file with contents.")
        return file.read(most)


def decoded(data: bytes) -> str:
    """All of it as text.

    Raises ``Unreadable`` for what is no text at all, and for what holds nothing but blanks.
    """
    text = certain(data)
    if text is None:
        text = _guessed(data)
    return text


def certain(data: bytes) -> str | None:
    """The text where no guess is needed, else None. Raises as ``decoded`` does."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _checked(data.decode(encoding, "replace"))
    begin = data[:_LOOKED_AT]
    if b"\0" in begin:
        return _checked(data.decode(_wide(begin), "replace"))
    if len(begin) - len(begin.translate(None, _CONTROLS)) > 0.3 * len(begin):
        raise Unreadable(_BINARY, "unsupported_file")
    try:
        # What was cut off within a character is no mistake.
        text, _ = codecs.utf_8_decode(data, "strict", len(data) < MOST_BYTES)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(data):
            return _checked(data.decode("utf-8", "replace"))
        return None
    return _checked(text)


def clean(text: str) -> str:
    """What a library made of a document, without what is no text."""
    return _UNWANTED.sub("", text) if not text.isprintable() else text


def _checked(text: str) -> str:
    """As it is, but for what no text may hold in a store. Raises ``Unreadable``."""
    text = _IMPOSSIBLE.sub("", text)
    if not text.strip():
        raise Unreadable("The file holds no text.")
    return text


def _wide(begin: bytes) -> str:
    """UTF-16 without its mark, for text most of which is in ASCII. Raises ``Unreadable``."""
    even, odd = begin[::2].count(0), begin[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = begin[: len(begin) // 2 * 2].decode(encoding, "replace")
    if sum(letter.isprintable() and letter < "\x7f" for letter in text) > len(text) // 2:
        return encoding
    raise Unreadable(_BINARY, "unsupported_file")


def _guessed(data: bytes) -> str:
    """Declared, UTF-8 with a few mistakes, or what the bytes are most like."""
    if (declared := _DECLARED.search(data[:_LOOKED_AT])) is not None:
        try:
            return _checked(data.decode(declared[1].decode("ascii"), "replace"))
        except LookupError:
            pass
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    beyond = sum(1 for letter in text[: 4 * SAMPLE] if letter > "\x7f" and letter != "\ufffd")
    if beyond > 4 * wrong:
        return _checked(text)
    return _checked(data.decode(_likeliest(data), "replace"))


def _likeliest(data: bytes) -> str:
    # Here and not above: the engine's own process has no use for it.
    from charset_normalizer import from_bytes

    sample = _telling(data)
    likely = from_bytes(sample)
    found = likely.best()
    if found is None and len(sample.translate(None, _BEYOND)) > 0.9 * len(sample):
        return _COMMON[0]  # text all the same, with some wrong bytes
    if found is None:
        raise Unreadable(
            "The file is not text, or in an encoding that is not known; save it as UTF-8.",
            "unsupported_file",
        )
    # In a short text many Latin encodings fit as well; the commonest is the best guess then.
    for each in likely:
        common = [name for name in each.could_be_from_charset if name in _COMMON]
        if common and each.chaos <= found.chaos and found.coherence < 0.5:
            return common[0]
    return found.encoding


def _telling(data: bytes) -> bytes:
    """A sample that has the bytes which tell encodings apart: lines with bytes beyond ASCII."""
    first = re.search(rb"[\x80-\xff]", data)
    begin = max(0, data.rfind(b"\n", 0, first.start()), first.start() - SAMPLE // 2) if first else 0
    sample = data[begin : begin + SAMPLE]
    if begin + SAMPLE >= len(data):
        return sample
    # Half a character at the end would speak against the right encoding.
    end = max(sample.rfind(b"\n"), sample.rfind(b" "))
    return sample[:end] if end > SAMPLE // 2 else sample
