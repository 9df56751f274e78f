"""The transcript with the keys that act on the message under its cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.commands import bindings
from tui.transcript.entries import MessageEntry
from tui.transcript.view import Transcript

SENDING = "sending/"
"""Begins the keys of messages that are not stored yet."""
_OWN = {binding.id for binding in Transcript.BINDINGS if isinstance(binding, Binding)}


class ThreadTranscript(Transcript):
    """Tells which message is meant: the marked one, the one a marked step follows, or the last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        each for each in bindings("transcript") if isinstance(each, Binding) and each.id not in _OWN
    ]

    def message_meant(self) -> MessageEntry | None:
        """A message that is stored, None when there is none."""
        return next(self._messages_up(), None)

    def question_meant(self) -> MessageEntry | None:
        """The question that is marked, or that the marked answer answers."""
        return next((entry for entry in self._messages_up() if entry.own), None)

    def cut_off_answer(self) -> MessageEntry | None:
        """The last message, if it is an answer that was stopped or cut off."""
        keys = reversed(self.keys)
        last = next(
            (each for key in keys if isinstance(each := self.entry(key), MessageEntry)), None
        )
        cut = last is not None and not last.own and last.state in ("stopped", "failed")
        return last if cut else None

    def _messages_up(self) -> Iterator[MessageEntry]:
        """The stored messages from the one that is meant upwards."""
        keys = self.keys
        if self.cursor in keys:
            keys = keys[: keys.index(self.cursor) + 1]
        for key in reversed(keys):
            entry = self.entry(key)
            if isinstance(entry, MessageEntry) and not key.startswith(SENDING):
                yield entry
