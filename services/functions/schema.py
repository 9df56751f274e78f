"""What a function takes: a call's arguments, read once, and the schema a model is shown.

The reading is plain standard library, because the app uses it to judge a call before anybody
decides on it, and the child process uses the very same code to run it. Everything about
annotations needs pydantic and happens only in the child process.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 64
# Indented, 1 MiB of tiny values becomes some 60 MB: nobody could read that and decide on it.
MAXIMUM_VALUES = 50_000


class ArgumentsError(ValueError):
    """Arguments that are not run; ``sentence`` says why, for the user and for the model."""

    def __init__(self, sentence: str):
        super().__init__(sentence)
        self.sentence = sentence


class UnusableFunction(Exception):
    """A function that cannot be offered to a model; the message is the reason, without a name."""


def parse_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call as the model wrote them, read strictly.

    Nothing at all counts as no arguments. Refused is whatever two readers could take for two
    different things: repeated keys, ``NaN``, numbers out of range, lone surrogates.

    Raises:
        ArgumentsError: ``text`` is not one plain JSON object within the limits.
    """
    if len(text) > MAXIMUM_BYTES or len(text.encode("utf-8", "replace")) > MAXIMUM_BYTES:
        raise ArgumentsError("The arguments are larger than 1 MiB.")
    if not text.strip(" \t\r\n"):
        return {}
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except ArgumentsError:
        raise
    except json.JSONDecodeError as error:
        raise ArgumentsError(
            f"The arguments are not valid JSON: {error.msg}, line {error.lineno}, "
            f"column {error.colno}."
        ) from None
    except RecursionError:
        raise ArgumentsError(_TOO_DEEP) from None
    except ValueError:
        # Python reads no integer of more than 4,300 digits, for the time it would take.
        raise ArgumentsError("The arguments contain a number with too many digits.") from None
    if not isinstance(value, dict):
        raise ArgumentsError("The arguments are not a JSON object.")
    _check_extent(value)
    return value


_TOO_DEEP = f"The arguments are nested more than {MAXIMUM_DEPTH} levels deep."


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ArgumentsError(f"The arguments name {key[:80]!a} more than once.")
        seen.add(key)
    raise AssertionError("unreachable: fewer keys than pairs means one is repeated")


def _refuse_constant(name: str) -> float:
    raise ArgumentsError(f"The arguments contain {name}, which is not JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ArgumentsError("The arguments contain a number out of range.")
    return number


def _check_extent(value: dict[str, Any]) -> None:
    containers: list[Any] = [value]
    depth = values = 0
    while containers:
        depth += 1
        if depth > MAXIMUM_DEPTH:
            raise ArgumentsError(_TOO_DEEP)
        inside: list[Any] = []
        for container in containers:
            if isinstance(container, dict):
                for key in container:
                    _check_text(key)
                inside.extend(container.values())
            else:
                inside.extend(container)
        values += len(inside)
        if values > MAXIMUM_VALUES:
            raise ArgumentsError(f"The arguments hold more than {MAXIMUM_VALUES:,} values.")
        for item in inside:
            if isinstance(item, str):
                _check_text(item)
        containers = [item for item in inside if isinstance(item, dict | list)]


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ArgumentsError("The arguments contain half of a character pair.") from None


@dataclass(frozen=True)
class FunctionSchema:
    """A function as a model is shown it, and the means to check and bind its arguments."""

    description: str
    parameters: dict[str, Any]
    signature: inspect.Signature
    model: type[BaseModel]
    fields: Mapping[str, str]  # parameter name -> field name in the model

    def bind(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Checked positional and named arguments; what was not given is left to the function.

        Raises:
            ArgumentsError: they do not fit; one line a mistake.
        """
        from pydantic import ValidationError

        try:
            checked = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            raise ArgumentsError("\n".join(_mistakes(error))) from None
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for name, parameter in self.signature.parameters.items():
            field = self.fields[name]
            given = field in checked.model_fields_set
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(getattr(checked, field) if given else parameter.default)
            elif given:
                named[name] = getattr(checked, field)
        return positional, named


def _mistakes(error: Any) -> list[str]:
    lines = []
    for mistake in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in mistake["loc"])
        message = mistake["msg"]
        if mistake["type"] == "extra_forbidden":
            message = "there is no such parameter"
        elif mistake["type"] == "missing":
            message = "is required"
        lines.append(f"- {where}: {message}")
    return lines


def describe_function(function: Callable[..., Any]) -> FunctionSchema:
    """The schema of a function with a docstring, from its annotations and defaults.

    Raises:
        UnusableFunction: a model could not be told how to call it.
    """
    from pydantic import ConfigDict, Field, PydanticUserError, create_model

    signature = inspect.signature(function)
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation is the user's code: anything may come out of it
        raise UnusableFunction(f"its annotations cannot be read ({error})") from None
    docstring = inspect.getdoc(function) or ""
    told = parameter_descriptions(docstring)
    fields: dict[str, str] = {}
    definitions: dict[str, Any] = {}
    for number, (name, parameter) in enumerate(signature.parameters.items()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UnusableFunction(
                f"it takes {parameter}, and a model needs every name spelled out"
            )
        # Numbered fields under an alias: a parameter may have a name that a model class cannot.
        field = f"p{number}"
        fields[name] = field
        default = ... if parameter.default is parameter.empty else parameter.default
        definitions[field] = (
            hints.get(name, Any),
            Field(default, alias=name, description=told[name])
            if name in told
            else Field(default, alias=name),
        )
    try:
        model = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **definitions)
        parameters = _parameters(model)
    except (PydanticUserError, TypeError, NameError) as error:
        raise UnusableFunction(
            f"its parameters have no JSON Schema ({str(error).splitlines()[0]})"
        ) from None
    return FunctionSchema(first_paragraph(docstring), parameters, signature, model, fields)


def _parameters(model: type[BaseModel]) -> dict[str, Any]:
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Titles only repeat the names, and a model pays for every word."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    parameters = model.model_json_schema(by_alias=True, schema_generator=Untitled)
    parameters.pop("title", None)
    return parameters


def first_paragraph(docstring: str) -> str:
    """The first paragraph of a cleaned docstring, on one line."""
    paragraph = re.split(r"\n[ \t]*\n", docstring.strip(), maxsplit=1)[0]
    return " ".join(paragraph.split())


_SPHINX = re.compile(r":param(?:eter)?\s+(?:[^:\n]*?\s)?\*{0,2}(\w+):[ \t]*")
_SECTION = re.compile(r"(?:Args|Arguments|Parameters):[ \t]*")
_ENTRY = re.compile(r"\*{0,2}(\w+)(?:\s*\([^)\n]*\))?:(?:\s+|$)")


def parameter_descriptions(docstring: str) -> dict[str, str]:
    """What a cleaned docstring says of each parameter, in Google's or Sphinx' manner."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    entry_indent = 0
    section_indent: int | None = None
    for line in docstring.splitlines():
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if sphinx := _SPHINX.match(text):
            current = found.setdefault(sphinx[1], [text[sphinx.end() :]])
            entry_indent, section_indent = indent, None
        elif _SECTION.fullmatch(text):
            section_indent, current, entry_indent = indent, None, 0
        elif not text:
            if section_indent is None:
                current = None
        elif section_indent is not None and indent <= section_indent:
            section_indent = current = None
        elif current is not None and indent > entry_indent:
            current.append(text)
        elif section_indent is not None and (entry := _ENTRY.match(text)):
            current = found.setdefault(entry[1], [text[entry.end() :]])
            entry_indent = indent
        else:
            current = None
    joined = {name: " ".join(" ".join(parts).split()) for name, parts in found.items()}
    return {name: text for name, text in joined.items() if text}
