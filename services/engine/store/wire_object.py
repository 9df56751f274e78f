"""A table's rows as the wire's objects: as values to work with, or at once as JSON text.

Much of a row is JSON already. A list that is only passed on would read it, just to write it again;
as text it is put in as it is stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Integer,
    Row,
    String,
    Table,
    Text,
    type_coerce,
)

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Derived(NamedTuple):
    """A field that is made out of a column: its name, the column's, and how."""

    name: str
    column: str
    make: Callable[[Any], Any]


class WireObject:
    """The objects of one kind. ``fields`` are columns of the same name, in the wire's order.

    ``stored`` are the columns to select for ``text``.
    """

    def __init__(self, kind: str, table: Table, fields: Sequence[str | Derived]):
        self._kind = kind
        # By position: to ask a row for a value by name costs ten times as much.
        position = {name: number for number, name in enumerate(table.c.keys())}
        self._values: list[tuple[str, int, Callable[[Any], Any] | None]] = []
        self._texts: list[tuple[int, Callable[[Any], str]]] = []
        for field in fields:
            name, column, make = field if isinstance(field, Derived) else (field, field, None)
            self._values.append((name, position[column], make))
            write = _written(table.c[column]) if make is None else _made(make)
            self._texts.append((position[column], write))
        self.stored: tuple[ColumnElement[Any], ...] = tuple(
            type_coerce(column, Text).label(column.key) if isinstance(column.type, JSON) else column
            for column in table.c
        )
        first, *others = (f"{quoted(name)}:%s" for name, _, _ in self._values)
        self._template = f"{{{first},{quoted('object')}:{quoted(kind)},{','.join(others)}}}"

    def value(self, row: Row[Any]) -> dict[str, Any]:
        """The object that a row of the table is."""
        (first, at, _), *others = self._values
        found = {first: row[at], "object": self._kind}
        for name, at, make in others:
            found[name] = row[at] if make is None else make(row[at])
        return found

    def text(self, row: Row[Any]) -> str:
        """The same as JSON, of a row of the ``stored`` columns."""
        return self._template % tuple([write(row[at]) for at, write in self._texts])

    def page(self, rows: Sequence[Row[Any]], more: bool) -> bytes:
        """The wire's list of such rows; see ``list_object``."""
        ids = [self._texts[0][1](row[self._texts[0][0]]) for row in (*rows[:1], *rows[-1:])]
        first, last = ids or ("null", "null")
        return (
            f'{{"object":"list","data":[{",".join([self.text(row) for row in rows])}],'
            f'"first_id":{first},"last_id":{last},"has_more":{_text(more)}}}'
        ).encode()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return repr(value)
    return _encode(value)


def _stored(value: str | None) -> str:
    return "null" if value is None else value


def _written(column: Column[Any]) -> Callable[[Any], str]:
    """How a column's values become JSON: with a built-in function, where there is one for it."""
    if isinstance(column.type, JSON):
        return _stored if column.nullable else str
    if not column.nullable and isinstance(column.type, String):
        return quoted
    if not column.nullable and isinstance(column.type, Integer):
        return str
    return _text


def _made(make: Callable[[Any], Any]) -> Callable[[Any], str]:
    return lambda value: _text(make(value))
