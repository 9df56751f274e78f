"""Filters on the attributes of a vector store's files, as clients write them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

DEEPEST = 8
MOST_COMPARISONS = 256
MOST_VALUES = 1000

Scalar = str | bool | int | float
Attributes = Mapping[str, Any]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Comparison(_Strict):
    """An attribute against a value, or, for ``in`` and ``nin``, against each of a list."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    value: Scalar | Annotated[list[Scalar], Field(max_length=MOST_VALUES)]

    @model_validator(mode="after")
    def _has_a_fitting_value(self) -> Self:
        several = self.type in ("in", "nin")
        if several != isinstance(self.value, list):
            raise ValueError(f"'{self.type}' takes {'a list' if several else 'one value'}")
        return self


class Compound(_Strict):
    type: Literal["and", "or"]
    filters: Annotated[list[Filter], Field(min_length=1, max_length=MOST_COMPARISONS)]

    @model_validator(mode="after")
    def _is_of_a_bearable_size(self) -> Self:
        # Inner filters are validated before outer ones, so neither walk goes deeper than this.
        if _depth(self) > DEEPEST:
            raise ValueError(f"filters are nested more than {DEEPEST} deep")
        if _comparisons(self) > MOST_COMPARISONS:
            raise ValueError(f"there are more than {MOST_COMPARISONS} comparisons")
        return self


Filter = Annotated[Comparison | Compound, Field(discriminator="type")]
Compound.model_rebuild()


def passes(wanted: Comparison | Compound, attributes: Attributes) -> bool:
    """Whether a file with these attributes is let through.

    Values of different kinds are never equal (``"5"`` is not ``5``, ``true`` is not ``1``) and
    never in an order. ``ne`` and ``nin`` are the exact opposites of ``eq`` and ``in``, so they let
    a file through that has no such attribute; every other comparison does not.
    """
    if isinstance(wanted, Compound):
        each = (passes(inner, attributes) for inner in wanted.filters)
        return all(each) if wanted.type == "and" else any(each)
    listed = wanted.value if isinstance(wanted.value, list) else [wanted.value]
    has = attributes.get(wanted.key)
    if wanted.type in ("eq", "in"):
        return any(_equal(has, value) for value in listed)
    if wanted.type in ("ne", "nin"):
        return not any(_equal(has, value) for value in listed)
    return _ordered(has, listed[0], _ORDERS[wanted.type])


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _kind(value: object) -> type | None:
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None


def _equal(one: object, other: object) -> bool:
    return _kind(one) is not None and _kind(one) is _kind(other) and one == other


def _ordered(one: object, other: object, order: Callable[[Any, Any], bool]) -> bool:
    kind = _kind(one)
    return kind in (float, str) and kind is _kind(other) and order(one, other)


def _depth(wanted: Comparison | Compound) -> int:
    return 1 + max(map(_depth, wanted.filters)) if isinstance(wanted, Compound) else 0


def _comparisons(wanted: Comparison | Compound) -> int:
    return sum(map(_comparisons, wanted.filters)) if isinstance(wanted, Compound) else 1
