"""Everything there is of a thread, as the wire's own objects; no format yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["markdown", "json", "html"]
ENDINGS: Mapping[Format, str] = {"markdown": "md", "json": "json", "html": "html"}

Wire = Mapping[str, Any]
"""An object as the server sent it."""


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """``messages`` and ``runs`` oldest first; ``steps`` by the run's id, oldest first.

    ``assistants`` and ``files`` by id, as far as they are still there. ``pictures`` are data URLs
    of image files, by id. ``exported_at`` is in seconds since the epoch.
    """

    thread: Wire
    messages: Sequence[Wire]
    runs: Sequence[Wire]
    steps: Mapping[str, Sequence[Wire]]
    assistants: Mapping[str, Wire] = field(default_factory=dict)
    files: Mapping[str, Wire] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    exported_at: int = 0


Item = tuple[Literal["message", "step", "run"], Wire]


def in_order(record: ThreadRecord) -> list[Item]:
    """Messages, steps of tool calls, and after its last item each run, as they happened.

    A run's own steps tell the order within it; a run that wrote no message stands where it was
    created.
    """
    by_run: dict[str, list[Item]] = {run["id"]: _of_run(record, run) for run in record.runs}
    runs = {run["id"]: run for run in record.runs}
    silent = [
        run
        for run in record.runs
        if not any(message.get("run_id") == run["id"] for message in record.messages)
    ]
    ordered: list[Item] = []
    placed: set[str] = set()

    def place(run_id: str) -> None:
        placed.add(run_id)
        ordered.extend([*by_run[run_id], ("run", runs[run_id])])

    for message in record.messages:
        run_id = message.get("run_id")
        if run_id in by_run:
            if run_id not in placed:
                place(run_id)
            continue
        while silent and _time(silent[0]) < _time(message):
            place(silent.pop(0)["id"])
        ordered.append(("message", message))
    for run in silent:
        place(run["id"])
    return ordered


def _of_run(record: ThreadRecord, run: Wire) -> list[Item]:
    own = {each["id"]: each for each in record.messages if each.get("run_id") == run["id"]}
    items: list[Item] = []
    for step in record.steps.get(run["id"], ()):
        details = step.get("step_details") or {}
        if details.get("type") == "message_creation":
            message = own.pop((details.get("message_creation") or {}).get("message_id", ""), None)
            if message is not None:
                items.append(("message", message))
        else:
            items.append(("step", step))
    return [*items, *(("message", each) for each in own.values())]


def _time(read: Wire) -> int:
    return int(read.get("created_at") or 0)


def author(record: ThreadRecord, message: Wire) -> str:
    """Who wrote a message: "You", or the assistant's name."""
    if message.get("role") == "user":
        return "You"
    written_by = message.get("assistant_id") or (message.get("metadata") or {}).get(
        "understudy_assistant"
    )
    assistant = record.assistants.get(written_by or "", {})
    return str(assistant.get("name") or assistant.get("model") or "Assistant")


def file_name(record: ThreadRecord, file_id: str | None) -> str:
    """A file's name with its id, or the id alone when it was deleted."""
    name = record.files.get(file_id or "", {}).get("filename")
    return f"{name} ({file_id})" if name else str(file_id or "a file")


def call_title(call: Wire) -> str:
    """What a tool call is called: its function's name, or the tool."""
    if call.get("type") == "function":
        return str((call.get("function") or {}).get("name") or "function")
    return str(call.get("type") or "tool").replace("_", " ")


def call_texts(record: ThreadRecord, call: Wire) -> list[tuple[str, str]]:
    """What a call was given and what came of it, each as (label, text)."""
    kind = call.get("type")
    details = call.get(str(kind)) or {}
    if kind == "function":
        texts = [("Arguments", str(details.get("arguments") or ""))]
        return [*texts, *_some("Output", details.get("output"))]
    if kind == "code_interpreter":
        texts = [("Code", str(details.get("input") or ""))]
        for output in details.get("outputs") or []:
            if output.get("type") == "logs":
                texts.append(("Output", str(output.get("logs") or "")))
            else:
                picture = (output.get("image") or {}).get("file_id")
                texts.append(("Output", f"image: {file_name(record, picture)}"))
        return texts
    if kind == "file_search":
        return [
            (f"Found in {result.get('file_name') or result.get('file_id')}", _found(result))
            for result in details.get("results") or []
        ]
    return []


def _found(result: Wire) -> str:
    texts = (str(each.get("text") or "") for each in result.get("content") or [])
    score = result.get("score")
    said = f"score {score:.2f}" if isinstance(score, int | float) else ""
    return "\n\n".join(part for part in (said, *texts) if part)


def _some(label: str, text: Any) -> list[tuple[str, str]]:
    return [] if text is None else [(label, str(text))]


def citations(record: ThreadRecord, part: Wire) -> list[str]:
    """The sources of a text, in the order of its marks: "[mark] file"."""
    told = []
    for note in (part.get("text") or {}).get("annotations") or []:
        source = note.get(str(note.get("type"))) or {}
        quote = f": {source['quote']}" if source.get("quote") else ""
        told.append(f"{note.get('text') or ''} {file_name(record, source.get('file_id'))}{quote}")
    return told


def usage_text(run: Wire) -> str:
    """``1,240 tokens in, 310 out, 3 s``, of what is known."""
    parts = []
    usage = run.get("usage") or {}
    if usage:
        parts.append(f"{usage.get('prompt_tokens', 0):,} tokens in")
        parts.append(f"{usage.get('completion_tokens', 0):,} out")
    ended = run.get("completed_at") or run.get("cancelled_at") or run.get("failed_at")
    if ended and run.get("started_at"):
        parts.append(f"{max(0, ended - run['started_at'])} s")
    return ", ".join(parts)


def run_text(run: Wire) -> str:
    """A run in a line: its model, how it ended, what it used."""
    status = str(run.get("status") or "")
    error = (run.get("last_error") or {}).get("message")
    reason = (run.get("incomplete_details") or {}).get("reason")
    ended = status if not (error or reason) else f"{status}: {error or reason}"
    return " · ".join(
        each for each in (str(run.get("model") or ""), ended, usage_text(run)) if each
    )
