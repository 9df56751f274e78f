"""Bodies, ids and queries that a fuzzer makes out of the request models themselves.

A strategy walks a model's JSON schema and builds a body that is right, except where it draws to
spoil a place: with a value of another type, or one at or just beyond the limit that the schema
gives that place. A field that is added to a model is fuzzed from that day on.

Bodies are JSON text. ``@assistant_id`` and its like stand for ids that exist (see ``filled``).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

Draw = Callable[[st.SearchStrategy[Any]], Any]
Schema = Mapping[str, Any]

# What is too large to be drawn, printed and shrunk, and too deep to be written: marks in the text,
# replaced at the end.
_LARGE = {
    "@@deep@@": "[" * 90 + "]" * 90,
    "@@deeper@@": '{"a":' * 950 + "1" + "}" * 950,
    "@@deepest@@": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "@@pairs@@": json.dumps({f"k{number}": "v" for number in range(10_000)}),
    "@@items@@": json.dumps([None] * 10_000),
}
_LONG = re.compile("@@([0-9]+)@@")

ODD_STRINGS = (
    "",
    " ",
    "\x00",
    "\x00after",
    "\x1b[31m\x07",
    "\r\nx-evil: 1",
    "\u2028\u202e\ufeff",
    "\ud800",
    "half \udfff of one",
    "👩‍👩‍👧 漢字 e\u0301",
    "'; DROP TABLE threads; --",
    "%' OR 1=1 --",
    "../../../../etc/passwd",
    "..\\..\\x",
    "C:\\Windows",
    "file:///etc/passwd",
    "{{7*7}} ${x} %s %n {0} {",
    "null",
    "undefined",
    "NaN",
    "-1",
    "1e400",
    "true",
    "[]",
    "auto",
    "asst_",
    "thread_none",
    "run_none",
    "file-none",
    "x" * 300,
)
ODD_NUMBERS = (
    0,
    -1,
    1,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**400,
    -0.0,
    0.1,
    1e-320,
    1e308,
    math.nan,
    math.inf,
    -math.inf,
)
ODD_OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"type": None},
    {"type": "nothing"},
    {"type": ["function"]},
    {"type": {}},
    {"\ud800": 1},
    [1, "a", None, {"b": [{}]}],
    "@@300000@@",
    *_LARGE,
)
odd = st.sampled_from((*ODD_OTHERS, *ODD_STRINGS, *ODD_NUMBERS))
odd_text = st.one_of(st.sampled_from(ODD_STRINGS), st.text(max_size=20))

# Of each hundred places, how many are spoilt in one body.
_RATES = (0, 8, 8, 30)


def bodies(model: type[BaseModel]) -> st.SearchStrategy[str]:
    """JSON texts for ``model``: some right, most spoilt in one or several places."""
    schema = model.model_json_schema(by_alias=True)

    @st.composite
    def build(draw: Draw) -> str:
        builder = _Builder(draw, schema.get("$defs", {}), draw(st.sampled_from(_RATES)))
        whole = builder.fields(schema) if draw(st.integers(0, 40)) else draw(odd)
        return json.dumps(whole, ensure_ascii=draw(st.booleans()))

    return build()


def filled(text: str, ids: Mapping[str, str]) -> bytes:
    """The body as sent: marks and ``@names`` replaced; halves of characters stay what they are."""
    for mark, large in _LARGE.items():
        text = text.replace(f'"{mark}"', large)
    text = _LONG.sub(lambda mark: "é" * int(mark[1]), text)
    for name, value in ids.items():
        text = text.replace(f"@{name}", value)
    return text.encode("utf-8", "surrogatepass")


class _Builder:
    """Builds one body by a schema, drawing as it goes."""

    def __init__(self, draw: Draw, definitions: Mapping[str, Schema], rate: int):
        self._draw = draw
        self._definitions = definitions
        self._rate = rate

    def value(self, schema: Schema, name: str) -> Any:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        if self._spoils():
            return self._draw(st.one_of(odd, st.sampled_from(_at_the_limits(schema) or [None])))
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return self.value(self._draw(st.sampled_from(schema[union])), name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._draw(st.sampled_from(schema["enum"]))
        return getattr(self, f"_{schema.get('type', 'anything')}")(schema, name)

    def _spoils(self) -> bool:
        return self._rate > 0 and self._draw(st.integers(0, 99)) < self._rate

    def _object(self, schema: Schema, name: str) -> dict[str, Any]:
        return self.fields(schema) if "properties" in schema else self._map(schema)

    def fields(self, schema: Schema) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        made = {}
        for key, below in schema["properties"].items():
            wanted = not self._spoils() if key in required else self._draw(st.booleans())
            if wanted:
                made[key] = self.value(below, key)
        if self._spoils():
            made[self._draw(odd_text)] = self._draw(odd)
        return made

    def _map(self, schema: Schema) -> dict[str, Any]:
        below = schema.get("additionalProperties", {})
        below = below if isinstance(below, Mapping) else {}
        keys = self._draw(st.lists(st.sampled_from(("k", "key 2", "", "é", "k" * 64)), max_size=2))
        return {key: self.value(below, "") for key in keys}

    def _array(self, schema: Schema, name: str) -> list[Any]:
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", 100), least + 2)
        return [
            self.value(schema.get("items", {}), name.removesuffix("s"))
            for _ in range(self._draw(st.integers(least, most)))
        ]

    def _string(self, schema: Schema, name: str) -> str:
        if name == "model":
            return "scripted"
        if name == "file_id":
            return str(self._draw(st.sampled_from(("@file_id", "@image_id"))))
        if name.endswith("_id"):
            return f"@{name}"
        if name == "url":
            return "https://example.com/a.png"
        if "pattern" in schema:
            return str(self._draw(st.from_regex(schema["pattern"], fullmatch=True)))
        least, most = schema.get("minLength", 0), schema.get("maxLength", 60)
        return str(self._draw(st.text(min_size=least, max_size=min(most, 20))))

    def _integer(self, schema: Schema, name: str) -> int:
        least, most = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
        return int(self._draw(st.sampled_from((least, most, (least + most) // 2))))

    def _number(self, schema: Schema, name: str) -> float:
        least, most = schema.get("minimum", -1e9), schema.get("maximum", 1e9)
        return float(self._draw(st.floats(least, most)))

    def _boolean(self, schema: Schema, name: str) -> bool:
        return bool(self._draw(st.booleans()))

    def _null(self, schema: Schema, name: str) -> None:
        return None

    def _anything(self, schema: Schema, name: str) -> Any:
        return self._draw(st.sampled_from((None, 1, 0.5, "text", [1, {"a": None}], {"a": [True]})))


def _at_the_limits(schema: Schema) -> list[Any]:
    """Values at each limit of a place, and one beyond it."""
    found: list[Any] = []
    for key, step in (("maximum", 1), ("minimum", -1)):
        if key in schema:
            found += [schema[key], schema[key] + step, float(schema[key])]
    for key, step in (("maxLength", 1), ("minLength", -1)):
        if key in schema:
            found += [f"@@{size}@@" for size in (schema[key], max(0, schema[key] + step))]
    for key, step in (("maxItems", 1), ("minItems", -1)):
        if key in schema:
            found += [["x"] * size for size in (schema[key], max(0, schema[key] + step))]
    if "maxProperties" in schema:
        for size in (schema["maxProperties"], schema["maxProperties"] + 1):
            found.append({f"k{number}": "v" for number in range(size)})
        found += [{"k" * size: "v"} for size in (64, 65)]
        found += [{"k": "v" * size} for size in (512, 513)]
    for union in ("anyOf", "oneOf"):
        for member in schema.get(union, ()):
            found += _at_the_limits(member)
    return found


# --- paths and queries ------------------------------------------------------------------------

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_QUERIES: Mapping[str, tuple[str, ...]] = {
    "limit": ("1", "100", "0", "-1", "101", "10000", "10001", "9" * 30, "9" * 5000, "1_0", "٣"),
    "order": ("asc", "desc", "ASC", "random"),
    "after": ("@message_id", "@assistant_id", "@file_id", "@thread_id", "nowhere"),
    "before": ("@message_id", "@assistant_id", "@file_id", "@thread_id", "nowhere"),
    "run_id": ("@run_id", "run_none"),
    "filter": ("in_progress", "completed", "failed", "cancelled", "COMPLETED"),
    "include[]": ("step_details.tool_calls[*].file_search.results[*].content", "everything"),
    "query": ("hi", '"', "hi OR (", "*", "NEAR(a b)", "a" * 2000),
    "purpose": ("assistants", "vision", "nothing"),
    "nonsense": ("1",),
}


def paths(template: str) -> st.SearchStrategy[dict[str, str]]:
    """A value for each parameter of a route's path; three times of four one that exists."""
    right = {name: st.just(f"@{name}") for name in _PARAMETER.findall(template)}
    wrong = {name: st.one_of(just, odd_text) for name, just in right.items()}
    return st.one_of(*[st.fixed_dictionaries(right)] * 3, st.fixed_dictionaries(wrong))


def queries() -> st.SearchStrategy[list[tuple[str, str]]]:
    """Parameters of a list, right and wrong, some of them twice."""
    pairs = [
        st.tuples(st.just(name), st.one_of(st.sampled_from(values), odd_text))
        for name, values in _QUERIES.items()
    ]
    return st.lists(st.one_of(pairs), max_size=4)
