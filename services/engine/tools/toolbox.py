"""The tools of one run: what the model is offered, and who answers a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.engine.errors import ApiError
from services.engine.models.base import ToolDefinition
from services.engine.retrieval.indexer import Indexer
from services.engine.store import assistants, threads
from services.engine.store.database import Database
from services.engine.tools.base import BuiltInTool
from services.engine.tools.file_search import OUTPUT_TOKENS, FileSearch
from services.engine.tools.resources import store_ids_in

CODE_IS_OFF = (
    "The code interpreter is switched on for you, but this machine has none yet: you cannot run "
    "code. Say so where it matters."
)


class Toolbox:
    """``built_in`` are the tools the engine carries out; ``functions`` the client's, by name."""

    def __init__(
        self,
        functions: Sequence[Mapping[str, Any]] = (),
        built_in: Sequence[BuiltInTool] = (),
        *,
        note: str = "",
    ):
        self.functions = {function["name"]: function for function in functions}
        self._built_in = {tool.definition.name: tool for tool in built_in}
        self.note = note
        """What the model has to know about tools that it cannot have."""

    @property
    def definitions(self) -> list[ToolDefinition]:
        own = [tool.definition for tool in self._built_in.values()]
        return [*own, *(_definition(function) for function in self.functions.values())]

    @property
    def has_built_in(self) -> bool:
        return bool(self._built_in)

    @property
    def searches(self) -> bool:
        """Whether answers may cite files."""
        return any(tool.kind == "file_search" for tool in self._built_in.values())

    def built_in(self, name: str) -> BuiltInTool | None:
        return self._built_in.get(name)

    def name_of(self, kind: str) -> str | None:
        """How the model calls the built-in tool of that kind, if it has it."""
        return next((name for name, tool in self._built_in.items() if tool.kind == kind), None)

    async def prepare(self) -> None:
        """Before the model's first call; raises ``ToolUnusable``."""
        for tool in self._built_in.values():
            await tool.prepare()

    def unknown(self, name: str) -> str:
        """What a model is told that called a tool nobody offered."""
        names = ", ".join(sorted([*self._built_in, *self.functions])) or "none"
        return f"There is no tool named {name!r}. The tools are: {names}."


async def open_toolbox(
    database: Database, indexer: Indexer, run: Mapping[str, Any], *, window: int
) -> Toolbox:
    """The run's tools, ready for use; ``window`` is the size of a prompt, in tokens."""
    by_kind = {tool["type"]: tool for tool in run["tools"]}
    functions = [tool["function"] for tool in run["tools"] if tool["type"] == "function"]
    taken = {function["name"] for function in functions}
    built_in: list[BuiltInTool] = []
    if "file_search" in by_kind:
        store_ids, fresh = await _store_ids(database, run)
        # With nothing to search a tool is only a way to go wrong, unless the client insists.
        if store_ids or run["tool_choice"] == {"type": "file_search"}:
            search = FileSearch(
                database,
                indexer,
                store_ids,
                by_kind["file_search"].get("file_search") or {},
                fresh=fresh,
                name=_free("file_search", taken),
                tokens=min(OUTPUT_TOKENS, window // 2),
            )
            built_in.append(search)
    note = CODE_IS_OFF if "code_interpreter" in by_kind else ""
    return Toolbox(functions, built_in, note=note)


async def _store_ids(database: Database, run: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The stores of the assistant, the thread and the run, as they are now; and the thread's."""
    async with database.read() as connection:
        thread = await threads.get(connection, run["thread_id"])
        try:
            assistant = await assistants.get(connection, run["assistant_id"])
        except ApiError:  # deleted since the run was made, which goes on without it
            assistant = {"tool_resources": {}}
    own = thread["tool_resources"], run["tool_resources"]
    return store_ids_in(assistant["tool_resources"], *own), store_ids_in(*own)


def _free(name: str, taken: set[str]) -> str:
    """A function of the client's may have the name: then it keeps it."""
    while name in taken:
        name = f"{name}_tool"
    return name


def _definition(function: Mapping[str, Any]) -> ToolDefinition:
    return ToolDefinition(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters"),
        strict=function.get("strict"),
    )
