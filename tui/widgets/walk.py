"""Walking back through what was sent, with the draft and every edit kept on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.records import Outgoing


class Walk:
    """Place 0 is the draft, place 1 what was sent last."""

    def __init__(self) -> None:
        self._past: Sequence[Outgoing] = ()
        self._at = 0
        self._edits: dict[int, Outgoing] = {}

    @property
    def walking(self) -> bool:
        return self._at > 0

    @property
    def draft(self) -> Outgoing | None:
        """What was being written before the walk began; None where there was none."""
        return self._edits.get(0) or None

    def step(self, step: int, shown: Outgoing, past: Sequence[Outgoing]) -> Outgoing | None:
        """One step back (1) or forth (-1); ``shown`` is what the box holds. None at an end.

        ``past`` is what was sent, the newest first; a walk keeps to what it began with.
        """
        if not self.walking:
            self._past, self._edits = tuple(past), {}
        to = self._at + step
        if not 0 <= to <= len(self._past):
            return None
        self._edits[self._at] = replace(shown, files=())
        self._at = to
        return self._edits.get(to) or (self._past[to - 1] if to else Outgoing())

    def stop(self) -> None:
        """What is in the box is the draft now."""
        self._past, self._at, self._edits = (), 0, {}
