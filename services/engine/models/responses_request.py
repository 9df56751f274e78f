"""A model request as the body of ``POST /responses``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import takewhile
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
    merged,
    offered,
    parameters_of,
    sendable,
    text_with_notes,
    without_system,
)
from services.engine.models.recalled_thoughts import RecalledThoughts

# The API takes no smaller limit.
LEAST_TOKENS = 16
_SAY_JSON = "Answer in JSON."


def responses_body(
    request: ModelRequest,
    *,
    openai: bool,
    refused: AbstractSet[str],
    thoughts: RecalledThoughts,
) -> dict[str, Any]:
    """The body. ``openai``: OpenAI's own endpoint; ``refused``: names of remedies.

    What is the default anyway is left out, but for ``strict``, whose default differs from that of
    Chat Completions.
    """
    text_format, reminder = format_to_ask_for(request.response_format, refused)
    leading = list(takewhile(lambda message: message.role == "system", request.messages))
    messages = list(request.messages[len(leading) :])
    if "say json" in refused:
        messages = [_told(_SAY_JSON), *messages]
    told = [*([reminder] if reminder else []), *(message.text for message in leading)]
    instructions = whole_characters("\n\n".join(told))
    if "no instructions" in refused and instructions:
        messages = [_told(instructions), *messages]
        instructions = ""
    messages = without_system(messages) if "no system role" in refused else merged(messages)
    items = _Items(request.model, openai, refused, thoughts)
    body: dict[str, Any] = {
        "model": request.model,
        "input": [item for message in messages for item in items.of(message)],
        "stream": True,
    }
    if "no store" not in refused:
        body["store"] = False
    if instructions:
        body["instructions"] = instructions
    if request.tools:
        _add_tools(body, request, refused)
    if request.temperature is not None and "no temperature" not in refused:
        body["temperature"] = request.temperature
    if request.top_p is not None and "no top_p" not in refused:
        body["top_p"] = request.top_p
    if request.reasoning_effort is not None and "no reasoning" not in refused:
        body["reasoning"] = {"effort": request.reasoning_effort}
    if text_format is not None:
        body["text"] = {"format": _flat(text_format)}
    if request.max_tokens is not None and "no limit" not in refused:
        body["max_output_tokens"] = max(request.max_tokens, LEAST_TOKENS)
    return body


class _Items:
    """Messages as input items."""

    def __init__(
        self, model: str, openai: bool, refused: AbstractSet[str], thoughts: RecalledThoughts
    ) -> None:
        self._model = model
        self._openai = openai
        self._full = "full answers" in refused
        self._thoughts = None if "no thoughts" in refused else thoughts

    def of(self, message: ModelMessage) -> Iterator[dict[str, Any]]:
        if message.role == "tool":
            yield {
                "type": "function_call_output",
                "call_id": message.call_id or "",
                "output": text_with_notes(message),
            }
        elif message.role == "assistant":
            yield from self._turn(message)
        else:
            yield {"type": "message", "role": message.role, "content": _parts(message)}

    def _turn(self, message: ModelMessage) -> Iterator[dict[str, Any]]:
        """Text and calls, in the order they had with the thoughts in between, if these are known.

        The thoughts in front of a call or a text that is not sent again are not sent either: they
        are only taken together with what they led to.
        """
        calls = {call.id: call for call in message.calls}
        text = text_with_notes(message)
        recalled = self._thoughts.turn(self._model, calls) if self._thoughts and calls else ()
        waiting: list[dict[str, Any]] = []
        for part in recalled:
            if not isinstance(part, str):
                waiting.append(dict(part))
                continue
            if part == "text" and text:
                yield from waiting
                yield self._answer(text)
                text = ""
            elif part in calls:
                if text:  # the order has no place for it: before any call
                    yield self._answer(text)
                    text = ""
                yield from waiting
                yield _call(calls.pop(part))
            waiting = []
        if text:
            yield self._answer(text)
        yield from map(_call, calls.values())

    def _answer(self, text: str) -> dict[str, Any]:
        message: dict[str, Any] = {"type": "message", "role": "assistant"}
        part = {"type": "output_text", "text": text}
        if self._full:
            name = hashlib.sha256(text.encode()).hexdigest()[:32]
            message |= {"id": f"msg_{name}", "status": "completed"}
            message["content"] = [{**part, "annotations": []}]
        else:
            # Parts of this kind are not taken by every server without an id and a status.
            message["content"] = [part] if self._openai else text
        return message


def _told(text: str) -> ModelMessage:
    return ModelMessage("system", (TextContent(text),))


def _parts(message: ModelMessage) -> list[dict[str, Any]]:
    if message.role != "user":
        return [{"type": "input_text", "text": text_with_notes(message)}]
    parts: list[dict[str, Any]] = []
    for part in message.content:
        if isinstance(part, TextContent):
            parts.append({"type": "input_text", "text": whole_characters(part.text)})
        else:
            parts.append({"type": "input_image", "image_url": part.url, "detail": part.detail})
    return parts or [{"type": "input_text", "text": ""}]


def _call(call: CallMade) -> dict[str, Any]:
    return {
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": sendable(call.arguments),
    }


def _add_tools(body: dict[str, Any], request: ModelRequest, refused: AbstractSet[str]) -> None:
    tools, choice = offered(request, refused)
    if not tools:
        return
    if isinstance(choice, Mapping):
        body["tool_choice"] = {"type": "function", "name": choice["name"]}
    elif choice is not None:
        body["tool_choice"] = choice
    body["tools"] = _tools(tools, "no strict" in refused)
    if request.parallel_tool_calls is False and "no parallel" not in refused:
        body["parallel_tool_calls"] = False
    if not {"no encrypted thoughts", "no thoughts"} & refused:
        # Only between rounds of tools are thoughts of any use.
        body["include"] = ["reasoning.encrypted_content"]


def _tools(tools: Iterable[ToolDefinition], loose: bool) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for tool in tools:
        each: dict[str, Any] = {"type": "function", "name": tool.name}
        if tool.description:
            each["description"] = tool.description
        each["parameters"] = parameters_of(tool)
        if not loose:
            each["strict"] = bool(tool.strict)
        result.append(each)
    return result


def _flat(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A response format without the nesting it has in Chat Completions."""
    return {"type": wanted["type"], **wanted.get("json_schema", {})}
