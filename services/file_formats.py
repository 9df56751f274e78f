"""Which files can be given along, and what each is for.

What the hosted API took for its assistants; our own engine holds to the same.
"""

from __future__ import annotations

from services.outgoing import Use, readable_size

LARGEST_UPLOAD = 512 * 1024 * 1024
"""Bytes."""

# fmt: off
PICTURES = frozenset({"gif", "jpeg", "jpg", "png", "webp"})
SEARCHABLE = frozenset({
    "c", "cpp", "cs", "css", "doc", "docx", "go", "html", "java", "js", "json", "md", "pdf", "php",
    "pptx", "py", "rb", "sh", "tex", "ts", "txt",
})
FOR_CODE = frozenset({"csv", "pkl", "tar", "xlsx", "xml", "zip"})
# fmt: on


def uses_of(name: str) -> tuple[Use, ...]:
    """What a file of this name can be used for, the likeliest first; empty for none."""
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower() if dot and stem else ""
    if extension in PICTURES:
        return ("image", "code_interpreter")
    if extension in FOR_CODE:
        return ("code_interpreter",)
    if extension in SEARCHABLE or not extension:
        return ("file_search", "code_interpreter", "both")
    return ()


def why_not(name: str, size: int) -> str:
    """Why a file cannot be given along, as a sentence; empty if it can."""
    if not size:
        return f"{name} is empty: there is nothing to attach."
    if size > LARGEST_UPLOAD:
        return f"{name} is too large: {readable_size(size)}, and at most 512 MB can be attached."
    if not uses_of(name):
        extension = name.rpartition(".")[2]
        return (
            f"{name} cannot be attached: .{extension[:20]} is not among the formats that "
            "assistants read. Save it as text, PDF, CSV or a picture."
        )
    return ""
