"""Statements that are put into SQL once and for all.

SQLAlchemy looks every statement up in its cache and builds a context around each execution, which
takes three times as long as SQLite needs to find a row. A SELECT that the program holds on to can
skip that: ``prepared`` marks it, a ``Reader`` executes it directly, and any other connection takes
it as the ordinary statement that it still is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable, Result, Select
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData

_OPTION = "understudy_prepared"

Values = Mapping[str, Any]


def prepared(statement: Select[Any]) -> Select[Any]:
    """The statement, marked. What differs between executions must be a ``bindparam`` in it."""
    return statement.execution_options(**{_OPTION: True})


def not_prepared(statement: Select[Any]) -> Select[Any]:
    """A statement that grew out of a marked one and is needed but once."""
    return statement.execution_options(**{_OPTION: False})


class PreparedStatement:
    """A marked statement in the words of a dialect."""

    def __init__(self, statement: Select[Any], dialect: Dialect):
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        # SQLAlchemy puts in values of its own, such as an offset of 0.
        self._own = {
            name: value.effective_value
            for name, value in compiled.binds.items()
            if not value.required
        }
        columns = statement.selected_columns
        self._metadata = SimpleResultMetaData(columns.keys())
        self._processors: list[tuple[int, Callable[[Any], Any]]] = []
        for index, column in enumerate(columns):
            kind = column.type.dialect_impl(dialect)
            if (processor := kind.result_processor(dialect, None)) is not None:
                self._processors.append((index, processor))

    def parameters(self, values: Values) -> list[Any]:
        if self._own:
            values = {**self._own, **values}
        return [values[name] for name in self._names]

    def result(self, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        """What SQLAlchemy would have made of the rows."""
        if self._processors:
            rows = [self._processed(row) for row in rows]
        return IteratorResult(self._metadata, iter(rows))

    def _processed(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for index, processor in self._processors:
            values[index] = processor(values[index])
        return tuple(values)


class PreparedStatements:
    """The marked statements that were executed so far, for one dialect."""

    def __init__(self, dialect: Dialect):
        self._dialect = dialect
        self._known: WeakKeyDictionary[Executable, PreparedStatement] = WeakKeyDictionary()

    def find(self, statement: Executable) -> PreparedStatement | None:
        """None for a statement that is not marked."""
        known = self._known.get(statement)
        if (
            known is None
            and isinstance(statement, Select)
            and statement.get_execution_options().get(_OPTION)
        ):
            known = self._known[statement] = PreparedStatement(statement, self._dialect)
        return known
