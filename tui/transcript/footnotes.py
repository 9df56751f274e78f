"""Citations as a reader sees them: numbers in the text, sources below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.records import Citation
from tui.transcript.entries import Footnote


def footnotes_of(
    citations: Iterable[Citation], name: Callable[[str], str | None]
) -> tuple[Footnote, ...]:
    """A footnote for each marker, numbered as they first appear; ``name`` tells a file's name."""
    found: dict[str, Footnote] = {}
    for each in citations:
        if each.marker not in found:
            label = name(each.file_id) or each.file_id
            found[each.marker] = Footnote(len(found) + 1, each.marker, label, each.file_id)
    return tuple(found.values())


def numbered_text(text: str, footnotes: Iterable[Footnote]) -> str:
    """``text`` with ``[1]`` where the markers stand."""
    for each in footnotes:
        text = text.replace(each.marker, f"[{each.number}]")
    return text
