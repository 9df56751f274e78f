"""A thread as Markdown, to be read and to be passed on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from services.exporting.thread_record import (
    ThreadRecord,
    Wire,
    author,
    call_texts,
    call_title,
    citations,
    file_name,
    in_order,
    run_text,
)


def to_markdown(record: ThreadRecord) -> str:
    """Messages as they were written, tool calls with what they were given and what came back.

    Control characters, which a terminal that prints the file would obey, are left out.
    """
    blocks = [
        f"# {_line(record.title) or 'Thread'}",
        f"Thread `{record.thread.get('id', '')}`, begun {moment(record.thread.get('created_at'))}, "
        f"exported {moment(record.exported_at)}.",
    ]
    for kind, item in in_order(record):
        if kind == "message":
            blocks += _message(record, item)
        elif kind == "step":
            blocks += _step(record, item)
        else:
            blocks.append(f"*{_escaped(run_text(item))}*")
    return printable("\n\n".join(block for block in blocks if block)) + "\n"


def moment(seconds: Any) -> str:
    """A time since the epoch as ``2026-11-22 15:04 UTC``."""
    if not isinstance(seconds, int | float):
        return "at an unknown time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def printable(text: str) -> str:
    """The text without control characters; line ends and tabs stay."""
    text = text.replace("\r\n", "\n")
    return "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )


def _message(record: ThreadRecord, message: Wire) -> Iterator[str]:
    yield f"## {_escaped(author(record, message))}, {moment(message.get('created_at'))}"
    for part in message.get("content") or []:
        yield from _part(record, part)
    for attachment in message.get("attachments") or []:
        yield f"Attached: {_escaped(file_name(record, attachment.get('file_id')))}"
    if message.get("status") == "incomplete":
        reason = (message.get("incomplete_details") or {}).get("reason") or "no reason given"
        yield f"*Not complete: {_escaped(str(reason))}.*"


def _part(record: ThreadRecord, part: Wire) -> Iterator[str]:
    kind = part.get("type")
    if kind == "text":
        yield str((part.get("text") or {}).get("value") or "")
        if told := citations(record, part):
            yield "\n".join(f"- {_escaped(each)}" for each in told)
    elif kind == "refusal":
        yield f"*Refused:* {part.get('refusal') or ''}"
    elif kind == "image_file":
        file_id = (part.get("image_file") or {}).get("file_id")
        yield f"Image: {_escaped(file_name(record, file_id))}"
    elif kind == "image_url":
        url = str((part.get("image_url") or {}).get("url") or "")
        yield f"Image: {fenced(url) if len(url) > 500 else f'<{_line(url)}>'}"
    else:
        yield f"A part of the type {_escaped(str(kind))}, which is in the JSON export."


def _step(record: ThreadRecord, step: Wire) -> Iterator[str]:
    for call in (step.get("step_details") or {}).get("tool_calls") or []:
        yield f"### Tool: {_escaped(call_title(call))}, {_escaped(str(step.get('status') or ''))}"
        for label, text in call_texts(record, call):
            yield f"{_escaped(label)}:\n\n{fenced(text)}"
    if (error := step.get("last_error")) is not None:
        yield f"*Failed: {_escaped(str(error.get('message') or ''))}*"


def fenced(text: str) -> str:
    """The text as a code block, in a fence longer than any within it."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """Somebody else's words in a line of ours: nothing in them is Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", _line(text))
