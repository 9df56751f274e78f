"""A message while it is written."""

from __future__ import annotations

from typing import Any

from services.engine.runs.saving import Saver


class OpenMessage:
    """A message being written: its parts as pieces, so that adding to one costs nothing."""

    saver: Saver

    def __init__(self, message_id: str, step_id: str):
        self.id = message_id
        self.step_id = step_id
        self.kinds: list[str] = []
        self.pieces: list[list[str]] = []
        self.lengths: list[int] = []
        self.annotations: list[dict[str, Any]] = []
        self.announced: set[int] = set()

    def part(self, kind: str) -> int:
        """The index of the part of that kind, new at the end if there is none."""
        if kind not in self.kinds:
            self.kinds.append(kind)
            self.pieces.append([])
            self.lengths.append(0)
        return self.kinds.index(kind)

    def add(self, index: int, text: str) -> None:
        self.pieces[index].append(text)
        self.lengths[index] += len(text)

    def content(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for kind, pieces in zip(self.kinds, self.pieces, strict=True):
            text = "".join(pieces)
            if kind == "text":
                said = {"value": text, "annotations": list(self.annotations)}
                parts.append({"type": "text", "text": said})
            else:
                parts.append({"type": "refusal", "refusal": text})
        return parts
