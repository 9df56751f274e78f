"""What a function call that waits for a decision says of itself, ready for the screen."""

from __future__ import annotations

from textual.content import Content

from services.records import ApprovalRequest
from tui.text import content, safe_line, visible

DIM = "$footer-description-foreground"


def arguments_of(request: ApprovalRequest) -> str:
    """The arguments to judge: sorted JSON, or what the model wrote where that is no JSON."""
    return request.arguments if request.canonical is None else request.canonical


def size_of(text: str) -> str:
    """How much text this is: ``312 bytes``, ``18 kB``."""
    count = len(text.encode("utf-8", "surrogatepass"))
    if count < 10_000:
        return f"{count:,} byte{'' if count == 1 else 's'}"
    return f"{count / 1000:,.0f} kB"


def countdown(request: ApprovalRequest, now: float) -> str:
    """Time left to decide, empty where the call does not expire; ``now`` as ``time.time()``."""
    if request.expires_at is None:
        return ""
    left = int(request.expires_at - now)
    if left <= 0:
        return "expired"
    return f"expires in {left // 60}:{left % 60:02d}"


def headline(request: ApprovalRequest, assistant: str) -> Content:
    """Who wants to call what. The tool's name is shown with its hidden characters visible."""
    who = safe_line(assistant, 60) or "The assistant"
    return Content.assemble(
        content(who, "bold"),
        " asks to call ",
        content(visible(request.tool), "bold $accent"),
    )


def place(request: ApprovalRequest, now: float) -> str:
    """Which of several calls this is, and how long it can still be decided."""
    parts = [f"call {request.position} of {request.of}"] if request.of > 1 else []
    if left := countdown(request, now):
        parts.append(left)
    return " · ".join(parts)


def reach(request: ApprovalRequest) -> Content:
    """Where the function comes from and what happens when it is allowed."""
    if request.canonical is None:
        what = "Cannot run: not valid JSON. Deny it, or answer by hand."
    elif request.runs_here:
        what = "Runs on this machine, as you."
    else:
        what = "Cannot run here: you would type its result by hand."
    origin = visible(request.origin)
    return Content.assemble((f"{origin}  " if origin else "", DIM), what)


def described(request: ApprovalRequest, limit: int | None = None) -> Content:
    """The tool's own description: a claim of whoever wrote it."""
    return content(safe_line(request.description, limit), DIM)


def warned(request: ApprovalRequest) -> Content:
    """One line a warning, each with its mark."""
    lines = [
        Content.assemble(("! ", "bold $warning"), content(visible(warning), "$warning"))
        for warning in request.warnings
    ]
    return Content("\n").join(lines)
