"""Plain data of assistants: what one is, and what the form may change of it.

Part of ``services/records.py``, where the screen takes it from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function the model may ask for; ``parameters`` is its JSON Schema, or None without any."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class BuiltinTool:
    """A tool the server itself carries out.

    ``options`` is what the wire has under the tool's own name (``max_num_results`` and
    ``ranking_options`` of file search), with everything that a server put there.
    """

    kind: Literal["file_search", "code_interpreter"]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OtherTool:
    """A tool of a kind this app does not know; kept as it came."""

    kind: str
    fields: Mapping[str, Any]


Tool = FunctionTool | BuiltinTool | OtherTool

ResponseFormat = str | Mapping[str, Any]
""""auto", or the wire's object: ``{"type": "json_object"}``."""


@dataclass(frozen=True, slots=True)
class AssistantDraft:
    """What the assistant form edits: the fields a user can set, without an id.

    ``temperature`` and ``top_p`` are None for the server's own, ``reasoning_effort`` is for the
    model's. ``vector_store_ids`` are searched by file search, ``file_ids`` are open to the code
    interpreter.
    """

    name: str
    model: str
    instructions: str = ""
    description: str = ""
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat = "auto"
    vector_store_ids: tuple[str, ...] = ()
    file_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant as it is stored; the fields are those of ``AssistantDraft``."""

    id: str
    name: str
    model: str
    instructions: str = ""
    description: str = ""
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    created_at: int = 0
    reasoning_effort: str | None = None
    response_format: ResponseFormat = "auto"
    vector_store_ids: tuple[str, ...] = ()
    file_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedResource:
    """A vector store or a file that an assistant can be given; ``note`` says more in a word."""

    id: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file of assistants.

    ``notes`` are sentences about what could not be taken over as it was, ``failures`` about
    assistants that were not made.
    """

    made: tuple[Assistant, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
