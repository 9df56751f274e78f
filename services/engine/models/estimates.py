"""Token counts for endpoints that report none.

The rule: a token is four bytes of UTF-8 (English text: four letters; Chinese: three quarters of a
token a character), every message costs four more, an image costs 765. Nothing that is not empty
counts as zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from services.engine.models.base import ImageContent, ModelMessage, ModelRequest, ToolDefinition

BYTES_A_TOKEN = 4
MESSAGE_TOKENS = 4
IMAGE_TOKENS = 765


def text_tokens(text: str) -> int:
    """About how many tokens ``text`` is; 0 only for the empty string."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN)


def message_tokens(message: ModelMessage) -> int:
    """About how many tokens one message costs in a prompt."""
    images = sum(isinstance(part, ImageContent) for part in message.content)
    calls = sum(text_tokens(call.name) + text_tokens(call.arguments) for call in message.calls)
    return MESSAGE_TOKENS + text_tokens(message.text) + images * IMAGE_TOKENS + calls


def tool_tokens(tools: Iterable[ToolDefinition]) -> int:
    """About how many tokens the offered tools cost in a prompt."""
    return sum(
        text_tokens(tool.name)
        + text_tokens(tool.description)
        + text_tokens(json.dumps(tool.parameters, ensure_ascii=False, default=str))
        for tool in tools
    )


def prompt_tokens(request: ModelRequest) -> int:
    """About how many tokens the whole request costs as a prompt."""
    return sum(map(message_tokens, request.messages)) + tool_tokens(request.tools)
