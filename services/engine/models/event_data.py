"""What one event of an answer holds, forgiving of servers that garble it."""

from __future__ import annotations

import json
import logging
from typing import Any

from services.engine.models.failures import Endpoint

log = logging.getLogger(__name__)


def objects_in(data: str, name: str, endpoint: Endpoint) -> list[dict[str, Any]]:
    """The JSON objects of one event's data, mostly one.

    What is not JSON is passed over, but raises ``ModelError`` in an event called ``error``.
    """
    value = _parsed(data)
    if value is not None:
        return [value]
    # Servers that forget the blank line between events give several lines at once.
    lines = [_parsed(line) for line in data.split("\n")] if "\n" in data else []
    usable = [each for each in lines if each is not None]
    if not usable:
        if name == "error":
            raise endpoint.reported(data)
        log.warning("%s sent an event that is not JSON; it was skipped", endpoint)
    return usable


def _parsed(data: str) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
