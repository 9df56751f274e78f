"""The fields of a Responses request that servers refuse, and what is done about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from services.engine.models.capabilities import Remedy, chooses_by_name, has, names


def _format(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: body.get("text", {}).get("format", {}).get("type") == kind


def _strict(body: Mapping[str, Any]) -> bool:
    schema = body.get("text", {}).get("format", {})
    return "strict" in schema or any("strict" in tool for tool in body.get("tools", ()))


def _items(fits: Callable[[Mapping[str, Any]], bool]) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: any(fits(item) for item in body["input"])


RESPONSES_REMEDIES = (
    # Thoughts of an earlier turn that are not taken back: made by another model, or too old.
    Remedy(
        "no thoughts",
        re.compile(
            r"\brs_\w|encrypted.{0,80}(could not|verif|decrypt|pars)|reasoning.{0,40}\bitem"
            r"|\bitem.{0,80}reasoning|\binput\b.{0,60}reasoning",
            re.I | re.S,
        ),
        _items(lambda item: item.get("type") == "reasoning"),
        True,
    ),
    Remedy(
        "no encrypted thoughts",
        re.compile(r"encrypted|(?<![\w-])include(?![\w-])", re.I),
        has("include"),
    ),
    Remedy("no store", names("store"), has("store")),
    Remedy("no parallel", names("parallel_tool_calls"), has("parallel_tool_calls")),
    Remedy("no strict", re.compile(r"(?<![\w-])strict(?![\w-])"), _strict),
    Remedy("no temperature", names("temperature"), has("temperature")),
    Remedy("no top_p", names("top_p"), has("top_p")),
    Remedy("no reasoning", names("reasoning", "effort", "reasoning_effort"), has("reasoning")),
    Remedy("choice by name", names("tool_choice"), chooses_by_name),
    Remedy("no tool_choice", names("tool_choice", "tool choice"), has("tool_choice")),
    # OpenAI looks for the word in the input alone; it may stand in the instructions.
    Remedy(
        "say json",
        re.compile(r"must contain the word.{0,3}json", re.I),
        _format("json_object"),
        True,
    ),
    Remedy(
        "no json_object",
        re.compile(r"text\.format|(?<![\w-])text(?![\w-])|json_object"),
        _format("json_object"),
    ),
    Remedy(
        "no json_schema",
        re.compile(r"text\.format|(?<![\w-])text(?![\w-])|json_schema"),
        _format("json_schema"),
    ),
    Remedy("no limit", names("max_output_tokens"), has("max_output_tokens")),
    Remedy("no instructions", names("instructions"), has("instructions")),
    Remedy(
        "no system role",
        re.compile(
            r"system (role|message|prompt|instruction)|\bsystem\b.*\brole|role.*\bsystem\b",
            re.I | re.S,
        ),
        _items(lambda item: item.get("role") == "system"),
    ),
    # Servers with strict types take an earlier answer only with every field that it once had.
    Remedy(
        "full answers",
        re.compile(
            r"output_text|ResponseOutput|assistant|valid string|string_type|deseriali|parse JSON",
            re.I,
        ),
        _items(lambda item: item.get("role") == "assistant"),
        True,
    ),
)
