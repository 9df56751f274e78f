"""What an endpoint turned out not to take, and how to ask without it.

Compatible servers refuse optional fields with a 400. Each refusal is answered with one change
and one more attempt, and remembered for that model as long as the connection lasts. What can be
changed is a list of remedies, one list for each API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_REFUSED = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|extra|not permitted"
    r"|not allowed|does ?n.t support|does not support|cannot|only .*supported|not implemented"
    r"|invalid|forbidden|disallowed|not accept|must be|additional propert|not available",
    re.IGNORECASE,
)
# A complaint about the value, where the same field with another value would do.
_VALUE = re.compile(
    r"too (large|big|small|high|low)|at (most|least)|between|greater than|less than"
    r"|out of range|exceeds?|minimum|maximum|[<>]=?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remedy:
    """``name`` is remembered; ``mentions`` finds the complaint; ``sent``: it was asked for.

    With ``about_value`` the mention alone is enough, in whatever words it is refused.
    """

    name: str
    mentions: re.Pattern[str]
    sent: Callable[[Mapping[str, Any]], bool]
    about_value: bool = False


def names(*words: str) -> re.Pattern[str]:
    """Finds any of the fields, but not as part of a longer name."""
    return re.compile(r"(?<![\w-])(" + "|".join(words) + r")(?![\w-])", re.IGNORECASE)


def has(*fields: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a body has any of the fields."""
    return lambda body: any(field in body for field in fields)


def chooses_by_name(body: Mapping[str, Any]) -> bool:
    """Whether a body asks for one tool by its name."""
    return isinstance(body.get("tool_choice"), Mapping)


class Capabilities:
    """The refusals of one endpoint, model by model."""

    def __init__(self, remedies: Sequence[Remedy]) -> None:
        """``remedies`` in order: where a field has two, the milder one comes first."""
        self._remedies = remedies
        self._refused: dict[str, set[str]] = {}

    def of(self, model: str) -> frozenset[str]:
        """The names of the changes that requests for ``model`` need."""
        return frozenset(self._refused.get(model, ()))

    def learn(self, model: str, body: Mapping[str, Any], complaint: str) -> bool:
        """Whether a refused ``body`` is worth another attempt; remembers the change if so."""
        refused = self._refused.setdefault(model, set())
        for remedy in self._remedies:
            if remedy.name in refused or not remedy.sent(body):
                continue
            if not remedy.mentions.search(complaint):
                continue
            if remedy.about_value or (_REFUSED.search(complaint) and not _VALUE.search(complaint)):
                refused.add(remedy.name)
                return True
        return False
