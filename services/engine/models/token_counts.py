"""The usage an endpoint reports, in the words of either API; estimated where it reports none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.engine.models.base import ModelRequest, ModelUsage
from services.engine.models.estimates import BYTES_A_TOKEN, prompt_tokens


def counted(
    usage: Mapping[str, Any], request: ModelRequest, *, answered: int, thought: int
) -> ModelUsage:
    """``answered``: characters of everything the model wrote; ``thought``: of its thinking."""
    prompt = _number(usage, "prompt_tokens", "input_tokens")
    completion = _number(usage, "completion_tokens", "output_tokens")
    estimated = False
    if not prompt and request.messages:
        prompt, estimated = prompt_tokens(request), True
    if not completion and answered:
        completion, estimated = -(-answered // BYTES_A_TOKEN), True
    reasoning = _number(_details(usage, "completion", "output"), "reasoning_tokens")
    if not reasoning and estimated:
        reasoning = -(-thought // BYTES_A_TOKEN)
    cached = _number(_details(usage, "prompt", "input"), "cached_tokens")
    return ModelUsage(prompt, completion, cached, reasoning, estimated)


def _details(usage: Mapping[str, Any], *sides: str) -> Mapping[str, Any]:
    for side in sides:
        details = usage.get(f"{side}_tokens_details")
        if isinstance(details, dict):
            return details
    return {}


def _number(usage: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e15:
            return int(value)
    return 0
