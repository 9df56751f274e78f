"""From what the assistant form holds to a draft, or to a sentence about the field in the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.records import (
    Assistant,
    AssistantDraft,
    BuiltinTool,
    FunctionTool,
    LocalFunction,
    Tool,
)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class FieldError(Exception):
    """A field cannot be saved as it is; ``str()`` is a sentence for the user."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class FormValues:
    """The form's fields as they were typed. ``kept`` are built-in tools the form cannot edit."""

    name: str = ""
    model: str = ""
    description: str = ""
    instructions: str = ""
    temperature: str = ""
    top_p: str = ""
    local: frozenset[str] = frozenset()
    functions: str = ""
    kept: tuple[BuiltinTool, ...] = ()


def values_of(
    assistant: Assistant | None, local: Sequence[LocalFunction], default_model: str
) -> FormValues:
    """What the form shows for an assistant, or for a new one."""
    if assistant is None:
        return FormValues(model=default_model)
    known = {function.tool.name: function.tool for function in local}
    ticked: set[str] = set()
    written: list[FunctionTool] = []
    for tool in assistant.tools:
        if isinstance(tool, FunctionTool):
            if known.get(tool.name) == tool:
                ticked.add(tool.name)
            else:
                written.append(tool)
    return FormValues(
        name=assistant.name,
        model=assistant.model,
        description=assistant.description,
        instructions=assistant.instructions,
        temperature="" if assistant.temperature is None else str(assistant.temperature),
        top_p="" if assistant.top_p is None else str(assistant.top_p),
        local=frozenset(ticked),
        functions=functions_text(written),
        kept=tuple(tool for tool in assistant.tools if isinstance(tool, BuiltinTool)),
    )


def draft_of(values: FormValues, local: Sequence[LocalFunction]) -> AssistantDraft:
    """The draft to save.

    Raises:
        FieldError: the first field, from the top, that cannot be saved.
    """
    name, model = values.name.strip(), values.model.strip()
    if not name:
        raise FieldError("name", "Give the assistant a name.")
    if len(name) > 256:
        raise FieldError("name", "The name has more than 256 characters.")
    if not model:
        raise FieldError("model", "Name the model that answers.")
    if len(values.description) > 512:
        raise FieldError("description", "The description has more than 512 characters.")
    if len(values.instructions) > 256_000:
        raise FieldError("instructions", "The instructions have more than 256,000 characters.")
    ticked = [one.tool for one in local if one.tool.name in values.local and not one.problem]
    written = parse_functions(values.functions)
    _no_name_twice([*ticked, *written])
    tools: tuple[Tool, ...] = (*values.kept, *ticked, *written)
    if len(tools) > 128:
        raise FieldError("functions", "An assistant can have at most 128 tools.")
    return AssistantDraft(
        name=name,
        model=model,
        instructions=values.instructions,
        description=values.description.strip(),
        tools=tools,
        temperature=_number("temperature", "The temperature", values.temperature, 2),
        top_p=_number("top-p", "Top P", values.top_p, 1),
    )


def _number(field: str, label: str, text: str, most: float) -> float | None:
    if not text.strip():
        return None
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = float("nan")
    if not 0 <= number <= most:
        raise FieldError(field, f"{label} is a number from 0 to {most:g}, or empty.")
    return number


def _no_name_twice(functions: Iterable[FunctionTool]) -> None:
    seen: set[str] = set()
    for function in functions:
        if function.name in seen:
            raise FieldError("functions", f"Two functions are called {function.name}.")
        seen.add(function.name)


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
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise FieldError(
            "functions", f"The functions are no valid JSON: line {error.lineno}, {error.msg}."
        ) from None
    listed = parsed if isinstance(parsed, list) else [parsed]
    return tuple(_function(entry, number) for number, entry in enumerate(listed, 1))


def _function(entry: object, number: int) -> FunctionTool:
    which = f"Function {number}"
    if isinstance(entry, Mapping) and isinstance(entry.get("function"), Mapping):
        entry = entry["function"]
    if not isinstance(entry, Mapping):
        raise FieldError("functions", f"{which} is no JSON object with a name.")
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FieldError(
            "functions",
            f"{which} needs a name of letters, digits, _ and -, at most 64 characters.",
        )
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
