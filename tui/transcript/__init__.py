"""The transcript of a thread: one virtualised widget, and the entries it shows."""

from __future__ import annotations

from tui.transcript.entries import Entry, MessageEntry, NoticeEntry, StepEntry
from tui.transcript.view import Transcript

__all__ = ["Entry", "MessageEntry", "NoticeEntry", "StepEntry", "Transcript"]
