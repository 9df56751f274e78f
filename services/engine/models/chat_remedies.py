"""The fields of a chat request that servers refuse, and what is done about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from services.engine.models.capabilities import Remedy, chooses_by_name, has, names


def _format(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: (body.get("response_format") or {}).get("type") == kind


def _strict(body: Mapping[str, Any]) -> bool:
    return any("strict" in tool["function"] for tool in body.get("tools", ()))


def _role(body: Mapping[str, Any]) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


def _long_ids(body: Mapping[str, Any]) -> bool:
    return any(len(message.get("tool_call_id", "")) > 9 for message in body["messages"])


CHAT_REMEDIES = (
    Remedy("no stream_options", names("stream_options", "include_usage"), has("stream_options")),
    Remedy("max_tokens", names("max_completion_tokens"), has("max_completion_tokens")),
    Remedy("max_completion_tokens", names("max_tokens"), has("max_tokens")),
    Remedy("no parallel", names("parallel_tool_calls"), has("parallel_tool_calls")),
    Remedy("no strict", re.compile(r"(?<![\w-])strict(?![\w-])"), _strict),
    Remedy("no temperature", names("temperature"), has("temperature")),
    Remedy("no top_p", names("top_p"), has("top_p")),
    Remedy("no reasoning_effort", names("reasoning_effort", "reasoning"), has("reasoning_effort")),
    Remedy("choice by name", names("tool_choice"), chooses_by_name),
    Remedy("no tool_choice", names("tool_choice", "tool choice"), has("tool_choice")),
    Remedy("no json_object", re.compile(r"response_format|json_object"), _format("json_object")),
    Remedy("no json_schema", re.compile(r"response_format|json_schema"), _format("json_schema")),
    Remedy(
        "no system role",
        re.compile(
            r"system (role|message|prompt|instruction)|\bsystem\b.*\brole|role.*\bsystem\b",
            re.I | re.S,
        ),
        _role,
    ),
    Remedy("short ids", re.compile(r"tool.?call.?id.*length of 9", re.I | re.S), _long_ids, True),
)
