"""A model request as the body of ``POST /chat/completions``, in the words an endpoint takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from services.engine.models.answer_text import whole_characters
from services.engine.models.base import (
    CallMade,
    ImageContent,
    ModelMessage,
    ModelRequest,
    TextContent,
    ToolDefinition,
)

_ANY_OBJECT = {"name": "answer", "schema": {"type": "object"}}


def chat_body(request: ModelRequest, *, openai: bool, refused: AbstractSet[str]) -> dict[str, Any]:
    """The body. ``openai``: OpenAI's own endpoint; ``refused``: names of ``capabilities``.

    Fields that say what is the default anyway are left out: every field sent is one that some
    server refuses.
    """
    messages = merged(request.messages)
    response_format, reminder = _response_format(request.response_format, refused)
    if reminder:
        messages = [ModelMessage("system", (TextContent(reminder),)), *messages]
    if "no system role" in refused:
        messages = merged(_without_system(messages))
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


def merged(messages: Iterable[ModelMessage]) -> list[ModelMessage]:
    """Neighbours of one role made one: some chat templates insist on taking turns.

    Tool results stay apart (each answers its own call), and nothing is added to a message whose
    calls were already answered.
    """
    result: list[ModelMessage] = []
    for message in messages:
        before = result[-1] if result else None
        if before is not None and before.role == message.role and _joins(before):
            result[-1] = ModelMessage(
                message.role, before.content + message.content, before.calls + message.calls
            )
        else:
            result.append(message)
    return result


def _joins(message: ModelMessage) -> bool:
    return message.role == "user" or (message.role == "assistant" and not message.calls)


def _without_system(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """System texts told by the user, for models whose template knows no system role."""
    return [
        ModelMessage("user", message.content) if message.role == "system" else message
        for message in messages
    ]


def _message(message: ModelMessage, short_ids: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.role == "tool":
        body["tool_call_id"] = _call_id(message.call_id or "", short_ids)
    if message.calls:
        body["tool_calls"] = [_call(call, short_ids) for call in message.calls]
        body["content"] = body["content"] or None
    return body


def _content(message: ModelMessage) -> str | list[dict[str, Any]]:
    images = any(isinstance(part, ImageContent) for part in message.content)
    text = whole_characters(message.text)
    if not images:
        return text
    if message.role != "user":  # only users may send images
        count = sum(isinstance(part, ImageContent) for part in message.content)
        note = "[an image]" if count == 1 else f"[{count} images]"
        return f"{text}\n\n{note}".strip()
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
        "function": {"name": call.name, "arguments": _sendable(call.arguments)},
    }


def _call_id(call_id: str, short: bool) -> str:
    """Mistral takes nine letters or digits, and nothing else."""
    return hashlib.sha256(call_id.encode()).hexdigest()[:9] if short else call_id


def _sendable(arguments: str) -> str:
    """Chat templates parse this: arguments that a model garbled would fail every later turn."""
    arguments = whole_characters(arguments)
    try:
        if isinstance(json.loads(arguments), dict):
            return arguments
    except (ValueError, RecursionError):
        pass
    return json.dumps({"not_json": arguments}) if arguments.strip() else "{}"


def _add_tools(body: dict[str, Any], request: ModelRequest, refused: AbstractSet[str]) -> None:
    tools: Sequence[ToolDefinition] = request.tools
    choice = request.tool_choice
    if isinstance(choice, Mapping) and "choice by name" in refused:
        # Only that tool on offer, and some tool required, comes to the same.
        tools = [tool for tool in tools if tool.name == choice["name"]] or tools
        choice = "required"
    if "no tool_choice" in refused:
        if choice == "none":
            return  # what is not offered is not called
    elif isinstance(choice, Mapping):
        body["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice not in (None, "auto"):
        body["tool_choice"] = choice
    body["tools"] = [_tool(tool, "no strict" in refused) for tool in tools]
    if request.parallel_tool_calls is False and "no parallel" not in refused:
        body["parallel_tool_calls"] = False


def _tool(tool: ToolDefinition, loose: bool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = dict(tool.parameters or {"type": "object", "properties": {}})
    if tool.strict is not None and not loose:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _response_format(
    wanted: Mapping[str, Any] | None, refused: AbstractSet[str]
) -> tuple[Mapping[str, Any] | None, str]:
    """The format to send, and what to say to the model where none can be sent."""
    kind = (wanted or {}).get("type")
    if wanted is None or kind not in ("json_object", "json_schema"):
        return None, ""
    if kind == "json_object":
        if "no json_object" not in refused:
            return wanted, ""
        if "no json_schema" not in refused:
            return {"type": "json_schema", "json_schema": _ANY_OBJECT}, ""
        return None, "Answer with one JSON object and nothing else."
    if "no json_schema" not in refused:
        if "no strict" not in refused:
            return wanted, ""
        schema = {k: v for k, v in wanted["json_schema"].items() if k != "strict"}
        return {"type": "json_schema", "json_schema": schema}, ""
    schema_text = json.dumps(wanted["json_schema"].get("schema", {}), ensure_ascii=False)
    reminder = f"Answer with one JSON value and nothing else, valid for this schema: {schema_text}"
    if "no json_object" not in refused:
        return {"type": "json_object"}, reminder
    return None, reminder


def _limit_field(openai: bool, refused: AbstractSet[str]) -> str | None:
    new, old = "max_completion_tokens", "max_tokens"
    if new in refused and old in refused:
        return None
    if new in refused or old in refused:
        return new if new in refused else old
    return new if openai else old
