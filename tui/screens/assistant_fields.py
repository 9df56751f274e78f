"""Texts of the assistant form as what they stand for, or a sentence about what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.records import FunctionTool

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMED = "letters, digits, _ and -, at most 64 characters"
PAIRS = 16
KEY_CHARACTERS = 64
VALUE_CHARACTERS = 512


class FieldError(Exception):
    """A field cannot be saved as it is; ``str()`` is a sentence for the user.

    ``missing`` tells that it is only not filled in yet.
    """

    def __init__(self, field: str, sentence: str, *, missing: bool = False) -> None:
        super().__init__(sentence)
        self.field = field
        self.missing = missing


def number(field: str, label: str, text: str, least: float, most: float) -> float | None:
    """The number in a field, None for an empty one.

    Raises:
        FieldError: it is none, or out of bounds.
    """
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise FieldError(field, f"{label} is a number from {least:g} to {most:g}, or empty.")
    return value


def whole_number(field: str, label: str, text: str, least: int, most: int) -> int | None:
    """As ``number``, without a fraction."""
    value = number(field, label, text, least, most)
    if value is not None and value != int(value):
        raise FieldError(field, f"{label} is a whole number from {least} to {most}, or empty.")
    return None if value is None else int(value)


def parsed(field: str, label: str, text: str) -> Any:
    """A field's JSON.

    Raises:
        FieldError: it is none.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FieldError(
            field, f"{label} no valid JSON: line {error.lineno}, {error.msg}."
        ) from None
    except RecursionError:
        raise FieldError(field, f"{label} nested too deeply.") from None


# --- functions --------------------------------------------------------------------------------


def functions_text(functions: Sequence[FunctionTool]) -> str:
    """Functions as the JSON that ``parse_functions`` reads, empty for none."""
    if not functions:
        return ""
    listed = []
    for function in functions:
        entry: dict[str, Any] = {"name": function.name}
        if function.description:
            entry["description"] = function.description
        if function.parameters is not None:
            entry["parameters"] = dict(function.parameters)
        if function.strict is not None:
            entry["strict"] = function.strict
        listed.append(entry)
    return json.dumps(listed, indent=2, ensure_ascii=False)


def parse_functions(text: str) -> tuple[FunctionTool, ...]:
    """Functions written by hand: one object or a list, also in the wire's own wrapping.

    Raises:
        FieldError: the text is no JSON, or one of the functions is not complete.
    """
    if not text.strip():
        return ()
    read = parsed("functions", "The functions are", text)
    listed = read if isinstance(read, list) else [read]
    return tuple(_function(entry, number) for number, entry in enumerate(listed, 1))


def _function(entry: object, number: int) -> FunctionTool:
    which = f"Function {number}"
    if isinstance(entry, Mapping) and isinstance(entry.get("function"), Mapping):
        entry = entry["function"]
    if not isinstance(entry, Mapping):
        raise FieldError("functions", f"{which} is no JSON object with a name.")
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FieldError("functions", f"{which} needs a name of {_NAMED}.")
    description = entry.get("description", "")
    if not isinstance(description, str):
        raise FieldError("functions", f"The description of {name} has to be a text.")
    parameters = entry.get("parameters")
    if parameters is not None:
        if not isinstance(parameters, Mapping):
            raise FieldError("functions", f"The parameters of {name} are no JSON Schema object.")
        if parameters.get("type", "object") != "object":
            raise FieldError("functions", f'The parameters of {name} have to be of type "object".')
    strict = entry.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise FieldError("functions", f'"strict" of {name} is true or false.')
    unknown = sorted(set(entry) - {"name", "description", "parameters", "strict"})
    if unknown:
        raise FieldError("functions", f"{name} has a field that is not known: {unknown[0]}.")
    return FunctionTool(name, description, parameters, strict)


# --- the form of answers ----------------------------------------------------------------------


def schema_text(schema: Mapping[str, Any]) -> str:
    return json.dumps(dict(schema), indent=2, ensure_ascii=False)


def parse_schema(text: str) -> dict[str, Any]:
    """The wire's ``json_schema``: a name and a schema, also in the wire's own wrapping.

    Raises:
        FieldError: something of it is missing or wrong.
    """
    if not text.strip():
        raise FieldError("schema", "Give the JSON schema of the answers.", missing=True)
    read = parsed("schema", "The schema is", text)
    if isinstance(read, Mapping) and isinstance(read.get("json_schema"), Mapping):
        read = read["json_schema"]
    if not isinstance(read, Mapping):
        raise FieldError("schema", 'The schema is no JSON object: {"name": ..., "schema": ...}.')
    name = read.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FieldError("schema", f"The schema needs a name of {_NAMED}.")
    if not isinstance(read.get("schema", {}), Mapping):
        raise FieldError("schema", '"schema" is a JSON object.')
    if not isinstance(read.get("description") or "", str):
        raise FieldError("schema", "The description of the schema has to be a text.")
    if not isinstance(read.get("strict"), bool | None):
        raise FieldError("schema", '"strict" of the schema is true or false.')
    unknown = sorted(set(read) - {"name", "schema", "description", "strict"})
    if unknown:
        raise FieldError(
            "schema",
            f"The schema has a field that is not known: {unknown[0]}. "
            'The JSON Schema itself belongs under "schema".',
        )
    return dict(read)


# --- metadata ---------------------------------------------------------------------------------


def metadata_text(metadata: Mapping[str, str]) -> str:
    """A line for each pair, as ``parse_metadata`` reads it. Emptied pairs count as none."""
    return "\n".join(
        f"{_quoted(name, '=')} = {_quoted(value, '')}" for name, value in metadata.items() if value
    )


def _quoted(text: str, forbidden: str) -> str:
    plain = text and text == text.strip() and text.isprintable() and text[0] != '"'
    if plain and not (forbidden and forbidden in text):
        return text
    return json.dumps(text, ensure_ascii=False)


def parse_metadata(text: str) -> dict[str, str]:
    """``name = value`` on each line; either may be a JSON string, in quotes.

    Raises:
        FieldError: a line is none, or over the wire's limits.
    """
    found: dict[str, str] = {}
    for at, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, rest = _name_of(line.strip(), at)
        if not rest.startswith("="):
            raise FieldError("metadata", f"Line {at} is no pair: name = value.")
        value = rest[1:].strip()
        if value.startswith('"'):
            value = _string(value, at)
        if not name:
            raise FieldError("metadata", f"Line {at} has no name before the =.")
        if name in found:
            raise FieldError("metadata", f"{name} is there twice.")
        if len(name) > KEY_CHARACTERS:
            raise FieldError("metadata", f"The name in line {at} has more than 64 characters.")
        if len(value) > VALUE_CHARACTERS:
            raise FieldError("metadata", f"The value of {name} has more than 512 characters.")
        found[name] = value
    if len(found) > PAIRS:
        raise FieldError("metadata", f"There can be 16 pairs at most, and these are {len(found)}.")
    return found


def _name_of(line: str, at: int) -> tuple[str, str]:
    if not line.startswith('"'):
        name, equals, rest = line.partition("=")
        return name.strip(), equals + rest
    try:
        name, end = json.JSONDecoder().raw_decode(line)
    except json.JSONDecodeError:
        raise FieldError("metadata", f"The quotes in line {at} are not closed.") from None
    return str(name), line[end:].strip()


def _string(text: str, at: int) -> str:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, str):
        raise FieldError("metadata", f"The quoted value in line {at} cannot be read.")
    return value
