"""A run's report as text: rows with bars on a time line, and the details of each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.records import Run, Usage

if TYPE_CHECKING:
    from services.inspection import ModelRequest, RunReport, Step, StepCall, ThreadFigures

_STATES: Mapping[str, tuple[str, str]] = {
    "completed": ("✓", ""),
    "in_progress": ("●", "running"),
    "queued": ("●", "running"),
    "requires_action": ("!", "warning"),
    "cancelling": ("●", "running"),
    "cancelled": ("■", ""),
    "failed": ("✗", "error"),
    "expired": ("✗", "error"),
    "incomplete": ("✗", "warning"),
}
_NOT_TOLD = "This server does not tell what it asks its model."
_NOT_KEPT = "The requests of this run are not kept any more, or none was made."
_NOT_YET = "A request is shown here once the model has answered it; read again then."
BAR = 12
"""Cells of a bar at least; with less room there is none."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: ``span`` is where its bar begins and ends, in seconds."""

    key: str
    title: str
    status: str
    figures: str
    span: tuple[float, float] | None = None


def lines_of(report: RunReport, now: float | None = None) -> list[Line]:
    """The run, its steps and its requests, as rows."""
    now = time.time() if now is None else now
    run = report.run
    lines = [Line("run", "the run", run.status, span(run, report.seconds), _ends(run, now))]
    for number, step in enumerate(report.steps):
        ends = (step.created_at, step.ended_at or (run.ended_at or now))
        lines.append(
            Line(
                f"step/{number}", step_title(step), step.status, f"{ends[1] - ends[0]:.0f} s", ends
            )
        )
    for request in report.requests or ():
        took = request.seconds
        asked = (request.created_at, request.created_at + (took or 0))
        told = seconds_text(took) if took is not None else ""
        title = f"request {request.number}"
        lines.append(Line(f"request/{request.number}", title, "", told, asked))
    return lines


def _ends(run: Run, now: float) -> tuple[float, float]:
    start = run.started_at or run.created_at
    return start, run.ended_at or (now if run.active else start)


def span(run: Run, seconds: float | None) -> str:
    return seconds_text(seconds) if seconds is not None else run.status.replace("_", " ")


def seconds_text(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def step_title(step: Step) -> str:
    if not step.calls:
        return "message" if step.message_id else "step"
    names = list(dict.fromkeys(_call_name(call) for call in step.calls))
    count = f" ×{len(step.calls)}" if len(step.calls) > len(names) else ""
    return ", ".join(names) + count


def _call_name(call: StepCall) -> str:
    return (call.name or call.kind).replace("_", " ") if call.kind != "function" else call.name


def mark(status: str) -> tuple[str, str]:
    """The sign of a state, and the tone of a row in it."""
    return _STATES.get(status, (" ", ""))


def bar(ends: tuple[float, float], whole: tuple[float, float], width: int) -> str:
    """Where something lies within ``whole``, on ``width`` cells; what took no time has one."""
    length = max(whole[1] - whole[0], 1e-9)
    first = min(width - 1, max(0, int((ends[0] - whole[0]) / length * width)))
    last = min(width, max(first + 1, round((ends[1] - whole[0]) / length * width)))
    return "·" * first + "━" * (last - first) + "·" * (width - last)


def whole_span(lines: Sequence[Line]) -> tuple[float, float]:
    spans = [line.span for line in lines if line.span is not None]
    return min(start for start, _ in spans), max(end for _, end in spans)


# --- details ----------------------------------------------------------------------------------


def details_of(
    report: RunReport, key: str, assistant: str, thread: ThreadFigures | None
) -> list[tuple[str, str]]:
    """Heading and text of every part of a row's details."""
    kind, _, number = key.partition("/")
    if kind == "step" and int(number) < len(report.steps):
        return [*_step(report.steps[int(number)], report.run)]
    if kind == "request":
        for request in report.requests or ():
            if str(request.number) == number:
                return [*_request(request)]
    return [*_run(report, assistant, thread)]


def _run(
    report: RunReport, assistant: str, thread: ThreadFigures | None
) -> Iterator[tuple[str, str]]:
    run = report.run
    told = [
        ("State", run.status.replace("_", " ")),
        ("Assistant", assistant or run.assistant_id),
        ("Model asked for", run.model),
        ("Model that answered", ", ".join(report.models) or "not told"),
        ("Begun", _clock(run.started_at or run.created_at)),
        ("Ended", _clock(run.ended_at) if run.ended_at else ""),
        ("Worked for", seconds_text(report.seconds) if report.seconds is not None else ""),
        ("Tokens", usage_text(run.usage)),
        ("Run", run.id),
    ]
    yield "Run", _table(told)
    if run.error:
        yield "Error", run.error
    if run.incomplete_reason:
        yield "Why it is not complete", run.incomplete_reason.replace("_", " ")
    if thread is not None and thread.runs:
        yield "This thread so far", _table(thread_table(thread))
    if report.requests is None:
        yield "What the model was asked", _NOT_TOLD
    elif not report.requests:
        yield "What the model was asked", _NOT_YET if run.active else _NOT_KEPT
    if report.settings:
        yield "Created with", as_json(report.settings)


def thread_table(figures: ThreadFigures) -> list[tuple[str, str]]:
    return [
        ("Runs", f"{figures.runs:,}"),
        ("Tokens", usage_text(figures.usage)),
        ("Worked for", seconds_text(figures.seconds)),
    ]


def _step(step: Step, run: Run) -> Iterator[tuple[str, str]]:
    began = step.created_at - (run.started_at or run.created_at)
    took = f"{step.ended_at - step.created_at} s" if step.ended_at else ""
    told = [
        ("State", step.status.replace("_", " ")),
        ("Begun", f"{_clock(step.created_at)}, {began} s after the run"),
        ("Took", took),
        ("Tokens", usage_text(step.usage)),
        ("Message", step.message_id or ""),
        ("Step", step.id),
    ]
    yield step_title(step).capitalize() if not step.calls else "Step", _table(told)
    if step.error:
        yield "Error", step.error
    for number, call in enumerate(step.calls, 1):
        count = f" {number} of {len(step.calls)}" if len(step.calls) > 1 else ""
        yield f"Call{count}: {_call_name(call)}", call.id
        if call.given:
            yield "Code" if call.kind == "code_interpreter" else "Arguments", call.given
        yield "Output", call.output if call.output is not None else "None yet."


def _request(request: ModelRequest) -> Iterator[tuple[str, str]]:
    told = [
        ("Sent", _clock(request.created_at) if request.created_at else ""),
        ("Model", request.model),
        ("Endpoint", request.endpoint),
        ("Took", seconds_text(request.seconds) if request.seconds is not None else ""),
        ("Tokens", usage_text(request.usage)),
    ]
    yield f"Request {request.number}", _table(told)
    yield "Body, as it was sent", as_json(request.body)


def as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def usage_text(usage: Usage | None) -> str:
    """``1,240 in (300 cached), 310 out (64 reasoning)``."""
    if usage is None:
        return ""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
    return f"{usage.prompt_tokens:,} in{cached}, {usage.completion_tokens:,} out{reasoning}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"{name:<20} {value}" for name, value in rows if value)


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
