"""Filters on the attributes of a vector store's files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.engine.schemas.filters import DEEPEST, MOST_COMPARISONS, Filter, passes

REPORT = {"year": 2024, "share": 0.5, "author": "Ann", "final": True}
READ: TypeAdapter[Any] = TypeAdapter(Filter)


def lets_through(wanted: dict[str, Any], attributes: dict[str, Any]) -> bool:
    return passes(READ.validate_python(wanted), attributes)


def comparison(kind: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("eq", "year", 2024),
        ("eq", "year", 2024.0),
        ("eq", "author", "Ann"),
        ("eq", "final", True),
        ("ne", "author", "Bob"),
        ("gt", "year", 2023),
        ("gt", "year", 2023.5),
        ("gte", "year", 2024),
        ("lt", "share", 1),
        ("lte", "share", 0.5),
        ("gt", "author", "Aaron"),
        ("in", "author", ["Bob", "Ann"]),
        ("nin", "author", ["Bob"]),
        ("nin", "author", []),
    ],
)
def test_a_comparison_that_holds_lets_through(kind: str, key: str, value: Any) -> None:
    assert lets_through(comparison(kind, key, value), REPORT)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("eq", "year", 2023),
        ("eq", "author", "ann"),
        ("ne", "year", 2024),
        ("gt", "year", 2024),
        ("lt", "year", 2024),
        ("in", "author", ["Bob"]),
        ("in", "author", []),
        ("nin", "author", ["Ann"]),
    ],
)
def test_a_comparison_that_does_not_hold_keeps_out(kind: str, key: str, value: Any) -> None:
    assert not lets_through(comparison(kind, key, value), REPORT)


@pytest.mark.parametrize(
    ("key", "value"),
    [("year", "2024"), ("author", 1), ("final", 1), ("final", "true"), ("share", True)],
)
def test_values_of_different_kinds_neither_equal_nor_compare(key: str, value: Any) -> None:
    for kind in ("eq", "gt", "gte", "lt", "lte"):
        assert not lets_through(comparison(kind, key, value), REPORT)
    assert not lets_through(comparison("in", key, [value]), REPORT)
    assert lets_through(comparison("ne", key, value), REPORT)


def test_truth_values_have_no_order() -> None:
    assert not lets_through(comparison("gt", "final", False), REPORT)


@pytest.mark.parametrize(
    ("kind", "value", "through"),
    [
        ("eq", "x", False),
        ("ne", "x", True),
        ("gt", 0, False),
        ("lt", 0, False),
        ("in", ["x"], False),
        ("nin", ["x"], True),
    ],
)
def test_a_missing_attribute_is_only_unequal(kind: str, value: Any, through: bool) -> None:
    assert lets_through(comparison(kind, "absent", value), REPORT) is through


def test_compounds_nest() -> None:
    young = comparison("gte", "year", 2024)
    bob, ann = comparison("eq", "author", "Bob"), comparison("eq", "author", "Ann")
    either = {"type": "or", "filters": [bob, ann]}
    assert lets_through({"type": "and", "filters": [young, either]}, REPORT)
    assert not lets_through({"type": "and", "filters": [young, bob]}, REPORT)
    assert not lets_through({"type": "or", "filters": [bob]}, REPORT)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"type": "eq", "key": "year"},
        {"type": "is", "key": "year", "value": 1},
        {"type": "eq", "key": "", "value": 1},
        {"type": "eq", "key": "k" * 65, "value": 1},
        {"type": "eq", "key": "year", "value": None},
        {"type": "eq", "key": "year", "value": [1]},
        {"type": "eq", "key": "year", "value": {"a": 1}},
        {"type": "eq", "key": "year", "value": 1, "more": 2},
        {"type": "in", "key": "year", "value": 1},
        {"type": "in", "key": "year", "value": [[1]]},
        {"type": "in", "key": "year", "value": list(range(1001))},
        {"type": "and", "filters": []},
        {"type": "and", "filters": [{"type": "and"}]},
        {"type": "and", "key": "year", "value": 1},
        [],
        "year = 1",
    ],
)
def test_what_is_no_filter_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(wrong)


def nested(depth: int) -> dict[str, Any]:
    inner = comparison("eq", "year", 2024)
    for _ in range(depth):
        inner = {"type": "and", "filters": [inner]}
    return inner


@pytest.mark.parametrize("depth", [DEEPEST + 1, 300, 5000])
def test_a_filter_that_is_nested_too_deep_is_refused(depth: int) -> None:
    assert lets_through(nested(DEEPEST), REPORT)
    with pytest.raises(ValidationError):
        READ.validate_python(nested(depth))


def test_a_filter_of_too_many_comparisons_is_refused() -> None:
    each = {"type": "or", "filters": [comparison("eq", "year", 1)] * (MOST_COMPARISONS // 2)}
    assert not lets_through({"type": "and", "filters": [each, each]}, REPORT)
    with pytest.raises(ValidationError, match="256 comparisons"):
        READ.validate_python({"type": "and", "filters": [each, each, each]})


scalars = st.one_of(st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans())


@given(st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), scalars, scalars)
def test_any_two_values_are_told_apart_without_an_error(kind: str, has: Any, value: Any) -> None:
    lets_through(comparison(kind, "key", value), {"key": has})
    opposite = {"eq": "ne", "ne": "eq"}.get(kind)
    if opposite:
        first = lets_through(comparison(kind, "key", value), {"key": has})
        assert first is not lets_through(comparison(opposite, "key", value), {"key": has})
