"""What a transcript shows, as plain data: messages, steps, pictures and notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.records import Picture

MessageState = Literal["done", "streaming", "stopped", "failed"]
StepState = Literal["running", "waiting", "done", "failed", "denied", "stopped", "thought"]
Severity = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Footnote:
    """What a marker in an answer stands for: drawn as ``[number]``, told below the answer."""

    number: int
    marker: str
    label: str
    file_id: str


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
    footnotes: tuple[Footnote, ...] = ()


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
class PictureEntry:
    """An image among the server's files; ``picture`` is None until it was fetched.

    ``note`` says why it cannot be shown.
    """

    key: str
    file_id: str
    title: str
    picture: Picture | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class NoticeEntry:
    """A sentence of the app's own between the messages."""

    key: str
    text: str
    severity: Severity = "information"


Entry = MessageEntry | StepEntry | PictureEntry | NoticeEntry
