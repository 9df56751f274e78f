"""Assistants, their files and what can be known of runs, as a test put them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.inspection import RunReport, ThreadFigures
from services.records import (
    Assistant,
    AssistantDraft,
    ImportReport,
    NamedResource,
    Run,
    ServiceError,
)

NOW = 1_790_000_000


def an_assistant(id: str, draft: AssistantDraft) -> Assistant:
    """The draft, stored."""
    fields = {name: getattr(draft, name) for name in AssistantDraft.__dataclass_fields__}
    return Assistant(id=id, created_at=NOW, **fields)


@dataclass
class FakeAssistants:
    items: list[Assistant]
    error: ServiceError | None = None
    drafts: list[AssistantDraft] = field(default_factory=list)
    befores: list[Assistant | None] = field(default_factory=list)
    going: dict[str, Callable[[ServiceError], None]] = field(default_factory=dict)
    too_late: bool = False

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    async def list(self) -> tuple[Assistant, ...]:
        return tuple(one for one in self.items if one.id not in self.going)

    async def create(self, draft: AssistantDraft) -> Assistant:
        self._check()
        self.drafts.append(draft)
        made = an_assistant(f"asst_{len(self.items) + 1}", draft)
        self.items.append(made)
        return made

    async def update(
        self, id: str, draft: AssistantDraft, before: Assistant | None = None
    ) -> Assistant:
        self._check()
        self.drafts.append(draft)
        self.befores.append(before)
        changed = an_assistant(id, draft)
        self.items = [changed if one.id == id else one for one in self.items]
        return changed

    async def duplicate(self, id: str) -> Assistant:
        self._check()
        source = next(one for one in self.items if one.id == id)
        made = replace(source, id=f"asst_{len(self.items) + 1}", name=f"{source.name} (copy)")
        self.items.append(made)
        return made

    def delete_later(self, id: str, failed: Callable[[ServiceError], None]) -> None:
        self.going[id] = failed

    def undelete(self, id: str) -> bool:
        return not self.too_late and self.going.pop(id, None) is not None

    def refuse_deletion(self, id: str, error: ServiceError) -> None:
        """The server does not delete it."""
        self.going.pop(id)(error)


@dataclass
class FakeAssistantFiles:
    report: ImportReport = field(default_factory=ImportReport)
    error: ServiceError | None = None
    read: list[Path] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    async def bring_in(self, path: Path) -> ImportReport:
        self.read.append(path)
        if self.error is not None:
            raise self.error
        return self.report

    async def write_out(self, id: str, folder: Path) -> Path:
        if self.error is not None:
            raise self.error
        self.written.append(id)
        return folder / f"{id}.assistant.json"

    async def write_out_all(self, folder: Path) -> Path:
        self.written.append("all")
        return folder / "assistants.json"


@dataclass
class FakeInspection:
    reports: dict[str, RunReport] = field(default_factory=dict)
    sums: ThreadFigures = field(default_factory=ThreadFigures)
    asked: list[str] = field(default_factory=list)
    error: ServiceError | None = None

    async def runs(self, thread_id: str) -> tuple[Run, ...]:
        if self.error is not None:
            raise self.error
        return tuple(report.run for report in self.reports.values())

    async def report(self, thread_id: str, run_id: str) -> RunReport:
        self.asked.append(run_id)
        return self.reports[run_id]

    async def figures(self, thread_id: str) -> ThreadFigures:
        return self.sums


@dataclass
class FakeVectorStores:
    items: tuple[NamedResource, ...] = ()
    error: ServiceError | None = None

    async def list(self) -> tuple[NamedResource, ...]:
        if self.error is not None:
            raise self.error
        return self.items
