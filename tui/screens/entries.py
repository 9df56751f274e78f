"""The service's records as the transcript's entries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from urllib.parse import urlsplit

from services.records import (
    Conversation,
    ImageFilePart,
    ImageUrlPart,
    Message,
    Run,
    Thought,
    ToolCall,
    ToolStep,
    Usage,
)
from tui.commands import BY_ID, keys_text
from tui.text import visible
from tui.transcript.entries import (
    Entry,
    MessageEntry,
    MessageState,
    NoticeEntry,
    PictureEntry,
    StepEntry,
    StepState,
)
from tui.transcript.footnotes import footnotes_of

STOPPED_BY_USER = "Stopped by you; what was written is kept."

_WHY_INCOMPLETE: Mapping[str, str] = {
    "run_cancelled": STOPPED_BY_USER,
    "run_failed": "The run failed here; what was written is kept.",
    "run_expired": "The run expired here; what was written is kept.",
    "max_tokens": "Cut off: the token limit was reached.",
    "content_filter": "Cut off by the provider's content filter.",
}
_STEP_STATES: Mapping[str, StepState] = {
    "in_progress": "running",
    "cancelled": "stopped",
    "failed": "failed",
    "completed": "done",
    "expired": "stopped",
}
_BUILTIN_TITLES = {"file_search": "file search", "code_interpreter": "code interpreter"}


FileName = Callable[[str], str | None]
"""Tells a file's name by its id, None while nobody knows it."""


def unnamed(_file_id: str) -> str | None:
    """Where no names are known."""
    return None


def message_entries(
    message: Message, author: str, file_name: FileName = unnamed
) -> Iterator[MessageEntry | PictureEntry]:
    """A message and the images in it."""
    yield message_entry(message, author, file_name)
    images = (part.file_id for part in message.parts if isinstance(part, ImageFilePart))
    for number, file_id in enumerate(images):
        yield PictureEntry(f"{message.id}/image/{number}", file_id, file_name(file_id) or file_id)


def message_entry(message: Message, author: str, file_name: FileName = unnamed) -> MessageEntry:
    """A stored message; ``author`` is the assistant's name for answers."""
    state: MessageState = "done"
    note = ""
    if message.status == "in_progress":
        state = "streaming"
    elif message.status == "incomplete":
        reason = message.incomplete_reason or ""
        state = "failed" if reason in ("run_failed", "run_expired") else "stopped"
        note = _WHY_INCOMPLETE.get(reason, "Not complete.")
    return MessageEntry(
        key=message.id,
        author="You" if message.role == "user" else author,
        own=message.role == "user",
        when=clock_time(message.created_at, time.time()),
        text=_text_of(message),
        state=state,
        note=note,
        footnotes=footnotes_of(message.citations, file_name),
    )


def clock_time(seconds: float, now: float) -> str:
    """A time since the epoch as people read it: ``10:02`` today, with its date before."""
    then, today = time.localtime(seconds), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if then[0] == today[0]:
        return time.strftime("%d %b %H:%M", then)
    return time.strftime("%Y-%m-%d", then)


def cut_off(entry: MessageEntry, status: str) -> MessageEntry:
    """An answer whose run ended before the answer did; its text stays."""
    if status == "completed":
        return replace(entry, state="done")
    reason = {"cancelled": "run_cancelled", "expired": "run_expired"}.get(status, "run_failed")
    state: MessageState = "stopped" if status == "cancelled" else "failed"
    return replace(entry, state=state, note=_WHY_INCOMPLETE[reason])


def _text_of(message: Message) -> str:
    """The text, with a line for what cannot be shown as text and for what is attached."""
    extra = [_image_line(part.url) for part in message.parts if isinstance(part, ImageUrlPart)]
    extra.extend(f"[attached file {each.name or each.file_id}]" for each in message.attachments)
    return "\n\n".join([message.text, *extra]) if extra else message.text


def _image_line(url: str) -> str:
    """An image somewhere else: where it is. Looking at it would tell its host of the reader."""
    if url.startswith("data:"):
        return f"[image within the message, {len(url):,} characters]"
    try:
        host = urlsplit(url).hostname or "no host"
    except ValueError:
        host = "no valid address"
    return f"[image at {visible(host)}, not fetched: {visible(url)}]"


def thinking_entry(thought_id: str, text: str) -> StepEntry:
    """A thought that goes on."""
    return StepEntry(thought_id, "thinking", "running", text)


def thought_entry(thought: Thought) -> StepEntry:
    """What the model thought, folded away."""
    title = "thought" if thought.seconds is None else f"thought for {thought.seconds:.1f} s"
    return StepEntry(thought.id, title, "thought", thought.text)


def step_entries(
    step: ToolStep,
    *,
    waiting: Set[str] = frozenset(),
    denied: Set[str] = frozenset(),
    file_name: FileName = unnamed,
) -> Iterator[StepEntry | PictureEntry]:
    """One row a call, and the images it drew. ``waiting`` and ``denied`` hold the ids of calls in
    these states."""
    duration = ""
    if step.ended_at is not None:
        duration = f"{max(0, step.ended_at - step.created_at)} s"
    for number, call in enumerate(step.calls):
        state = _STEP_STATES[step.status]
        if call.id in denied or call.denied:
            state = "denied"
        elif call.id in waiting:
            state = "waiting"
        elif call.failed:
            state = "failed"
        yield StepEntry(
            key=f"{step.id}/{number}",
            title=_BUILTIN_TITLES.get(call.kind, call.name or call.kind),
            state=state,
            detail=_detail(call, step.error),
            summary=_summary(call, step.error),
            duration=duration,
        )
        for image, file_id in enumerate(call.images):
            title = file_name(file_id) or file_id
            yield PictureEntry(f"{step.id}/{number}/image/{image}", file_id, title)


def _detail(call: ToolCall, error: str | None) -> str:
    parts = [call.arguments] if call.arguments else []
    parts += [f"searched for: {query}" for query in call.queries]
    if call.found:
        parts.append("\n".join(f"{each.score:.2f}  {each.file_name}" for each in call.found))
    if call.output is not None:
        parts.append(call.output)
    if error:
        parts.append(error)
    return "\n\n".join(parts)


def _summary(call: ToolCall, error: str | None) -> str:
    if call.found is not None and not error:
        return _found(call)
    source = error or call.output or call.arguments
    if not error and call.output is None and call.kind == "function":
        try:
            values = json.loads(call.arguments)
        except ValueError:
            values = None
        if isinstance(values, dict):
            source = ", ".join(f"{name}={value}" for name, value in values.items())
    first = source.strip().split("\n", 1)[0]
    return first if len(first) <= 120 else first[:119] + "…"


def _found(call: ToolCall) -> str:
    """What a file search found: how many passages, in which files, and for what if that is told."""
    found = call.found or ()
    queries = f" for {', '.join(call.queries)}" if call.queries else ""
    if not found:
        return f"no passages{queries}"
    files = list(dict.fromkeys(each.file_name or each.file_id for each in found))
    shown = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    count = "1 passage" if len(found) == 1 else f"{len(found)} passages"
    return f"{count} in {shown}{queries}"


def entries_of(
    conversation: Conversation, names: Mapping[str, str], file_name: FileName = unnamed
) -> list[Entry]:
    """A thread opened: its items, then what is still to be said of its last run."""
    items = item_entries(conversation.items, names, file_name)
    return [*items, *last_run_notice(conversation.last_run)]


def item_entries(
    items: Iterable[Message | ToolStep | Thought],
    names: Mapping[str, str],
    file_name: FileName = unnamed,
) -> Iterator[MessageEntry | StepEntry | PictureEntry]:
    """Messages and tool rows; ``names`` maps assistant ids to their names."""
    for item in items:
        if isinstance(item, Message):
            yield from message_entries(item, author_of(item, names), file_name)
        elif isinstance(item, Thought):
            yield thought_entry(item)
        else:
            yield from step_entries(item, file_name=file_name)


def author_of(message: Message, names: Mapping[str, str]) -> str:
    """Who wrote an answer; assistants that were deleted have no name any more."""
    return names.get(message.assistant_id or "", "Assistant")


def last_run_notice(run: Run | None) -> Iterator[NoticeEntry]:
    """A run that failed or expired before is said again when its thread is opened."""
    if run is None or run.status not in ("failed", "expired"):
        return
    if run.status == "expired":
        said = "The last run expired: nobody decided its function call in time."
    else:
        said = f"The last run failed: {run.error or 'the server gave no reason'}"
    yield NoticeEntry(f"run/{run.id}", f"{_sentence(said)} {how_to_retry()}", "error")


def run_failed_notice(run: Run, sentence: str) -> NoticeEntry:
    """The notice of a run that did not end well."""
    said = sentence or run.error or f"The run ended as {run.status}."
    return NoticeEntry(f"run/{run.id}", f"{_sentence(said)} {how_to_retry()}", "error")


def how_to_retry() -> str:
    """How to run again, with the default key."""
    retry = BY_ID["run.retry"]
    return f"{keys_text(retry)} runs it again."


def _sentence(text: str) -> str:
    stripped = text.rstrip()
    return stripped if stripped[-1:] in ".!?…" else f"{stripped}."


def figures(usage: Usage | None, seconds: float | None) -> str:
    """``1,240 in · 310 out · 3.1 s``, of what is known."""
    parts = []
    if usage is not None and (usage.prompt_tokens or usage.completion_tokens):
        parts += [f"{usage.prompt_tokens:,} in", f"{usage.completion_tokens:,} out"]
    if seconds is not None:
        parts.append(f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min")
    return " · ".join(parts)
