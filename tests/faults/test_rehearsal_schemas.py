"""Schemas that no rehearsal may hang on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.engine.models.rehearsal_arguments import fill_arguments, plainest

SELF = {"$ref": "#"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": SELF, "b": SELF}, "required": ["a", "b"]},
        {"type": "array", "minItems": 100, "items": SELF},
        {"anyOf": [SELF] * 9},
    ],
    ids=["object", "array", "alternatives"],
)
def test_a_schema_that_refers_to_itself_gets_a_value_of_bounded_size(
    schema: dict[str, Any],
) -> None:
    assert len(json.dumps(plainest(schema, schema))) < 200_000
    assert isinstance(fill_arguments(schema, "Go"), dict)
