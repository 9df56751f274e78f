"""The built-in stand-in for a language model: fixed rules, so that everything can be tried.

It needs no key, no network and no weights. Asked the same, it answers the same; only the ids of
its calls are new each time.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.engine.models import rehearsal_answers as answers
from services.engine.models.base import (
    CallArguments,
    CallStarted,
    Finished,
    ImageContent,
    ModelEntry,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUsage,
    TextDelta,
    ToolDefinition,
)
from services.engine.models.chat_request import chat_body
from services.engine.models.estimates import BYTES_A_TOKEN, prompt_tokens
from services.engine.models.rehearsal_arguments import fill_arguments, plainest
from services.engine.models.rehearsal_calls import (
    callable_functions,
    functions_named,
    words_of,
)
from services.engine.models.tool_calls import new_call_id

REHEARSAL = "rehearsal"
SEARCH = "file_search"
_QUERY = 500  # characters of a message that are searched for
_CREATED = 1795305600  # 2026-11-22
_LONGEST_ANSWER = 8.0  # seconds; a long text is paced faster
_PIECE = re.compile(r"\s*\S+|\s+")
_FRAGMENT = 12  # characters of arguments at a time

_GREETING = re.compile(
    r"(hi|hello|hey|hallo|good (morning|afternoon|evening|day)|greetings|howdy)\b", re.IGNORECASE
)
_SMALL_TALK = re.compile(
    r"(thanks?|thank you|ok|okay|yes|no|bye|goodbye|great|nice|cool|test|testing)\b", re.IGNORECASE
)
_HELP = re.compile(r"/?help\b|what can you do|who are you|what are you", re.IGNORECASE)
_READ = 2000  # characters of a message that are searched for what it asks
_SAMPLES = "markdown|table|code|long"
_SHOW = re.compile(
    rf"^\W*({_SAMPLES})\W*$"
    rf"|\b(?:show|give|write|print|send|try|stream|need|want|make)\b.*?\b({_SAMPLES})\b"
    rf"|\b({_SAMPLES})\s+(?:sample|example|demo|text|answer)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Conversation:
    """What the rules look at: the last thing said, and what surrounds it."""

    text: str
    images: int
    instructions: str
    again: bool
    outputs: Sequence[tuple[str, str]]


class Rehearsal:
    """The rules as a ``Model``. ``pace`` is the pause between words, in seconds."""

    def __init__(self, pace: float = 0.015) -> None:
        self._pace = pace

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See ``Model.stream``; never fails."""
        if request.sent is not None:
            # Nothing is sent anywhere; this is what another model would have been asked.
            request.sent(chat_body(request, openai=False, refused=frozenset()))
        turn = _turn(request)
        pieces = _text_pieces(turn) if isinstance(turn, str) else _call_pieces(turn)
        pace = min(self._pace, _LONGEST_ANSWER / max(len(pieces), 1))
        reason: Literal["stop", "length", "tool_calls"] = (
            "stop" if isinstance(turn, str) else "tool_calls"
        )
        spent = 0
        for piece in pieces:
            size = len(_text_of(piece).encode("utf-8", "replace"))
            limit = request.max_tokens
            if limit is not None and spent + size > limit * BYTES_A_TOKEN:
                reason = "length"
                break
            spent += size
            yield piece
            await asyncio.sleep(pace)
        usage = ModelUsage(prompt_tokens(request), -(-spent // BYTES_A_TOKEN), estimated=True)
        yield Finished(reason, usage)

    async def entries(self) -> Sequence[ModelEntry]:
        """See ``Model.entries``: itself."""
        return (ModelEntry(REHEARSAL, _CREATED, "understudy"),)

    async def aclose(self) -> None:
        """There is nothing to close."""


def _turn(request: ModelRequest) -> str | list[tuple[str, str]]:
    """The answer's text, or the calls to make as (function, arguments)."""
    said = _conversation(request.messages)
    if not said.outputs:
        calls = _calls(request, said.text)
        if calls:
            return calls
    structured = _structured(request.response_format, said.text)
    return _answer(request, said) if structured is None else structured


def _calls(request: ModelRequest, text: str) -> list[tuple[str, str]]:
    choice = request.tool_choice
    if not request.tools or choice == "none":
        return []
    functions = callable_functions(request.tools)
    search = next((tool for tool in request.tools if tool.name == SEARCH), None)
    if isinstance(choice, Mapping):
        chosen = [(tool, text) for tool in request.tools if tool.name == choice.get("name")]
    else:
        chosen = functions_named(functions, text)
        if not chosen and search is not None and _is_request(text):
            chosen = [(search, text)]
        alone = len(functions) == 1 and _is_request(text)
        if not chosen and (alone or choice == "required"):
            chosen = [(tool, text) for tool in functions[:1] or request.tools[:1]]
    if request.parallel_tool_calls is False:
        chosen = [(tool, text) for tool, _ in chosen[:1]]
    return [(tool.name, _arguments(tool, part)) for tool, part in chosen]


def _arguments(tool: ToolDefinition, text: str) -> str:
    if tool.name == SEARCH:
        return json.dumps({"queries": [text.strip()[:_QUERY]]}, ensure_ascii=False)
    names = (tool.name, " ".join(words_of(tool.name)))
    filled = fill_arguments(tool.parameters, text, names=names)
    return json.dumps(filled, ensure_ascii=False)


def _is_request(text: str) -> bool:
    """Whether a message asks for something, and not for what the rehearsal itself can show."""
    stripped = text.strip()[:_READ]
    if not stripped or _HELP.match(stripped) or _SHOW.search(stripped):
        return False
    small = _GREETING.match(stripped) or _SMALL_TALK.match(stripped)
    return not (small and len(stripped.split()) <= 4)


def _answer(request: ModelRequest, said: _Conversation) -> str:
    if said.outputs:
        return answers.tool_answer(said.outputs, said.text)
    text = said.text.strip()
    functions = [tool.name for tool in callable_functions(request.tools)]
    if _HELP.match(text):
        return answers.help_answer(functions, said.instructions)
    shown = _SHOW.search(text[:_READ])
    if shown is not None:
        return answers.sample(next(kind for kind in shown.groups() if kind).lower())
    if not said.images and (not text or (_GREETING.match(text) and len(text.split()) <= 4)):
        return answers.greeting(said.instructions, again=said.again)
    return answers.plain_answer(
        text, functions, said.instructions, images=said.images, again=said.again
    )


def _structured(response_format: Mapping[str, Any] | None, text: str) -> str | None:
    kind = (response_format or {}).get("type")
    if response_format is None or kind not in ("json_object", "json_schema"):
        return None
    described = response_format.get("json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else None
    value: Any = answers.json_note(text)
    if kind == "json_schema" and isinstance(schema, Mapping):
        objects = schema.get("type") == "object" or "properties" in schema
        value = fill_arguments(schema, text) if objects else plainest(schema, schema)
    return json.dumps(value, ensure_ascii=False)


def _conversation(messages: Sequence[ModelMessage]) -> _Conversation:
    system = [message.text for message in messages if message.role == "system"]
    last = max((i for i, each in enumerate(messages) if each.role == "user"), default=-1)
    user = messages[last] if last >= 0 else ModelMessage("user")
    names = {call.id: call.name for message in messages for call in message.calls}
    outputs = [
        (names.get(message.call_id or "", ""), message.text)
        for message in messages[last + 1 :]
        if message.role == "tool"
    ]
    return _Conversation(
        text=user.text,
        images=sum(isinstance(part, ImageContent) for part in user.content),
        instructions=next(filter(None, (text.strip() for text in system)), ""),
        again=any(each.role == "assistant" for each in messages[: max(last, 0)]),
        outputs=outputs,
    )


def _text_pieces(text: str) -> list[TextDelta | CallStarted | CallArguments]:
    return [TextDelta(piece) for piece in _PIECE.findall(text)]


def _call_pieces(
    calls: Sequence[tuple[str, str]],
) -> list[TextDelta | CallStarted | CallArguments]:
    pieces: list[TextDelta | CallStarted | CallArguments] = []
    for index, (name, arguments) in enumerate(calls):
        pieces.append(CallStarted(index, new_call_id(), name))
        pieces.extend(
            CallArguments(index, arguments[start : start + _FRAGMENT])
            for start in range(0, len(arguments), _FRAGMENT)
        )
    return pieces


def _text_of(piece: TextDelta | CallStarted | CallArguments) -> str:
    if isinstance(piece, TextDelta):
        return piece.text
    return piece.fragment if isinstance(piece, CallArguments) else piece.name
