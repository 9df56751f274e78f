"""What one thread has not sent yet: the message in its box, and the queue behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.outgoing import Draft, Outgoing, PendingFile

NOT_SENT_BEFORE = "from before the app was closed"
"""Why a queue waits that was read from disk: nothing is sent unasked."""


@dataclass(slots=True, eq=False)
class Delivery:
    """A message on its way; its files get their ids one by one. ``queued`` tells that it comes
    from the queue, and goes back there when it cannot be sent."""

    message: Outgoing
    queued: bool = False

    def uploaded(self, key: str, file_id: str) -> None:
        files = (
            replace(file, file_id=file_id) if file.key == key else file
            for file in self.message.files
        )
        self.message = replace(self.message, files=tuple(files))


class Outbox:
    """The draft and the queue of a thread. Changes are told to ``changed``.

    ``message`` is what the message box holds; while the thread is on the screen the box knows
    better, and ``ask`` asks it. ``sending`` is what was taken and is not acknowledged yet.
    """

    def __init__(
        self, thread_id: str | None, draft: Draft, changed: Callable[[Outbox], None]
    ) -> None:
        self.thread_id = thread_id
        self.message = draft.message
        self.queue: list[Outgoing] = list(draft.queue)
        self.paused = (draft.paused or NOT_SENT_BEFORE) if draft.queue else ""
        self.editing: int | None = None
        """Place of the queued message that is in the box; it is not sent meanwhile."""
        self.sending: list[Delivery] = []
        self.ask: Callable[[], Outgoing] | None = None
        self._before_editing = Outgoing()
        self._changed = changed

    def recall(self, draft: Draft) -> None:
        """What was kept on disk, read after something was written here already."""
        if draft.queue:
            self.queue[:0] = draft.queue
            self.paused = self.paused or draft.paused or NOT_SENT_BEFORE
        here = self.ask() if self.ask is not None else self.message
        self.message = draft.message.joined(here)

    def draft(self) -> Draft:
        """What must not be lost if the app ended now."""
        message = self.ask() if self.ask is not None else self.message
        queue = list(self.queue)
        if self.editing is not None:
            if message:
                queue[self.editing] = replace(
                    message, assistant_id=queue[self.editing].assistant_id
                )
            message = self._before_editing
        for delivery in reversed(self.sending):
            message = delivery.message.joined(message)
        return Draft(message, tuple(queue), self.paused if queue else "")

    def touch(self) -> None:
        """Something changed that is worth keeping."""
        self._changed(self)

    # Sending

    def take(self, message: Outgoing, *, queued: bool = False) -> Delivery:
        """A message leaves the box (or the queue) and is on its way."""
        delivery = Delivery(message, queued)
        self.sending.append(delivery)
        self.touch()
        return delivery

    def over(self, delivery: Delivery) -> None:
        """It is not on its way any more: it arrived, or it came back."""
        self.sending = [each for each in self.sending if each is not delivery]
        self.touch()

    # The queue

    def enqueue(self, message: Outgoing) -> None:
        self.queue.append(message)
        self.touch()

    def put_back(self, message: Outgoing) -> None:
        """A queued message that could not be sent is the first again."""
        self.queue.insert(0, message)
        if self.editing is not None:
            self.editing += 1
        self.touch()

    def next(self) -> Delivery | None:
        """Takes the message whose turn it is: none while the queue is paused, or its first
        message is being edited."""
        if not self.queue or self.paused or self.editing == 0:
            return None
        message = self.queue.pop(0)
        if self.editing is not None:
            self.editing -= 1
        return self.take(message, queued=True)

    def pause(self, reason: str) -> None:
        """``reason`` completes "The queue waits: ..."."""
        if self.queue:
            self.paused = reason
            self.touch()

    def resume(self) -> None:
        self.paused = ""
        self.touch()

    def move(self, at: int, step: int) -> int:
        """Moves a queued message up or down; where it is then."""
        to = min(max(at + step, 0), len(self.queue) - 1)
        if to != at and 0 <= at < len(self.queue):
            self.queue.insert(to, self.queue.pop(at))
            if self.editing == at:
                self.editing = to
            elif self.editing is not None and min(at, to) <= self.editing <= max(at, to):
                self.editing += 1 if to < at else -1
            self.touch()
        return to

    def drop(self, at: int) -> None:
        if 0 <= at < len(self.queue):
            del self.queue[at]
            if self.editing == at:
                self.editing = None
            elif self.editing is not None and self.editing > at:
                self.editing -= 1
            self._settle()

    def clear(self) -> None:
        self.queue.clear()
        self.editing = None
        self._settle()

    def _settle(self) -> None:
        if not self.queue:
            self.paused = ""
        self.touch()

    # Editing a queued message in the box

    def begin_editing(self, at: int, box: Outgoing) -> Outgoing:
        """Locks a queued message and gives it for the box; what the box held is kept."""
        if self.editing is None:
            self._before_editing = box
        self.editing = at
        self.touch()
        return self.queue[at]

    def end_editing(self, edited: Outgoing | None) -> Outgoing:
        """Puts the edited message in its place (None leaves it as it was, an empty one drops it);
        what the box held before."""
        at, before = self.editing, self._before_editing
        self.editing, self._before_editing = None, Outgoing()
        if at is not None and edited is not None:
            if edited:
                kept = self.queue[at].assistant_id
                self.queue[at] = replace(edited, assistant_id=kept)
            else:
                del self.queue[at]
        self._settle()
        return before

    # Files of the message in the box

    def attach(self, file: PendingFile) -> bool:
        """Adds a file; whether it was not there yet."""
        if any(each.key == file.key for each in self.message.files):
            return False
        self.message = replace(self.message, files=(*self.message.files, file))
        self.touch()
        return True

    def detach(self, key: str) -> None:
        self.message = replace(
            self.message, files=tuple(each for each in self.message.files if each.key != key)
        )
        self.touch()

    def switch_use(self, key: str) -> None:
        """The file is for its next use."""
        files = (each.switched() if each.key == key else each for each in self.message.files)
        self.message = replace(self.message, files=tuple(files))
        self.touch()
