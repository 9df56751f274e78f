"""From settings to a connected model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.engine.models.base import Model
from services.engine.models.catalogue import Catalogue
from services.engine.models.chat_completions import ChatCompletions
from services.engine.models.either_api import EitherApi
from services.engine.models.endpoint_client import Timeouts, checked_url, is_official
from services.engine.models.rehearsal import REHEARSAL, Rehearsal
from services.engine.models.responses import Responses
from services.engine.models.structured import StructuredModel

Driver = Literal["auto", "chat", "responses"]


@dataclass(frozen=True, slots=True)
class Connected:
    """``label`` names the endpoint for people: its host, or ``rehearsal``."""

    model: Model
    catalogue: Catalogue
    label: str


def connect(
    url: str | None,
    key: str | None,
    default_model: str | None,
    aliases: Mapping[str, str] | None = None,
    *,
    driver: Driver = "auto",
    timeouts: Timeouts | None = None,
) -> Connected:
    """The model at ``url``, or the built-in rehearsal when there is none. Opens no connection.

    ``driver`` is the API to speak: ``auto`` is Responses at OpenAI's own endpoint, Chat
    Completions anywhere else, and the other one where that is missing. Raises ``ModelError`` when
    the URL or the key cannot be one.
    """
    if not (url or "").strip():
        rehearsal = Rehearsal()
        return Connected(rehearsal, Catalogue(rehearsal, default_model=REHEARSAL), REHEARSAL)
    url = checked_url(url or "")
    official = is_official(url)
    chat = ChatCompletions(url, key, timeouts=timeouts)
    responses = Responses(url, key, timeouts=timeouts)
    spoken: ChatCompletions | Responses | EitherApi
    if driver == "chat":
        spoken = chat
    elif driver == "responses":
        spoken = responses
    else:
        spoken = EitherApi(responses, chat) if official else EitherApi(chat, responses)
    # OpenAI's own endpoint keeps to a schema by itself, and its answers need not be held back.
    model: Model = spoken if official else StructuredModel(spoken)
    catalogue = Catalogue(model, default_model=default_model, aliases=aliases)
    return Connected(model, catalogue, spoken.host)
