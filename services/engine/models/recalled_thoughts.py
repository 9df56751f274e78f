"""What a model thought before it called tools, kept so that it can go on from there.

Nothing is stored at the endpoint, so reasoning models want their own thoughts back together with
the outputs of the tools. They are opaque to us and of use to that model alone, so they live here
and not in the store: after a restart they are missing, and the model thinks again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Thought = Mapping[str, Any]
# In the order of the model's answer: a thought, the place of the text, a call by its id.
Part = Thought | Literal["text"] | str

_FIELDS = ("type", "id", "summary", "encrypted_content", "content")


@dataclass(frozen=True, slots=True)
class RecalledTurn:
    model: str
    parts: tuple[Part, ...]
    size: int


class RecalledThoughts:
    """The latest turns with calls, as many as fit."""

    def __init__(self, most_turns: int = 2000, most_characters: int = 32 * 1024 * 1024) -> None:
        self._most_turns = most_turns
        self._most_characters = most_characters
        self._turns: OrderedDict[str, RecalledTurn] = OrderedDict()  # by the turn's first call
        self._size = 0

    def keep(self, model: str, parts: Sequence[Part]) -> None:
        """Keeps a turn, if it holds thoughts and a call to find them by."""
        first = first_call(parts)
        thoughts = [part for part in parts if not isinstance(part, str)]
        if first is None or not thoughts:
            return
        size = sum(map(_size, thoughts))
        self._turns[first] = RecalledTurn(model, tuple(parts), size)
        self._size += size
        while self._size > self._most_characters or len(self._turns) > self._most_turns:
            _, oldest = self._turns.popitem(last=False)
            self._size -= oldest.size

    def turn(self, model: str, call_ids: Iterable[str]) -> tuple[Part, ...]:
        """The turn in which this model made these calls, or nothing."""
        for call_id in call_ids:
            found = self._turns.get(call_id)
            if found is not None and found.model == model:
                self._turns.move_to_end(call_id)
                return found.parts
        return ()


def thought_in(item: Mapping[str, Any]) -> Thought | None:
    """What can be sent back of a reasoning item; None if it says nothing without the endpoint."""
    kept = {name: item[name] for name in _FIELDS if item.get(name) is not None}
    if not (kept.get("encrypted_content") or kept.get("content") or kept.get("summary")):
        return None
    return {"summary": [], **kept}


def first_call(parts: Iterable[Part]) -> str | None:
    return next((part for part in parts if isinstance(part, str) and part != "text"), None)


def _size(thought: Thought) -> int:
    return sum(len(str(value)) for value in thought.values())
