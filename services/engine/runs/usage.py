"""Token counts: summing them and telling them as the wire does."""

from __future__ import annotations

from typing import Any

from services.engine.models.base import ModelUsage


def usage_object(usage: ModelUsage) -> dict[str, Any]:
    """The wire's object; ``prompt_token_details`` is singular there."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_token_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def from_object(value: dict[str, Any] | None) -> ModelUsage:
    if not value:
        return ModelUsage()
    return ModelUsage(
        prompt_tokens=value["prompt_tokens"],
        completion_tokens=value["completion_tokens"],
        cached_tokens=value["prompt_token_details"]["cached_tokens"],
        reasoning_tokens=value["completion_tokens_details"]["reasoning_tokens"],
    )


def add(one: ModelUsage, other: ModelUsage) -> ModelUsage:
    return ModelUsage(
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
        estimated=one.estimated or other.estimated,
    )


def estimated_tokens(text: str) -> int:
    """About four characters a token: for budgets, where a real tokenizer would be a guess too."""
    return len(text) // 4 + 1
