"""What an endpoint turned out not to take, and how to ask without it.

Compatible servers refuse optional fields with a 400. Each refusal is answered with one change
and one more attempt, and remembered for that model as long as the connection lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
class _Remedy:
    """``name`` is remembered; ``mentions`` finds the complaint; ``sent``: it was asked for."""

    name: str
    mentions: re.Pattern[str]
    sent: Callable[[Mapping[str, Any]], bool]
    about_value: bool = False


def _names(*words: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(" + "|".join(words) + r")(?![\w-])", re.IGNORECASE)


def _has(*fields: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: any(field in body for field in fields)


def _format(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: (body.get("response_format") or {}).get("type") == kind


def _strict(body: Mapping[str, Any]) -> bool:
    return any("strict" in tool["function"] for tool in body.get("tools", ()))


def _role(body: Mapping[str, Any]) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


def _long_ids(body: Mapping[str, Any]) -> bool:
    return any(len(message.get("tool_call_id", "")) > 9 for message in body["messages"])


# In this order: where a field has two remedies the milder one is first.
_REMEDIES = (
    _Remedy("no stream_options", _names("stream_options", "include_usage"), _has("stream_options")),
    _Remedy("max_tokens", _names("max_completion_tokens"), _has("max_completion_tokens")),
    _Remedy("max_completion_tokens", _names("max_tokens"), _has("max_tokens")),
    _Remedy("no parallel", _names("parallel_tool_calls"), _has("parallel_tool_calls")),
    _Remedy("no strict", re.compile(r"(?<![\w-])strict(?![\w-])"), _strict),
    _Remedy("no temperature", _names("temperature"), _has("temperature")),
    _Remedy("no top_p", _names("top_p"), _has("top_p")),
    _Remedy(
        "no reasoning_effort", _names("reasoning_effort", "reasoning"), _has("reasoning_effort")
    ),
    _Remedy(
        "choice by name",
        _names("tool_choice"),
        lambda body: isinstance(body.get("tool_choice"), Mapping),
    ),
    _Remedy("no tool_choice", _names("tool_choice", "tool choice"), _has("tool_choice")),
    _Remedy("no json_object", re.compile(r"response_format|json_object"), _format("json_object")),
    _Remedy("no json_schema", re.compile(r"response_format|json_schema"), _format("json_schema")),
    _Remedy(
        "no system role",
        re.compile(
            r"system (role|message|prompt|instruction)|\bsystem\b.*\brole|role.*\bsystem\b",
            re.I | re.S,
        ),
        _role,
    ),
    _Remedy("short ids", re.compile(r"tool.?call.?id.*length of 9", re.I | re.S), _long_ids, True),
)


class Capabilities:
    """The refusals of one endpoint, model by model."""

    def __init__(self) -> None:
        self._refused: dict[str, set[str]] = {}

    def of(self, model: str) -> frozenset[str]:
        """The names of the changes that requests for ``model`` need."""
        return frozenset(self._refused.get(model, ()))

    def learn(self, model: str, body: Mapping[str, Any], complaint: str) -> bool:
        """Whether a refused ``body`` is worth another attempt; remembers the change if so."""
        refused = self._refused.setdefault(model, set())
        for remedy in _REMEDIES:
            if remedy.name in refused or not remedy.sent(body):
                continue
            if not remedy.mentions.search(complaint):
                continue
            if remedy.about_value or (_REFUSED.search(complaint) and not _VALUE.search(complaint)):
                refused.add(remedy.name)
                return True
        return False
