"""What the outputs of functions say of themselves, when nothing but the text was kept."""

from __future__ import annotations

DENIED = "The user denied this call."
_FAILURES = (
    "failed: ",
    "was not run",
    "ran, but its result cannot be written",
    "took longer than ",
    "ended its process (",
    "crashed (",
    "closed the way back to the app",
)


def says_failure(name: str, output: str) -> bool:
    """Whether this is one of the sentences by which the worker tells that a call failed."""
    if output == f"There is no function {name} in the functions folder.":
        return True
    if output.endswith(f" has no function {name} any more."):
        return True
    return output.startswith(f"{name} ") and output[len(name) + 1 :].startswith(_FAILURES)


def says_denied(output: str) -> bool:
    """Whether the call was denied by the user (``services/functions/approval.py``)."""
    return output == DENIED or output.startswith(f"{DENIED} Reason: ")
