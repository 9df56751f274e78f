"""Plain data about what answers hold besides text: sources, pictures, thoughts.

Part of ``services/records.py``, where everybody else finds it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker in an answer (``【4:0†source】``) and the file it stands for.

    It is at characters ``start`` to ``end`` (exclusive) of its part's text.
    """

    marker: str
    file_id: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A passage that a file search found, without its text."""

    file_id: str
    file_name: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a file, as a file search gave it to the model. ``cited`` marks the one that a
    citation means, as far as that can be told."""

    file_id: str
    file_name: str
    text: str
    score: float = 0.0
    cited: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """An image scaled down to be drawn: ``width`` times ``height`` pixels of three bytes (RGB)."""

    width: int
    height: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Thought:
    """What the model thought before it answered or called tools. ``seconds`` is how long it took,
    None where that is not known; ``ended`` is False while it still thinks."""

    id: str
    run_id: str
    text: str
    seconds: float | None = None
    ended: bool = True
