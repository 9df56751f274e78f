"""Shared by the fault tests: an endpoint, and a driver connected to it with small limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from services.engine.models.base import (
    CallArguments,
    CallStarted,
    Finished,
    Model,
    ModelError,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ReasoningDelta,
    RefusalDelta,
    TextContent,
    TextDelta,
    ToolDefinition,
)
from services.engine.models.chat_completions import ChatCompletions, Timeouts
from services.engine.models.responses import Responses
from tests.faults.endpoint import Endpoint, endpoint

KEY = "sk-test-0123456789abcdef"
QUICK = Timeouts(
    connect=2, first_byte=5, idle=5, event=5, after_finish=0.2, listing=5, longest_wait=5
)


@dataclass
class Heard:
    """All that came of one request."""

    events: list[ModelEvent] = field(default_factory=list)
    error: ModelError | None = None

    def _joined(self, kind: type[TextDelta | ReasoningDelta | RefusalDelta]) -> str:
        return "".join(event.text for event in self.events if isinstance(event, kind))

    @property
    def text(self) -> str:
        return self._joined(TextDelta)

    @property
    def thinking(self) -> str:
        return self._joined(ReasoningDelta)

    @property
    def refusal(self) -> str:
        return self._joined(RefusalDelta)

    @property
    def finished(self) -> Finished:
        """The end, which must be the only one and the last."""
        ends = [event for event in self.events if isinstance(event, Finished)]
        assert ends == self.events[-1:], f"not exactly one end, last: {self.error or self.events}"
        return ends[0]

    @property
    def started(self) -> list[CallStarted]:
        return [event for event in self.events if isinstance(event, CallStarted)]

    @property
    def calls(self) -> list[tuple[str, str]]:
        """(name, arguments) of each call, in order."""
        arguments: dict[int, str] = {}
        names: dict[int, str] = {}
        for event in self.events:
            if isinstance(event, CallStarted):
                assert event.index == len(names), "indexes must count from 0"
                names[event.index] = event.name
            elif isinstance(event, CallArguments):
                assert event.index in names, "arguments before their call"
                arguments[event.index] = arguments.get(event.index, "") + event.fragment
        return [(name, arguments.get(index, "")) for index, name in names.items()]

    @property
    def complaint(self) -> str:
        assert self.error is not None, f"no error, but {self.events}"
        return self.error.message


def asking(text: str = "Hello?", *tools: str, **fields: object) -> ModelRequest:
    """A request with one user message, offering functions by name."""
    message = ModelMessage("user", (TextContent(text),))
    offered = tuple(ToolDefinition(name) for name in tools)
    return ModelRequest("test-model", (message,), offered, **fields)  # type: ignore[arg-type]  # any field


async def hear(model: Model, request: ModelRequest | None = None) -> Heard:
    heard = Heard()
    try:
        async for event in model.stream(request or asking()):
            heard.events.append(event)
    except ModelError as error:
        heard.error = error
    return heard


@pytest.fixture
async def fake() -> AsyncIterator[Endpoint]:
    async with endpoint() as served:
        yield served


@pytest.fixture
async def connected() -> AsyncIterator[Callable[..., ChatCompletions]]:
    """Makes drivers, and closes them."""
    made: list[ChatCompletions] = []

    def connect(
        url: str, key: str | None = KEY, timeouts: Timeouts = QUICK, retries: int = 0
    ) -> ChatCompletions:
        made.append(ChatCompletions(url, key, timeouts=timeouts, retries=retries))
        return made[-1]

    yield connect
    for model in made:
        await model.aclose()


Ask = Callable[..., Awaitable[Heard]]


@pytest.fixture
def ask(fake: Endpoint, connected: Callable[..., ChatCompletions]) -> Ask:
    """Asks the fake endpoint once."""

    async def once(request: ModelRequest | None = None, **how: object) -> Heard:
        return await hear(connected(fake.url, **how), request)

    return once


# The same over the Responses API


@pytest.fixture
async def responding() -> AsyncIterator[Endpoint]:
    async with endpoint() as served:
        served.paths = {"/responses"}
        yield served


@pytest.fixture
async def responder() -> AsyncIterator[Callable[..., Responses]]:
    """Makes Responses drivers, and closes them."""
    made: list[Responses] = []

    def connect(
        url: str, key: str | None = KEY, timeouts: Timeouts = QUICK, retries: int = 0
    ) -> Responses:
        made.append(Responses(url, key, timeouts=timeouts, retries=retries))
        return made[-1]

    yield connect
    for model in made:
        await model.aclose()


@pytest.fixture
def respond(responding: Endpoint, responder: Callable[..., Responses]) -> Ask:
    """Asks the fake Responses endpoint once."""

    async def once(request: ModelRequest | None = None, **how: object) -> Heard:
        return await hear(responder(responding.url, **how), request)

    return once
