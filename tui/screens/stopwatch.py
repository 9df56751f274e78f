"""How long a run worked: without the time in which it waited for a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.events import ApprovalNeeded, ApprovalSettled, RunEvent
from services.records import Run, ToolStep


class Stopwatch:
    """Runs from its making on; stands still while calls wait to be decided."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._stood = 0.0
        self._stopped_at: float | None = None
        self._waiting: set[str] = set()

    @property
    def seconds(self) -> float:
        now = self._clock() if self._stopped_at is None else self._stopped_at
        return now - self._began - self._stood

    def note(self, event: RunEvent) -> None:
        """Stops and goes on by what the run tells."""
        if isinstance(event, ApprovalNeeded):
            self._waiting.update(request.call_id for request in event.requests)
        elif isinstance(event, ApprovalSettled):
            self._waiting.discard(event.call_id)
        else:
            return
        if self._waiting and self._stopped_at is None:
            self._stopped_at = self._clock()
        elif not self._waiting and self._stopped_at is not None:
            self._stood += self._clock() - self._stopped_at
            self._stopped_at = None


def worked(run: Run, items: Iterable[object]) -> float | None:
    """Seconds that a stored run worked, as far as its steps among ``items`` tell; None if active.

    What the store knows of a function is when it was asked for and when its result was there.
    """
    if run.started_at is None or run.ended_at is None:
        return None
    waited = sum(
        max(0, (step.ended_at or run.ended_at) - step.created_at)
        for step in items
        if isinstance(step, ToolStep)
        and step.run_id == run.id
        and any(call.kind == "function" for call in step.calls)
    )
    return float(max(0, run.ended_at - run.started_at - waited))
