"""What a built-in tool is to the run loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from services.engine.models.base import ToolDefinition

Kind = Literal["file_search", "code_interpreter"]
# Announces a part of a call while it is carried out, as the wire's delta has it.
Announce = Callable[[Mapping[str, Any]], None]


class ToolUnusable(Exception):
    """The run cannot go on with this tool; the message is a sentence for ``run.last_error``."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """``call`` is what the step tells of it (without id and type), ``output`` what the model reads.

    ``citations`` are the markers that the output offers, with the id of the file each stands for.
    """

    call: Mapping[str, Any]
    output: str
    citations: Mapping[str, str] = field(default_factory=dict)


class BuiltInTool(Protocol):
    """A tool that the engine carries out by itself. ``definition.name`` is how the model calls it.

    ``opening`` is the call as it is announced when it begins.
    """

    kind: Kind
    definition: ToolDefinition
    opening: Mapping[str, Any]

    async def prepare(self) -> None:
        """Before the model's first call of the run; raises ``ToolUnusable``."""
        ...

    async def carry_out(
        self, arguments: str, ordinal: int, announce: Announce, *, sharing: int = 1
    ) -> CallResult:
        """Never raises for what the model got wrong: the output says it.

        ``ordinal`` numbers the call among all that the model can see; ``sharing`` is how many calls
        of this tool its turn makes, which share the room there is for their outputs. Cancelled when
        the run is stopped.
        """
        ...
