"""From settings to a connected model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.models.base import Model
from services.engine.models.catalogue import Catalogue
from services.engine.models.chat_completions import ChatCompletions, Timeouts
from services.engine.models.rehearsal import REHEARSAL, Rehearsal


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
    timeouts: Timeouts | None = None,
) -> Connected:
    """The model at ``url``, or the built-in rehearsal when there is none. Opens no connection.

    Raises ``ModelError`` when the URL or the key cannot be one.
    """
    if not (url or "").strip():
        rehearsal = Rehearsal()
        return Connected(rehearsal, Catalogue(rehearsal, default_model=REHEARSAL), REHEARSAL)
    model = ChatCompletions(url or "", key, timeouts=timeouts)
    catalogue = Catalogue(model, default_model=default_model, aliases=aliases)
    return Connected(model, catalogue, model.host)
