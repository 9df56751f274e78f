"""Where an answer ends that would not."""

from __future__ import annotations

from services.engine.models.base import CallArguments, ModelEvent, RefusalDelta, TextDelta

# An answer that never ends must not fill the disk.
MAX_ANSWER_CHARACTERS = 4 * 1024 * 1024


def cut(event: ModelEvent, room: int) -> ModelEvent:
    """The event with no more text than there is room for."""
    match event:
        case TextDelta(text) if len(text) > room:
            return TextDelta(text[:room])
        case RefusalDelta(text) if len(text) > room:
            return RefusalDelta(text[:room])
        case CallArguments(index, fragment) if len(fragment) > room:
            return CallArguments(index, fragment[:room])
        case _:
            return event
