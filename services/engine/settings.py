"""What the engine needs to know before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where the engine keeps its data and which model endpoint answers.

    ``model_url`` is an OpenAI-compatible base URL ending in ``/v1``; None means the built-in
    ``rehearsal`` model. ``aliases`` maps stored model names to what the endpoint calls them.
    ``driver`` is the API that the endpoint is asked over; ``auto`` finds out.
    """

    data_folder: Path
    model_url: str | None = None
    model_key: str | None = field(default=None, repr=False)
    default_model: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    driver: Literal["auto", "chat", "responses"] = "auto"
    strict: bool = False
    """Also refuse what the hosted API refused for its own reasons; see ``strict.py``."""
    replace_metadata: bool = False
    """Whether new metadata of an object replaces the old instead of merging into it."""
    patience: float = 0.0
    """Seconds that runs have to finish by themselves when the engine is closed."""
