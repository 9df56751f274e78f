"""What the model sees: instructions, the thread's messages, and what this run did so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.models.base import (
    CallMade,
    Content,
    ImageContent,
    ModelMessage,
    ModelRequest,
    TextContent,
    ToolDefinition,
)
from services.engine.runs.images import inline, stored_image
from services.engine.runs.usage import estimated_tokens
from services.engine.store import messages, steps
from services.engine.store.contents import Contents

# Without a limit of the run's own, older messages are left out beyond this many estimated tokens.
DEFAULT_PROMPT_TOKENS = 128_000
IMAGE_TOKENS = 1_000


async def model_request(
    connection: AsyncConnection,
    contents: Contents,
    run: Mapping[str, Any],
    model: str,
    *,
    completion_tokens_left: int | None,
    prompt_tokens: int,
) -> ModelRequest:
    """The next call of the model for this run, of about ``prompt_tokens`` at the most."""
    began = run["started_at"] is not None
    own = await _own_turns(connection, run) if began else []
    instructions = run["instructions"] or ""
    fixed = estimated_tokens(instructions) + sum(_size(message) for message in own)
    history = await _history(connection, run, prompt_tokens - fixed)
    system = [_text("system", instructions)] if instructions else []
    tools = [_definition(tool["function"]) for tool in run["tools"] if tool["type"] == "function"]
    return ModelRequest(
        model=model,
        messages=await inline(connection, contents, [*system, *history, *own]),
        tools=tools,
        # A required or named tool is for the first call only, or the run could never answer.
        tool_choice=(_tool_choice(run["tool_choice"]) if not own else "auto") if tools else None,
        parallel_tool_calls=run["parallel_tool_calls"] if tools else None,
        temperature=run["temperature"],
        top_p=run["top_p"],
        response_format=_response_format(run["response_format"]),
        reasoning_effort=run["reasoning_effort"],
        max_tokens=completion_tokens_left,
    )


def smaller_window(request: ModelRequest) -> int | None:
    """Half of what this request came to, for an endpoint that found it too long.

    None when nothing can be left out any more: one message of the conversation must stay.
    """
    own = [message for message in request.messages if message.calls or message.role == "tool"]
    system = [message for message in request.messages if message.role == "system"]
    if len(request.messages) - len(own) - len(system) <= 1:
        return None
    return sum(_size(message) for message in request.messages) // 2


async def _history(
    connection: AsyncConnection, run: Mapping[str, Any], budget: int
) -> list[ModelMessage]:
    """The thread's messages, oldest first: as many of the newest as the run's limits let in."""
    strategy = run["truncation_strategy"]
    most = strategy.get("last_messages") if strategy["type"] == "last_messages" else None
    kept: list[ModelMessage] = []
    async for stored in messages.newest_first(connection, run["thread_id"], except_run=run["id"]):
        if most is not None and len(kept) >= most:
            break
        message = ModelMessage(stored["role"], _content(stored["content"]))
        if not message.content:
            continue
        budget -= _size(message)
        # The newest message is what the run is about: it goes in whatever its size.
        if budget < 0 and kept:
            break
        kept.append(message)
    kept.reverse()
    return kept


async def _own_turns(connection: AsyncConnection, run: Mapping[str, Any]) -> list[ModelMessage]:
    """The run's own earlier turns, rebuilt from its steps: texts, calls and their outputs."""
    turns: list[ModelMessage] = []
    for step in await steps.of_run(connection, run["id"]):
        details = step["step_details"]
        if step["type"] == "message_creation":
            message_id = details["message_creation"]["message_id"]
            stored = await messages.find(connection, message_id)
            # A client may have deleted it meanwhile.
            if stored is not None and (content := _content(stored["content"])):
                turns.append(ModelMessage("assistant", content))
            continue
        calls = [
            CallMade(call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in details["tool_calls"]
        ]
        text: tuple[Content, ...] = ()
        if turns and turns[-1].role == "assistant" and not turns[-1].calls:
            # Text and calls of one model turn are two steps, but one message to the model.
            text = turns.pop().content
        turns.append(ModelMessage("assistant", text, tuple(calls)))
        turns += [
            ModelMessage(
                "tool", (TextContent(call["function"]["output"] or ""),), call_id=call["id"]
            )
            for call in details["tool_calls"]
        ]
    return turns


def _content(parts: Sequence[Mapping[str, Any]]) -> tuple[Content, ...]:
    content: list[Content] = []
    for part in parts:
        if part["type"] == "text" and part["text"]["value"]:
            content.append(TextContent(part["text"]["value"]))
        elif part["type"] == "refusal" and part["refusal"]:
            content.append(TextContent(part["refusal"]))
        elif part["type"] == "image_url":
            image = part["image_url"]
            content.append(ImageContent(image["url"], image.get("detail") or "auto"))
        elif part["type"] == "image_file":
            image = part["image_file"]
            content.append(stored_image(image["file_id"], image.get("detail") or "auto"))
    return tuple(content)


def _text(role: Any, text: str) -> ModelMessage:
    return ModelMessage(role, (TextContent(text),))


def _size(message: ModelMessage) -> int:
    images = sum(isinstance(part, ImageContent) for part in message.content)
    arguments = sum(len(call.arguments) for call in message.calls)
    return estimated_tokens(message.text) + images * IMAGE_TOKENS + arguments // 4


def _definition(function: Mapping[str, Any]) -> ToolDefinition:
    return ToolDefinition(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters"),
        strict=function.get("strict"),
    )


def _tool_choice(choice: Any) -> str | Mapping[str, str]:
    if isinstance(choice, Mapping):
        return {"name": choice["function"]["name"]}
    return str(choice)


def _response_format(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, Mapping) or value.get("type") == "text":
        return None
    return value
