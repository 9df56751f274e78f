"""Text as it arrives in pieces: thinking told apart from the answer, halved characters joined."""

from __future__ import annotations

from services.engine.models.base import ReasoningDelta, TextDelta

_MOST_BLANKS = 1000  # before an answer, that it may still turn out to begin with thinking
_OPEN, _CLOSE = "<think>", "</think>"


class CharacterJoiner:
    """Joins surrogate halves that a server split over two pieces.

    A half that never finds its other half becomes U+FFFD: it could not be stored or sent.
    """

    def __init__(self) -> None:
        self._half = ""

    def feed(self, piece: str) -> str:
        if piece.isascii() and not self._half:
            return piece
        piece = self._half + piece
        self._half = ""
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            self._half = piece[-1]
            piece = piece[:-1]
        return whole_characters(piece)

    def close(self) -> str:
        left, self._half = self._half, ""
        return whole_characters(left)


def whole_characters(text: str) -> str:
    """``text`` with surrogate pairs joined and lone surrogates replaced by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class ThinkingSplitter:
    """Tells ``<think>...</think>`` at the very start of an answer from the answer.

    Anywhere later the tags are text: a model may well write about them.
    """

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""

    def feed(self, piece: str) -> list[TextDelta | ReasoningDelta]:
        if self._state == "answer":
            return [TextDelta(piece)] if piece else []
        self._held += piece
        if self._state == "start":
            begin = self._held.lstrip()
            if begin.startswith(_OPEN):
                self._state, self._held = "thinking", begin[len(_OPEN) :]
            elif _OPEN.startswith(begin) and len(self._held) < _MOST_BLANKS:
                return []
            else:
                return self._answer(self._held)
        if self._state == "thinking":
            return self._think()
        return self._answer(self._held.lstrip()) if self._held.strip() else []

    def close(self) -> list[TextDelta | ReasoningDelta]:
        """What was held back while it was not clear what it is."""
        held, self._held = self._held, ""
        if not held or self._state == "gap":
            return []
        return [ReasoningDelta(held)] if self._state == "thinking" else [TextDelta(held)]

    def _think(self) -> list[TextDelta | ReasoningDelta]:
        thought, closed, rest = self._held.partition(_CLOSE)
        if closed:
            self._state, self._held = "gap", ""
            thinking: list[TextDelta | ReasoningDelta] = (
                [ReasoningDelta(thought)] if thought else []
            )
            return [*thinking, *self.feed(rest)]
        keep = next(
            (n for n in range(len(_CLOSE) - 1, 0, -1) if thought.endswith(_CLOSE[:n])),
            0,
        )
        ready = thought[: len(thought) - keep]
        self._held = thought[len(ready) :]
        return [ReasoningDelta(ready)] if ready else []

    def _answer(self, text: str) -> list[TextDelta | ReasoningDelta]:
        self._state, self._held = "answer", ""
        return [TextDelta(text)] if text else []
