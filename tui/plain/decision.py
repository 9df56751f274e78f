"""A function call that waits for a decision, told in lines and decided by a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.records import Answer, ApprovalRequest, Approve, Decision, Deny
from tui.text import safe_line, visible


def told(request: ApprovalRequest, assistant: str) -> list[str]:
    """Everything there is to judge by, in order; nothing is cut."""
    arguments = request.arguments if request.canonical is None else request.canonical
    lines = visible(arguments, keep_newlines=True).split("\n")
    who = safe_line(assistant, 60) or "The assistant"
    said = [
        f"Decision needed, call {request.position} of {request.of}.",
        f"{who} asks to call the function {visible(request.tool)}, from "
        f"{visible(request.origin) or 'an unknown place'}.",
    ]
    if request.canonical is None:
        said.append("It cannot run: its arguments are not valid JSON.")
    elif request.runs_here:
        said.append("If you allow it, it runs on this machine, as you.")
    else:
        said.append("It cannot run here: you would give its result by hand.")
    if request.description.strip():
        said.append(f"It describes itself as: {safe_line(request.description, 300)}")
    said.extend(f"Warning: {visible(each)}" for each in request.warnings)
    said.append(f"Its arguments, {len(lines)} {'line' if len(lines) == 1 else 'lines'}:")
    said.extend(lines)
    said.append("End of the arguments.")
    return said


def choices(request: ApprovalRequest) -> str:
    """What may be typed."""
    first = "run, " if _runnable(request) else ""
    return f"Type one of: {first}answer and a result, deny, deny and a reason, repeat, later, stop."


def _runnable(request: ApprovalRequest) -> bool:
    return request.runs_here and request.canonical is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """What was typed: a decision, or what else is to be done, with a sentence that says so."""

    what: Literal["decide", "repeat", "later", "stop", "unclear"]
    said: str
    decision: Decision | None = None


def chosen(line: str, request: ApprovalRequest) -> Choice:
    """What ``line`` decides. Only whole words do: a stray key or an empty line decides nothing."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    match word.casefold():
        case "run" if not rest and _runnable(request):
            return Choice("decide", "It runs.", Approve(request.fingerprint))
        case "run" if not rest:
            return Choice("unclear", "It cannot run here.")
        case "answer" if rest:
            return Choice("decide", "Your result goes back.", Answer(request.fingerprint, rest))
        case "deny":
            return Choice("decide", "Denied; the assistant is told.", Deny(rest))
        case "repeat" if not rest:
            return Choice("repeat", "")
        case "later" if not rest:
            return Choice("later", "The call waits. /decide comes back to it.")
        case "stop" if not rest:
            return Choice("stop", "Stopping the run; what was written is kept.")
    return Choice("unclear", "Nothing was decided.")
