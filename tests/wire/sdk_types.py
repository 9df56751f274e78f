"""Holds raw JSON against the SDK's response types, key by key.

The SDK itself is lenient (it constructs without validating, and lets unknown keys through), so its
parsing proves nothing. This walk is strict: every key declared, every declared key there, every
value of its declared type.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_UNIONS = (Union, types.UnionType)


@dataclass(frozen=True, slots=True)
class Difference:
    """``owner`` is the SDK's type, by module and name: many types have the same name.

    ``kind`` is ``unknown`` (a key that is not declared), ``missing`` or ``wrong`` (a value).
    """

    owner: str
    key: str
    kind: str
    value: str = ""

    @property
    def entry(self) -> tuple[str, str, str]:
        return self.owner, self.key, self.kind


def differences(value: Any, annotation: Any, owner: str = "", key: str = "") -> list[Difference]:
    """Where ``value`` is not just what ``annotation`` declares. ``owner`` and ``key``: where."""
    return list(_walk(value, annotation, owner, key))


def _walk(value: Any, annotation: Any, owner: str, key: str) -> Iterator[Difference]:
    annotation = _bare(annotation)
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if annotation in (Any, object):
        return
    if origin in _UNIONS:
        yield from min((differences(value, each, owner, key) for each in arguments), key=_weight)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _walk_model(value, annotation, owner, key)
    elif origin is list and isinstance(value, list):
        for each in value:
            yield from _walk(each, arguments[0], owner, key)
    elif origin is dict and isinstance(value, dict):
        for each in value.values():
            yield from _walk(each, arguments[1], owner, key)
    elif not _is_plainly(value, annotation, origin, arguments):
        yield Difference(owner, key, "wrong", repr(value)[:80])


def _walk_model(value: Any, model: type[BaseModel], owner: str, key: str) -> Iterator[Difference]:
    if not isinstance(value, dict):
        yield Difference(owner, key, "wrong", repr(value)[:80])
        return
    # A page is the same page whatever it holds: AsyncCursorPage[Assistant].
    plain = model.__pydantic_generic_metadata__["origin"] or model
    name = f"{plain.__module__.rpartition('.')[2]}.{plain.__name__}"
    fields = {field.alias or own: field for own, field in model.model_fields.items()}
    for unknown in value.keys() - fields.keys():
        yield Difference(name, unknown, "unknown", repr(value[unknown])[:80])
    for declared, field in fields.items():
        if declared in value:
            yield from _walk(value[declared], field.annotation, name, declared)
        else:
            yield Difference(name, declared, "missing")


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_plainly(value: Any, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in arguments)
    if annotation is None or annotation is type(None):
        return value is None
    if annotation is float:
        return type(value) in (int, float)
    return type(value) is annotation


def _weight(found: list[Difference]) -> tuple[int, int]:
    # Of a union's members the one with the fewest values that are wrong is the one meant.
    return sum(each.kind == "wrong" for each in found), len(found)
