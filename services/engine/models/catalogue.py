"""Which model a stored name stands for at the connected endpoint."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.engine.models.base import Model, ModelEntry, ModelError

log = logging.getLogger(__name__)

_NOT_CHAT = re.compile(
    r"embed|whisper|dall-e|moderation|transcri|rerank|image|realtime|speech|audio|turbo-instruct"
    r"|(?<![a-z])(tts|sora|clip|bge|e5|gte|minilm|davinci|babbage|flux|diffusion)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """``name`` is what the endpoint is asked for; ``reason`` says why, for log and inspector."""

    name: str
    reason: str


class Catalogue:
    """Resolves names, asking the endpoint for its list at most once in ``keep`` seconds."""

    def __init__(
        self,
        model: Model,
        *,
        default_model: str | None = None,
        aliases: Mapping[str, str] | None = None,
        keep: float = 60.0,
    ) -> None:
        self._model = model
        self._default = default_model or None
        self._aliases = dict(aliases or {})
        self._keep = keep
        self._listed: list[ModelEntry] | None = None
        self._failure: ModelError | None = None
        self._asked = -1e9
        self._asking = asyncio.Lock()

    async def entries(self) -> Sequence[ModelEntry]:
        """What the endpoint lists; raises ``ModelError`` when it cannot be asked."""
        async with self._asking:
            if time.monotonic() - self._asked >= self._keep:
                self._failure = None
                try:
                    self._listed = list(await self._model.entries())
                except ModelError as error:
                    self._failure = error
                    self._listed = None
                # Only now: a call that was cancelled has learned nothing.
                self._asked = time.monotonic()
            if self._failure is not None:
                raise ModelError(self._failure.message, self._failure.code)
            return list(self._listed or ())

    async def resolve(self, name: str) -> Resolved:
        """What to ask for: an alias, else a listed model, else the default. Never fails."""
        if (known := self.known(name)) is not None:
            return known
        return _told(name, await self._look_up(name))

    def known(self, name: str) -> Resolved | None:
        """What ``resolve`` would say without asking anybody, or None if it has to ask."""
        if name in self._aliases:
            resolved = Resolved(self._aliases[name], f"{name} is an alias in the settings")
        elif name and name == self._default:
            return Resolved(name, "the default model")
        elif self._listed is not None and time.monotonic() - self._asked < self._keep:
            resolved = self._choose(name, self._listed)
        else:
            return None
        return _told(name, resolved)

    async def _look_up(self, name: str) -> Resolved:
        try:
            listed = await self.entries()
        except ModelError as error:
            chosen = self._default or name
            return Resolved(chosen, f"the endpoint's models are not known: {error.message}")
        return self._choose(name, listed)

    def _choose(self, name: str, entries: Sequence[ModelEntry]) -> Resolved:
        listed = [entry.id for entry in entries]
        found = _matching(name, listed)
        if found is not None:
            return Resolved(found, "the endpoint lists it")
        missing = f"the endpoint lists no {name}" if name else "no model was named"
        if self._default is not None:
            return Resolved(self._default, f"{missing}; this is the default model")
        first = next((each for each in listed if is_chat_model(each)), None)
        if first is not None:
            return Resolved(first, f"{missing}; this is the first chat model it lists")
        return Resolved(name, f"{missing}, nor any other chat model")


def _told(name: str, resolved: Resolved) -> Resolved:
    if resolved.name != name:
        log.info("model %s answers for %s: %s", resolved.name, name, resolved.reason)
    return resolved


def is_chat_model(name: str) -> bool:
    """Whether a listed name looks like a model to talk with (not embeddings, speech, images)."""
    return not _NOT_CHAT.search(name)


def _matching(name: str, listed: Sequence[str]) -> str | None:
    if not name:
        return None
    if name in listed:
        return name
    # Ollama lists llama3.2:latest for what is called llama3.2; servers differ in letter case.
    wanted = (name.lower(), f"{name.lower()}:latest", f"models/{name.lower()}")
    return next((each for each in listed if each.lower() in wanted), None)
