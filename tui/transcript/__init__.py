"""The transcript of a thread: one virtualised widget, and the entries it shows."""

from __future__ import annotations

from tui.transcript.entries import (
    Entry,
    Footnote,
    MessageEntry,
    NoticeEntry,
    PictureEntry,
    StepEntry,
)
from tui.transcript.view import Transcript

__all__ = [
    "Entry",
    "Footnote",
    "MessageEntry",
    "NoticeEntry",
    "PictureEntry",
    "StepEntry",
    "Transcript",
]
