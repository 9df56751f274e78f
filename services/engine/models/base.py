"""The one interface to a language model.

Messages, tools and parameters in; typed pieces out. A driver never raises anything but
``ModelError``, never touches the store, and knows nothing of runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class TextContent:
    text: str


@dataclass(frozen=True, slots=True)
class ImageContent:
    """An image by URL; stored images arrive here as ``data:`` URLs already."""

    url: str
    detail: str = "auto"


Content = TextContent | ImageContent


@dataclass(frozen=True, slots=True)
class CallMade:
    """A tool call of an earlier turn of the same run, as the model made it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One message for the model. ``calls`` only with role assistant, ``call_id`` only with tool."""

    role: Literal["system", "user", "assistant", "tool"]
    content: tuple[Content, ...] = ()
    calls: tuple[CallMade, ...] = ()
    call_id: str | None = None

    @property
    def text(self) -> str:
        return "\n\n".join(part.text for part in self.content if isinstance(part, TextContent))


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A function the model may call; ``parameters`` is a JSON Schema object or None."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model.

    ``tool_choice`` is ``"none"``, ``"auto"``, ``"required"`` or ``{"name": FUNCTION}``.
    ``response_format`` is the wire's object or None for plain text. ``max_tokens`` limits the
    completion. None means "leave it to the endpoint" throughout. ``sent`` is called with the body
    of every request that is made for this one, as it goes out.
    """

    model: str
    messages: Sequence[ModelMessage]
    tools: Sequence[ToolDefinition] = ()
    tool_choice: str | Mapping[str, str] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    response_format: Mapping[str, Any] | None = None
    reasoning_effort: str | None = None
    max_tokens: int | None = None
    sent: Callable[[Mapping[str, Any]], None] | None = field(
        default=None, repr=False, compare=False
    )


@dataclass(frozen=True, slots=True)
class ModelUsage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Thinking text: never part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A tool call begins. ``index`` counts from 0 in the turn; ``id`` is ours: ``call_`` + 24."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    index: int
    fragment: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The turn's end, sent exactly once and last; ``usage`` is estimated if not reported."""

    reason: Literal["stop", "length", "content_filter", "tool_calls"]
    usage: ModelUsage = field(default_factory=ModelUsage)


ModelEvent = TextDelta | ReasoningDelta | RefusalDelta | CallStarted | CallArguments | Finished


class ModelError(Exception):
    """The model could not answer. ``message`` is one sentence fit for ``run.last_error``."""

    def __init__(
        self,
        message: str,
        code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"] = "server_error",
    ):
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One line of ``GET /v1/models``."""

    id: str
    created: int
    owned_by: str


class Model(Protocol):
    """A connected endpoint, able to run any model it lists."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yields the answer's pieces, ``Finished`` last; raises ``ModelError``.

        Closing the generator early closes the connection to the endpoint.
        """
        ...

    async def entries(self) -> Sequence[ModelEntry]:
        """The models the endpoint lists; raises ``ModelError`` when it cannot be asked."""
        ...

    async def aclose(self) -> None: ...
