"""What the assistant form has to choose from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from textual.content import Content

from services.records import LocalFunction, NamedResource, ServiceError
from tui.text import safe_line
from tui.widgets.check_list import Check

if TYPE_CHECKING:
    from services.workspace import Workspace

BUILTIN = (
    Check("file_search", "file search", aside="finds passages in a vector store"),
    Check("code_interpreter", "code interpreter", aside="runs Python on files"),
)
EFFORTS = {"": "the model's own"} | {
    name: name for name in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
}
FORMATS = {
    "auto": "auto",
    "text": "text",
    "json_object": "any JSON object",
    "json_schema": "JSON by a schema",
}
"""What the wire knows, with the words for it."""

Found = TypeVar("Found")


def options(known: Mapping[str, str]) -> list[tuple[Content, str]]:
    """The choices of a Select; its texts would be read as markup."""
    return [(Content(label), value) for value, label in known.items()]


class Offers:
    """Functions, vector stores and files, once they are read; without, what was chosen before."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.local: tuple[LocalFunction, ...] = ()
        self.problems: list[str] = []
        """Sentences about what could not be read."""
        self._stores: tuple[NamedResource, ...] = ()
        self._files: tuple[NamedResource, ...] = ()

    async def load(self) -> None:
        """Read everything there is to choose from; ``problems`` has what failed."""
        workspace = self._workspace
        local, stores, files = await asyncio.gather(
            self._attempt(workspace.local_functions()),
            self._attempt(workspace.vector_stores.list()),
            self._attempt(workspace.files.list()),
        )
        self.local, self._stores = local or (), stores or ()
        self._files = tuple(NamedResource(one.id, one.name, _size(one.size)) for one in files or ())

    async def _attempt(self, work: Awaitable[Found]) -> Found | None:
        try:
            return await work
        except ServiceError as error:
            self.problems.append(error.sentence)
            return None

    def functions(self) -> list[Check]:
        return [
            Check(
                one.tool.name,
                f"{safe_line(one.tool.name, 64)}  "
                f"{safe_line(one.problem or one.tool.description, 120)}",
                enabled=not one.problem,
            )
            for one in self.local
        ]

    def stores(self, chosen: Collection[str]) -> list[Check]:
        return [*_checks(self._stores, chosen)]

    def files(self, chosen: Collection[str]) -> list[Check]:
        return [*_checks(self._files, chosen)]


def _checks(there: Iterable[NamedResource], chosen: Collection[str]) -> Iterable[Check]:
    """What is there, after what was chosen and is not among it: that can be taken away again."""
    there = tuple(there)
    known = {one.id for one in there}
    for id in sorted(set(chosen) - known):
        yield Check(id, safe_line(id, 80), aside="not listed here")
    for one in there:
        name = safe_line(one.name, 80)
        text = f"{name}  {safe_line(one.id, 40)}" if name else safe_line(one.id, 80)
        yield Check(one.id, text, aside=safe_line(one.note, 20))


def _size(size: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}"
        size = round(size / 1000)
    return f"{size:,} GB"
