"""A mistake that pydantic found, in the hosted API's words: clients match them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.engine.errors import ECHO_CHARACTERS, ApiError

_TYPE_NAMES: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
_EXPECTED = {
    "string_type": "a string",
    "string_sub_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal number",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def out_of_bounds(name: str, noun: str, value: object, sign: str, bound: object) -> ApiError:
    above = sign == "<="
    return ApiError(
        f"Invalid '{name}': {noun} {'above maximum' if above else 'below minimum'} value. "
        f"Expected a value {sign} {bound}, but got {value} instead.",
        param=name,
        code=f"{noun}_{'above_max' if above else 'below_min'}_value",
    )


def refusal_of(error: ValidationError, body: Any) -> ApiError:
    """The first mistake, in the hosted API's words."""
    details = max(error.errors(include_url=False), key=lambda item: _relevance(item, body))
    path = _path(details, body)
    refusal = _refusal(details, _name(path))
    if not path:
        refusal.param = None
    return refusal


def _relevance(details: ErrorDetails, body: Any) -> tuple[int, bool]:
    """Of a union every member complains; the one that got furthest into the value is meant.

    Of those that got equally far, it is one that took the value's type for right. A tag that no
    member has stands within the value, though pydantic does not say so.
    """
    kind = details["type"]
    depth = len(_path(details, body)) + kind.startswith("union_tag")
    return depth, kind not in _EXPECTED


def _refusal(details: ErrorDetails, name: str) -> ApiError:
    kind = details["type"]
    context = details.get("ctx", {})
    value = details.get("input")
    if kind == "missing":
        return ApiError(
            f"Missing required parameter: '{name}'.",
            param=name,
            code="missing_required_parameter",
        )
    if kind == "extra_forbidden":
        return ApiError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if kind in _EXPECTED:
        got = _TYPE_NAMES.get(type(value), "something else")
        return ApiError(
            f"Invalid type for '{name}': expected {_EXPECTED[kind]}, but got {got} instead.",
            param=name,
            code="invalid_type",
        )
    if kind == "string_too_long" and details["loc"][-1] == "[key]":
        key, owner = str(value), str(details["loc"][-3])
        return ApiError(
            f"Invalid property name in '{owner}': '{key[:3]}...{key[-3:]}' is too long. Expected a "
            f"string with maximum length {context['max_length']}, but got a string with length "
            f"{len(key)} instead.",
            param=name,
            code="property_name_above_max_length",
        )
    if kind in ("string_too_long", "string_too_short"):
        long = kind == "string_too_long"
        bound = context["max_length" if long else "min_length"]
        return ApiError(
            f"Invalid '{name}': string too {'long' if long else 'short'}. Expected a string with "
            f"{'maximum' if long else 'minimum'} length {bound}, but got a string with length "
            f"{len(str(value))} instead.",
            param=name,
            code="string_above_max_length" if long else "string_below_min_length",
        )
    if kind in ("too_long", "too_short"):
        return wrong_length(name, value, kind == "too_long", context)
    if kind in ("less_than_equal", "greater_than_equal"):
        above = kind == "less_than_equal"
        bound = context["le" if above else "ge"]
        noun = "decimal" if isinstance(bound, float) else "integer"
        return out_of_bounds(name, noun, value, "<=" if above else ">=", _number(bound))
    if kind == "literal_error":
        return unsupported(name, value, _quoted(context["expected"]))
    if kind == "union_tag_invalid":
        return unsupported(f"{name}.type", context["tag"], _quoted(context["expected_tags"]))
    if kind == "union_tag_not_found":
        return ApiError(
            f"Missing required parameter: '{name}.type'.",
            param=f"{name}.type",
            code="missing_required_parameter",
        )
    if kind == "string_pattern_mismatch":
        return ApiError(
            f"Invalid '{name}': string does not match pattern. Expected a string that matches the "
            f"pattern '{context['pattern']}'.",
            param=name,
            code="invalid_value",
        )
    if kind == "string_unicode":
        return ApiError(
            f"Invalid '{name}': the string is not valid Unicode (it holds half of a character).",
            param=name,
            code="invalid_value",
        )
    message = str(details["msg"]).removeprefix("Value error, ")
    return ApiError(f"Invalid '{name}': {message}", param=name, code="invalid_value")


def _number(bound: float) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def wrong_length(name: str, value: Any, long: bool, context: Mapping[str, Any]) -> ApiError:
    bound, size = context["max_length" if long else "min_length"], len(value)
    if isinstance(value, dict):
        return ApiError(
            f"Invalid '{name}': too {'many' if long else 'few'} properties. Expected an object "
            f"with at {'most' if long else 'least'} {bound} properties, but got an object with "
            f"{size} properties instead.",
            param=name,
            code=f"object_{'above_max' if long else 'below_min'}_properties",
        )
    if not size:
        return ApiError(
            f"Invalid '{name}': empty array. Expected an array with minimum length {bound}, but "
            "got an empty array instead.",
            param=name,
            code="empty_array",
        )
    return ApiError(
        f"Invalid '{name}': array too {'long' if long else 'short'}. Expected an array with "
        f"{'maximum' if long else 'minimum'} length {bound}, but got an array with length {size} "
        "instead.",
        param=name,
        code=f"array_{'above_max' if long else 'below_min'}_length",
    )


def unsupported(name: str, value: object, supported: Sequence[str]) -> ApiError:
    # As the hosted API listed them: 'a'; 'a' and 'b'; 'a', 'b', and 'c'.
    *most, last = (f"'{each}'" for each in supported)
    comma = "," if len(most) > 1 else ""
    listed = f"{', '.join(most)}{comma} and {last}" if most else last
    return ApiError(
        f"Invalid value: '{str(value)[:80]}'. Supported values are: {listed}.",
        param=name,
        code="invalid_value",
    )


def _quoted(expected: object) -> list[str]:
    """The values in pydantic's own list of them."""
    return re.findall(r"'([^']*)'", str(expected))


def _path(details: ErrorDetails, body: Any) -> list[int | str]:
    """Where in the body the mistake is.

    Pydantic puts marks of its own between the steps (union members, tags): a step counts only if
    the body can go there. A field that is missing is the last step, and not there.
    """
    path: list[int | str] = []
    here = body
    location = details["loc"]
    for index, step in enumerate(location):
        last = index == len(location) - 1
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and isinstance(step, int):
            here = here[step] if step < len(here) else None
        elif not (last and details["type"] == "missing"):
            continue
        path.append(step)
    return path


def _name(path: list[int | str]) -> str:
    name = ""
    for item in path:
        if isinstance(item, int):
            name += f"[{item}]"
        else:
            name += f".{item[:ECHO_CHARACTERS]}" if name else item[:ECHO_CHARACTERS]
    return name or "body"
