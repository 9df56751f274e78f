"""A model that says what a test wrote down, and waits where the test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from services.engine.models.base import (
    CallArguments,
    CallStarted,
    Finished,
    ModelEntry,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    TextDelta,
)
from services.engine.models.catalogue import Catalogue
from services.engine.models.connect import Connected

USAGE = ModelUsage(prompt_tokens=7, completion_tokens=3)
Step = ModelEvent | Exception | asyncio.Event
Script = Sequence[Step] | Callable[[ModelRequest], Sequence[Step]]


class ScriptedModel:
    """Plays one script a model call, the last one again and again.

    An ``asyncio.Event`` in a script is waited for, an exception is raised. ``requests`` is what
    was asked; ``closed`` counts the streams that were closed before their end.
    """

    def __init__(self, *scripts: Script):
        self.scripts: list[Script] = list(scripts)
        self.requests: list[ModelRequest] = []
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        steps = script(request) if callable(script) else script
        ended = False
        try:
            for step in steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    ended = True
                    raise step
                else:
                    yield step
            ended = True
        finally:
            self.closed += not ended

    async def entries(self) -> Sequence[ModelEntry]:
        return [ModelEntry("scripted", 1, "tests")]

    async def aclose(self) -> None:
        pass


def connected(model: ScriptedModel) -> Connected:
    return Connected(model, Catalogue(model, default_model="scripted"), "scripted")


def says(*pieces: str) -> list[Step]:
    return [*(TextDelta(piece) for piece in pieces), Finished("stop", USAGE)]


def calls(*wanted: tuple[str, str], text: str = "") -> list[Step]:
    """A turn that calls functions, each as (name, arguments in one piece)."""
    steps: list[Step] = [TextDelta(text)] if text else []
    for index, (name, arguments) in enumerate(wanted):
        steps.append(CallStarted(index, f"call_{index:024d}", name))
        steps.append(CallArguments(index, arguments))
    return [*steps, Finished("tool_calls", USAGE)]
