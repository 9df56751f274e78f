"""Messages made ready for an endpoint, whatever API it speaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from services.engine.models.answer_text import whole_characters
from services.engine.models.base import ImageContent, ModelMessage, ModelRequest, ToolDefinition

_ANY_OBJECT = {"name": "answer", "schema": {"type": "object"}}
_ONE_OBJECT = "Answer with one JSON object and nothing else."


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


def without_system(messages: Iterable[ModelMessage]) -> list[ModelMessage]:
    """System texts told by the user, for models whose template knows no system role."""
    told = [
        ModelMessage("user", message.content) if message.role == "system" else message
        for message in messages
    ]
    return merged(told)


def has_images(message: ModelMessage) -> bool:
    return any(isinstance(part, ImageContent) for part in message.content)


def text_with_notes(message: ModelMessage) -> str:
    """The text, with a note for images: only users may send these."""
    text = whole_characters(message.text)
    if not has_images(message):
        return text
    count = sum(isinstance(part, ImageContent) for part in message.content)
    note = "[an image]" if count == 1 else f"[{count} images]"
    return f"{text}\n\n{note}".strip()


def sendable(arguments: str) -> str:
    """Chat templates parse this: arguments that a model garbled would fail every later turn."""
    arguments = whole_characters(arguments)
    try:
        if isinstance(json.loads(arguments), dict):
            return arguments
    except (ValueError, RecursionError):
        pass
    return json.dumps({"not_json": arguments}) if arguments.strip() else "{}"


def parameters_of(tool: ToolDefinition) -> dict[str, Any]:
    return dict(tool.parameters or {"type": "object", "properties": {}})


def offered(
    request: ModelRequest, refused: AbstractSet[str]
) -> tuple[Sequence[ToolDefinition], str | Mapping[str, str] | None]:
    """The tools to offer and the choice among them to send, None for the default."""
    tools: Sequence[ToolDefinition] = request.tools
    choice = request.tool_choice
    if isinstance(choice, Mapping) and "choice by name" in refused:
        # Only that tool on offer, and some tool required, comes to the same.
        tools = [tool for tool in tools if tool.name == choice["name"]] or tools
        choice = "required"
    if "no tool_choice" in refused:
        # What is not offered is not called.
        return (() if choice == "none" else tools), None
    return tools, None if choice == "auto" else choice


def format_to_ask_for(
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
        return None, _ONE_OBJECT
    if "no json_schema" not in refused:
        if "no strict" not in refused:
            return wanted, ""
        schema = {k: v for k, v in wanted["json_schema"].items() if k != "strict"}
        return {"type": "json_schema", "json_schema": schema}, ""
    reminder = _reminder(wanted["json_schema"].get("schema", {}))
    if "no json_object" not in refused:
        return {"type": "json_object"}, reminder
    return None, reminder


def _reminder(schema: object) -> str:
    """A schema told in words, where it cannot be sent as such."""
    text = json.dumps(schema, ensure_ascii=False)
    return f"Answer with one JSON value and nothing else, valid for this schema: {text}"


def _joins(message: ModelMessage) -> bool:
    return message.role == "user" or (message.role == "assistant" and not message.calls)
