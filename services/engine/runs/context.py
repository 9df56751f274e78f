"""What the model sees: instructions, the thread's messages, and what this run did so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.models.base import (
    CallMade,
    Content,
    ImageContent,
    ModelMessage,
    ModelRequest,
    TextContent,
)
from services.engine.runs.citations import cited, highest_ordinal
from services.engine.runs.images import inline, stored_image
from services.engine.runs.usage import estimated_tokens
from services.engine.store import messages, steps
from services.engine.store.contents import Contents
from services.engine.tools.toolbox import Toolbox

# Without a limit of the run's own, older messages are left out beyond this many estimated tokens.
DEFAULT_PROMPT_TOKENS = 128_000
IMAGE_TOKENS = 1_000
LEFT_OUT = "[This was left out to make room. Ask again for what is still needed of it.]"


@dataclass(frozen=True, slots=True)
class Prompt:
    """``citations`` are the markers an answer may use, with the ids of the files they stand for.

    ``ordinal`` is the first number of a marker that nothing in the prompt uses yet.
    """

    request: ModelRequest
    citations: Mapping[str, str]
    ordinal: int


async def prompt_for(
    connection: AsyncConnection,
    contents: Contents,
    run: Mapping[str, Any],
    toolbox: Toolbox,
    model: str,
    *,
    completion_tokens_left: int | None,
    prompt_tokens: int,
) -> Prompt:
    """The next call of the model for this run, of about ``prompt_tokens`` at the most."""
    began = run["started_at"] is not None
    citations: dict[str, str] = {}
    own = await _own_turns(connection, run, citations, prompt_tokens // 2) if began else []
    instructions = "\n\n".join(filter(None, (run["instructions"], toolbox.note)))
    tools = toolbox.definitions
    fixed = estimated_tokens(instructions) + sum(_size(message) for message in own)
    history = await _history(connection, run, prompt_tokens - fixed, citations)
    system = [_text("system", instructions)] if instructions else []
    request = ModelRequest(
        model=model,
        messages=await inline(connection, contents, [*system, *history, *own]),
        tools=tools,
        # A required or named tool is for the first call only, or the run could never answer.
        tool_choice=(_tool_choice(run["tool_choice"], toolbox) if not own else "auto")
        if tools
        else None,
        parallel_tool_calls=run["parallel_tool_calls"] if tools else None,
        temperature=run["temperature"],
        top_p=run["top_p"],
        response_format=_response_format(run["response_format"]),
        reasoning_effort=run["reasoning_effort"],
        max_tokens=completion_tokens_left,
    )
    ordinal = 0
    if toolbox.searches:
        ordinal = 1 + highest_ordinal(message.text for message in (*history, *own))
    return Prompt(request, citations, ordinal)


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
    connection: AsyncConnection, run: Mapping[str, Any], budget: int, citations: dict[str, str]
) -> list[ModelMessage]:
    """The thread's messages, oldest first: as many of the newest as the run's limits let in.

    What is left out is the middle: the message that the thread began with mostly says what it is
    about, and stays where it is no more than a quarter of what fits.
    """
    strategy = run["truncation_strategy"]
    most = strategy.get("last_messages") if strategy["type"] == "last_messages" else None
    kept: list[ModelMessage] = []
    whole = budget
    async for stored in messages.newest_first(connection, run["thread_id"], except_run=run["id"]):
        if most is not None and len(kept) >= most:
            break
        message = ModelMessage(stored["role"], _content(stored["content"]))
        if not message.content:
            continue
        budget -= _size(message)
        # The newest message is what the run is about: it goes in whatever its size.
        if budget < 0 and kept:
            if most is None:
                await _keep_first(connection, run, kept, budget + _size(message), whole)
            break
        kept.append(message)
        # The newest use of a marker is the one that counts.
        for marker, file_id in cited(stored["content"]).items():
            citations.setdefault(marker, file_id)
    kept.reverse()
    return kept


async def _keep_first(
    connection: AsyncConnection,
    run: Mapping[str, Any],
    kept: list[ModelMessage],
    left: int,
    whole: int,
) -> None:
    """Puts the thread's first message at the end of ``kept``, for the oldest ones in there."""
    stored = await messages.first(connection, run["thread_id"])
    if stored is None or stored["role"] != "user":
        return
    first = ModelMessage("user", _content(stored["content"]))
    size = _size(first)
    if size * 4 > whole:
        return
    while left < size and len(kept) > 1:
        left += _size(kept.pop())
    if left >= size:
        kept.append(first)


async def _own_turns(
    connection: AsyncConnection, run: Mapping[str, Any], citations: dict[str, str], room: int
) -> list[ModelMessage]:
    """The run's own earlier turns, rebuilt from its steps: texts, calls and their outputs.

    Of what the built-in tools put out, the newest ``room`` tokens: a model that goes on searching
    would else be asked more than it can take.
    """
    turns: list[ModelMessage] = []
    answered: set[int] = set()
    for step, kept in await steps.with_calls(connection, run["id"]):
        details = step["step_details"]
        if step["type"] == "message_creation":
            message_id = details["message_creation"]["message_id"]
            stored = await messages.find(connection, message_id)
            # A client may have deleted it meanwhile.
            if stored is not None and (content := _content(stored["content"])):
                turns.append(ModelMessage("assistant", content))
            continue
        made = [_made(call, kept) for call in details["tool_calls"]]
        for each in kept.values():
            citations.update(each["citations"])
        text: tuple[Content, ...] = ()
        if turns and turns[-1].role == "assistant" and not turns[-1].calls:
            # Text and calls of one model turn are two steps, but one message to the model.
            text = turns.pop().content
        turns.append(ModelMessage("assistant", text, tuple(call for call, _ in made)))
        for call, output in made:
            if call.id in kept:
                answered.add(len(turns))
            turns.append(ModelMessage("tool", (TextContent(output),), call_id=call.id))
    for at in sorted(answered, reverse=True):
        room -= _size(turns[at])
        if room < 0 and at != max(answered):
            turns[at] = replace(turns[at], content=(TextContent(LEFT_OUT),))
    return turns


def _made(call: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[CallMade, str]:
    """A call of an earlier turn as the model made it, and what it was told."""
    if call["type"] == "function":
        function = call["function"]
        made = CallMade(call["id"], function["name"], function["arguments"])
        return made, function["output"] or ""
    own = kept[call["id"]]
    return CallMade(call["id"], own["name"], own["arguments"]), own["output"]


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


def _tool_choice(choice: Any, toolbox: Toolbox) -> str | Mapping[str, str]:
    if not isinstance(choice, Mapping):
        return str(choice)
    function = choice.get("function")
    name = function["name"] if function else toolbox.name_of(choice["type"])
    return "auto" if name is None else {"name": name}


def _response_format(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, Mapping) or value.get("type") == "text":
        return None
    return value
