"""What a model is told about a function, and how its arguments are checked."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from services.functions.schema import (
    ArgumentsError,
    UnusableFunction,
    describe_function,
    first_paragraph,
    parameter_descriptions,
)


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Place:
    city: str
    country: str = "DE"


def test_annotations_defaults_and_docstring_become_the_schema() -> None:
    def order(
        what: str,
        count: int = 1,
        size: Size = Size.SMALL,
        tone: Literal["polite", "short"] | None = None,
        tags: list[str] = [],  # noqa: B006 - users write this
    ) -> None:
        """Order something
        from the shop.

        Not for the model.

        Args:
            what: the thing
                that is wanted
            count (int): how many
        """

    schema = describe_function(order)
    assert schema.description == "Order something from the shop."
    parameters = schema.parameters
    assert parameters["type"] == "object"
    assert parameters["additionalProperties"] is False
    assert parameters["required"] == ["what"]
    properties = parameters["properties"]
    assert properties["what"] == {"type": "string", "description": "the thing that is wanted"}
    assert properties["count"] == {"type": "integer", "default": 1, "description": "how many"}
    assert properties["tags"] == {"type": "array", "items": {"type": "string"}, "default": []}
    assert properties["tone"]["anyOf"][0]["enum"] == ["polite", "short"]
    assert parameters["$defs"]["Size"]["enum"] == ["small", "large"]
    assert "title" not in parameters


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    def nothing() -> None:
        """Nothing."""

    assert describe_function(nothing).parameters == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def test_an_unannotated_parameter_takes_anything() -> None:
    def anything(value):  # type: ignore[no-untyped-def]  # that is the point
        """Anything."""

    schema = describe_function(anything)
    assert schema.parameters["properties"] == {"value": {}}
    assert schema.bind({"value": [1, None]}) == ([], {"value": [1, None]})


def test_names_that_a_model_class_could_not_have_are_ordinary_parameters() -> None:
    def odd(_hidden: int, json: str, model_config: bool, copy: int = 3) -> None:
        """Odd."""

    schema = describe_function(odd)
    assert list(schema.parameters["properties"]) == ["_hidden", "json", "model_config", "copy"]
    _, named = schema.bind({"_hidden": 1, "json": "x", "model_config": True})
    assert named == {"_hidden": 1, "json": "x", "model_config": True}


def test_arguments_arrive_as_the_types_that_were_annotated() -> None:
    def typed(when: date, place: Place, size: Size, few: Annotated[int, Field(le=3)]) -> None:
        """Typed."""

    given = {"when": "2024-02-29", "place": {"city": "Ulm"}, "size": "large", "few": 3}
    _, named = describe_function(typed).bind(given)
    assert named == {"when": date(2024, 2, 29), "place": Place("Ulm"), "size": Size.LARGE, "few": 3}


def test_every_mistake_in_the_arguments_is_said_with_its_place() -> None:
    def typed(when: date, place: Place, few: Annotated[int, Field(le=3)]) -> None:
        """Typed."""

    with pytest.raises(ArgumentsError) as caught:
        describe_function(typed).bind({"place": {"city": 1}, "few": 4, "extra": 1})
    lines = caught.value.sentence.splitlines()
    assert lines[0] == "- when: is required"
    assert lines[1].startswith("- place.city: ")
    assert lines[2] == "- few: Input should be less than or equal to 3"
    assert lines[3] == "- extra: there is no such parameter"


def test_positional_only_parameters_are_given_by_position() -> None:
    def positional(a: int, b: int = 7, /, c: int = 8) -> tuple[int, int, int]:
        """Positional."""
        return a, b, c

    positional_arguments, named = describe_function(positional).bind({"a": 1, "c": 3})
    assert positional(*positional_arguments, **named) == (1, 7, 3)


def test_a_decorated_function_keeps_the_signature_of_what_it_wraps() -> None:
    def doubled(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return 2 * function(*args, **kwargs)

        return wrapper

    @doubled
    def number(value: int) -> int:
        """Number."""
        return value

    assert describe_function(number).parameters["properties"] == {"value": {"type": "integer"}}


def test_functions_a_model_cannot_call_say_why() -> None:
    def starred(*values: int) -> None:
        """Starred."""

    def open_ended(**values: int) -> None:
        """Open."""

    def strange(value: type[object] | memoryview) -> None:
        """Strange."""

    def unknown(value: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821 - the point
        """Unknown."""

    for function, reason in [
        (starred, r"\*values"),
        (open_ended, r"\*\*values"),
        (strange, "no JSON Schema"),
        (unknown, "'Missing' is not defined"),
    ]:
        with pytest.raises(UnusableFunction, match=reason):
            describe_function(function)


def test_the_first_paragraph_is_joined_to_one_line() -> None:
    assert first_paragraph("One\ntwo.\n \nThree.") == "One two."
    assert first_paragraph("") == ""


def test_sphinx_fields_describe_parameters_too() -> None:
    docstring = (
        "Do it.\n\n:param a: the first\n    and more\n:param int b: the second\n"
        ":type a: str\n:returns: nothing\n"
    )
    assert parameter_descriptions(docstring) == {"a": "the first and more", "b": "the second"}


def test_only_the_section_of_the_arguments_describes_them() -> None:
    docstring = (
        "Do it.\n\nnote: not a parameter\n\nArgs:\n    a: the first:\n        x, y\n\n"
        "        and later\n    b (str, optional): the second\n    c:\n        the third\n\n"
        "Returns:\n    d: not a parameter\n"
    )
    assert parameter_descriptions(docstring) == {
        "a": "the first: x, y and later",
        "b": "the second",
        "c": "the third",
    }
