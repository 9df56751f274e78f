"""Tool calls put together from fragments, whatever a server makes of the format.

Servers leave out the index, give every parallel call index 0, repeat, change or omit ids, send
arguments whole, as an object, or in doubled fragments. A fragment belongs to the call that its
index, else its id names, else to the latest one, unless what it carries can only be a new call.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.engine.models.answer_text import CharacterJoiner
from services.engine.models.base import CallArguments, CallStarted, ModelRequest

_ALPHABET = string.ascii_letters + string.digits
_PARALLEL = "multi_tool_use.parallel"


def new_call_id() -> str:
    """``call_`` and 24 letters or digits."""
    return "call_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


@dataclass(slots=True)
class _Call:
    upstream_index: int | None
    upstream_id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    joiner: CharacterJoiner = field(default_factory=CharacterJoiner)
    index: int | None = None  # ours; None until it was announced

    @property
    def text(self) -> str:
        return "".join(self.arguments)


class CallCollector:
    """Fragments in, ``CallStarted`` and ``CallArguments`` out, with ids of our own.

    A call is announced once its name is sure: when it is a tool that was offered, or when
    arguments, another call or the end follow. ``multi_tool_use.parallel``, a call that models
    invent, is held back and unpacked at the end.
    """

    def __init__(self, request: ModelRequest) -> None:
        self._offered = {tool.name for tool in request.tools}
        choice = request.tool_choice
        forced = choice.get("name") if isinstance(choice, Mapping) else None
        only = next(iter(self._offered)) if len(self._offered) == 1 else None
        self._fallback = forced or only or ""
        self._calls: list[_Call] = []
        self._announced = 0
        self.characters = 0

    def feed(self, fragments: object) -> list[CallStarted | CallArguments]:
        """Takes the ``tool_calls`` list of one delta; odd members are passed over."""
        if isinstance(fragments, Mapping):
            fragments = [fragments]
        if not isinstance(fragments, Sequence) or isinstance(fragments, str):
            return []
        events: list[CallStarted | CallArguments] = []
        for fragment in fragments:
            if isinstance(fragment, Mapping):
                self._fragment(fragment, events)
        return events

    def close(self) -> list[CallStarted | CallArguments]:
        """What was held back; afterwards ``count`` is final."""
        events: list[CallStarted | CallArguments] = []
        for call in self._calls:
            if call.name == _PARALLEL:
                self._unpack(call, events)
                continue
            if not call.name and call.arguments:
                call.name = self._fallback
            self._announce(call, events)
            left = call.joiner.close()
            if call.index is not None and (left or not call.text.strip()):
                events.append(CallArguments(call.index, left or "{}"))
        return events

    @property
    def count(self) -> int:
        """How many calls were announced."""
        return self._announced

    def _fragment(
        self, fragment: Mapping[str, Any], events: list[CallStarted | CallArguments]
    ) -> None:
        function = fragment.get("function")
        if not isinstance(function, Mapping):
            function = fragment  # flat, as some servers send it
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        upstream_id = fragment.get("id")
        upstream_id = upstream_id if isinstance(upstream_id, str) else ""
        index = fragment.get("index")
        index = index if isinstance(index, int) and not isinstance(index, bool) else None
        arguments = _argument_text(function.get("arguments"))
        call = self._find(index, upstream_id, name, arguments)
        if call is None:
            if not (name or arguments or upstream_id):
                return
            call = _Call(index, upstream_id)
            for earlier in self._calls:
                self._announce(earlier, events)
            self._calls.append(call)
        if name and call.index is None and name != call.name:
            call.name = self._known(call.name + name)
        if not call.upstream_id:
            call.upstream_id = upstream_id
        self._add(call, arguments, events)

    def _add(self, call: _Call, arguments: str, events: list[CallStarted | CallArguments]) -> None:
        if call.name == _PARALLEL:
            call.arguments.append(arguments)
            return
        if call.name in self._offered or arguments:
            self._announce(call, events)
        arguments = call.joiner.feed(arguments)
        if not arguments:
            return
        call.arguments.append(arguments)
        self.characters += len(arguments)
        if call.index is not None:
            events.append(CallArguments(call.index, arguments))

    def _find(self, index: int | None, upstream_id: str, name: str, arguments: str) -> _Call | None:
        latest = self._calls[-1] if self._calls else None
        if index is not None:
            named = self._latest(lambda call: call.upstream_index == index)
            if named is None and upstream_id and not name:
                named = self._latest(lambda call: call.upstream_id == upstream_id)
            if named is None and not name and not upstream_id and latest is not None:
                named = latest  # a fragment with nothing but arguments continues something
        elif upstream_id:
            named = self._latest(lambda call: call.upstream_id == upstream_id)
            if named is None and not name:
                named = latest
        else:
            named = latest
        if named is None or not name:
            return named
        return None if _is_another(named, upstream_id, name, arguments) else named

    def _latest(self, fits: Callable[[_Call], bool]) -> _Call | None:
        return next((call for call in reversed(self._calls) if fits(call)), None)

    def _known(self, name: str) -> str:
        if name in self._offered or name == _PARALLEL:
            return name
        bare = name.removeprefix("functions.")
        return bare if bare in self._offered else name

    def _announce(self, call: _Call, events: list[CallStarted | CallArguments]) -> None:
        if call.index is not None or not call.name or call.name == _PARALLEL:
            return
        call.index = self._announced
        self._announced += 1
        events.append(CallStarted(call.index, new_call_id(), call.name))
        if call.arguments:  # they came before the name
            events.append(CallArguments(call.index, call.text))

    def _unpack(self, call: _Call, events: list[CallStarted | CallArguments]) -> None:
        uses = _parallel_uses(call.text)
        for name, arguments in uses or [(call.name, call.text)]:
            events.append(CallStarted(self._announced, new_call_id(), self._known(name)))
            events.append(CallArguments(self._announced, arguments))
            self.characters += len(arguments)
            self._announced += 1


def _is_another(call: _Call, upstream_id: str, name: str, arguments: str) -> bool:
    """Whether a fragment with a name, addressed like ``call``, begins a call of its own."""
    if upstream_id and call.upstream_id and upstream_id != call.upstream_id:
        return True
    if call.name and name != call.name:
        # With no arguments yet it may be the rest of a name that comes in pieces.
        return bool(call.arguments) or call.index is not None
    return arguments.lstrip().startswith("{") and _is_object(call.text)


def _argument_text(arguments: object) -> str:
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _is_object(text: str) -> bool:
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _parallel_uses(text: str) -> list[tuple[str, str]]:
    try:
        uses = json.loads(text)["tool_uses"]
        return [
            (str(use["recipient_name"]), _argument_text(use.get("parameters") or {}))
            for use in uses
        ]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []
