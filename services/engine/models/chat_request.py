"""A model request as the body of ``POST /chat/completions``, in the words an endpoint takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from services.engine.models.answer_text import whole_characters
from services.engine.models.base import (
    CallMade,
    ModelMessage,
    ModelRequest,
    TextContent,
    ToolDefinition,
)
from services.engine.models.conversation import (
    format_to_ask_for,
    has_images,
    merged,
    offered,
    parameters_of,
    sendable,
    text_with_notes,
    without_system,
)


def chat_body(request: ModelRequest, *, openai: bool, refused: AbstractSet[str]) -> dict[str, Any]:
    """The body. ``openai``: OpenAI's own endpoint; ``refused``: names of ``capabilities``.

    Fields that say what is the default anyway are left out: every field sent is one that some
    server refuses.
    """
    messages = merged(request.messages)
    response_format, reminder = format_to_ask_for(request.response_format, refused)
    if reminder:
        messages = [ModelMessage("system", (TextContent(reminder),)), *messages]
    if "no system role" in refused:
        messages = without_system(messages)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message, "short ids" in refused) for message in messages],
        "stream": True,
    }
    if "no stream_options" not in refused:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        _add_tools(body, request, refused)
    if request.temperature is not None and "no temperature" not in refused:
        body["temperature"] = request.temperature
    if request.top_p is not None and "no top_p" not in refused:
        body["top_p"] = request.top_p
    if request.reasoning_effort is not None and "no reasoning_effort" not in refused:
        body["reasoning_effort"] = request.reasoning_effort
    if response_format is not None:
        body["response_format"] = response_format
    if request.max_tokens is not None:
        field = _limit_field(openai, refused)
        if field is not None:
            body[field] = request.max_tokens
    return body


def _message(message: ModelMessage, short_ids: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.role == "tool":
        body["tool_call_id"] = _call_id(message.call_id or "", short_ids)
    if message.calls:
        body["tool_calls"] = [_call(call, short_ids) for call in message.calls]
        body["content"] = body["content"] or None
    return body


def _content(message: ModelMessage) -> str | list[dict[str, Any]]:
    if message.role != "user" or not has_images(message):
        return text_with_notes(message)
    parts: list[dict[str, Any]] = []
    for part in message.content:
        if isinstance(part, TextContent):
            parts.append({"type": "text", "text": whole_characters(part.text)})
        else:
            url = {"url": part.url, "detail": part.detail}
            parts.append({"type": "image_url", "image_url": url})
    return parts


def _call(call: CallMade, short_ids: bool) -> dict[str, Any]:
    return {
        "id": _call_id(call.id, short_ids),
        "type": "function",
        "function": {"name": call.name, "arguments": sendable(call.arguments)},
    }


def _call_id(call_id: str, short: bool) -> str:
    """Mistral takes nine letters or digits, and nothing else."""
    return hashlib.sha256(call_id.encode()).hexdigest()[:9] if short else call_id


def _add_tools(body: dict[str, Any], request: ModelRequest, refused: AbstractSet[str]) -> None:
    tools, choice = offered(request, refused)
    if not tools:
        return
    if isinstance(choice, Mapping):
        body["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice is not None:
        body["tool_choice"] = choice
    body["tools"] = [_tool(tool, "no strict" in refused) for tool in tools]
    if request.parallel_tool_calls is False and "no parallel" not in refused:
        body["parallel_tool_calls"] = False


def _tool(tool: ToolDefinition, loose: bool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = parameters_of(tool)
    if tool.strict is not None and not loose:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _limit_field(openai: bool, refused: AbstractSet[str]) -> str | None:
    new, old = "max_completion_tokens", "max_tokens"
    if new in refused and old in refused:
        return None
    if new in refused or old in refused:
        return new if new in refused else old
    return new if openai else old
