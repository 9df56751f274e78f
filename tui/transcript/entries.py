"""What a transcript shows, as plain data: messages, steps and notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MessageState = Literal["done", "streaming", "stopped", "failed"]
StepState = Literal["running", "waiting", "done", "failed", "denied", "stopped"]
Severity = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """A message. ``text`` is Markdown, except in an ``own`` message: what was typed is shown.

    ``when`` stands at the right of the author's line; ``note`` is one sentence below the text
    ("Stopped by you; the text so far is kept.").
    """

    key: str
    author: str
    own: bool
    when: str
    text: str
    state: MessageState = "done"
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step of the run as one folded row; opened, it shows ``detail`` as literal text."""

    key: str
    title: str
    state: StepState
    detail: str = ""
    summary: str = ""
    duration: str = ""


@dataclass(frozen=True, slots=True)
class NoticeEntry:
    """A sentence of the app's own between the messages."""

    key: str
    text: str
    severity: Severity = "information"


Entry = MessageEntry | StepEntry | NoticeEntry
