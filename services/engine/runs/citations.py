"""Markers in an answer (``【4:0†source】``) made into citations, also where chunks split them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_MARKER = re.compile(r"【(\d{1,9}):\d{1,9}†[^【】\n]{1,120}】")
# Longer than any marker: what was begun and is longer still is text.
_LONGEST = 160
# A higher number is no search's, but something that a text quotes or a model made up.
_HIGHEST = 99_999

Piece = tuple[str, str | None]


class CitationScanner:
    """Cuts text into pieces: (text, None), and (marker, id of the file it stands for).

    Only the markers in ``citations`` count; one that a model made up stays text.
    """

    def __init__(self, citations: Mapping[str, str]):
        self._citations = citations
        self._held = ""

    def feed(self, text: str) -> Iterator[Piece]:
        """The pieces that are certain; the beginning of what may be a marker is held back."""
        if not self._held and "【" not in text:
            yield text, None
            return
        text, self._held = self._held + text, ""
        at = 0
        for found in _MARKER.finditer(text):
            file_id = self._citations.get(found.group())
            if file_id is not None:
                if found.start() > at:
                    yield text[at : found.start()], None
                yield found.group(), file_id
                at = found.end()
        begun = text.rfind("【", at)
        if begun >= 0 and _may_be_marker(text[begun:]):
            self._held = text[begun:]
            text = text[:begun]
        if len(text) > at:
            yield text[at:], None

    def close(self) -> Iterator[Piece]:
        """What was held back, as text: no more comes."""
        held, self._held = self._held, ""
        if held:
            yield held, None


def _may_be_marker(begun: str) -> bool:
    return len(begun) < _LONGEST and "】" not in begun and "\n" not in begun


def annotation(marker: str, file_id: str, start: int) -> dict[str, Any]:
    """As a stored message has it; ``start`` counts characters of the text before the marker."""
    return {
        "type": "file_citation",
        "text": marker,
        "start_index": start,
        "end_index": start + len(marker),
        "file_citation": {"file_id": file_id},
    }


def cited(parts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The markers that a stored message's annotations explain, for an answer that repeats them."""
    return {
        each["text"]: each["file_citation"]["file_id"]
        for part in parts
        if part["type"] == "text"
        for each in part["text"]["annotations"]
        if each["type"] == "file_citation"
    }


def highest_ordinal(texts: Iterable[str]) -> int:
    """The largest first number of any marker in the texts, -1 without one."""
    numbers = (int(found.group(1)) for text in texts for found in _MARKER.finditer(text))
    return max((number for number in numbers if number <= _HIGHEST), default=-1)
