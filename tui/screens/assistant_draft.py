"""From what the assistant form holds to a draft, or to sentences about the fields in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.records import (
    Assistant,
    AssistantDraft,
    BuiltinTool,
    FunctionTool,
    LocalFunction,
    OtherTool,
    ResponseFormat,
    Tool,
)
from tui.screens.assistant_fields import (
    FieldError,
    functions_text,
    metadata_text,
    number,
    parse_functions,
    parse_metadata,
    parse_schema,
    schema_text,
    whole_number,
)

NAME = 256
DESCRIPTION = 512
INSTRUCTIONS = 256_000
TOOLS = 128
STORES = 1
FILES = 20
MODEL_NAME = 256


@dataclass(frozen=True, slots=True)
class FormValues:
    """The form's fields as they were typed.

    ``tools`` are the kinds of the built-in tools that are on, ``local`` the names of ticked
    functions of the folder. What the form cannot show goes with it: ``kept`` tools,
    ``search_options`` of file search, ``other_format`` of a kind that is not known.
    """

    name: str = ""
    model: str = ""
    description: str = ""
    instructions: str = ""
    reasoning: str = ""
    temperature: str = ""
    top_p: str = ""
    tools: frozenset[str] = frozenset()
    max_results: str = ""
    score_threshold: str = ""
    stores: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    functions: str = ""
    format: str = "auto"
    schema: str = ""
    metadata: str = ""
    kept: tuple[OtherTool, ...] = ()
    search_options: Mapping[str, Any] = field(default_factory=dict)
    other_format: Mapping[str, Any] = field(default_factory=dict)


def values_of(
    assistant: Assistant | None, local: Sequence[LocalFunction], default_model: str
) -> FormValues:
    """What the form shows for an assistant, or for a new one."""
    if assistant is None:
        return FormValues(model=default_model)
    known = {function.tool.name: function.tool for function in local}
    ticked: set[str] = set()
    written: list[FunctionTool] = []
    options: Mapping[str, Any] = {}
    for tool in assistant.tools:
        if isinstance(tool, FunctionTool):
            if known.get(tool.name) == tool:
                ticked.add(tool.name)
            else:
                written.append(tool)
        elif isinstance(tool, BuiltinTool) and tool.kind == "file_search":
            options = tool.options
    kind, schema, other = _format_of(assistant.response_format)
    ranking = options.get("ranking_options") or {}
    return FormValues(
        name=assistant.name,
        model=assistant.model,
        description=assistant.description,
        instructions=assistant.instructions,
        reasoning=assistant.reasoning_effort or "",
        temperature=_shown(assistant.temperature),
        top_p=_shown(assistant.top_p),
        tools=frozenset(each.kind for each in assistant.tools if isinstance(each, BuiltinTool)),
        max_results=_shown(options.get("max_num_results")),
        score_threshold=_shown(ranking.get("score_threshold")),
        stores=frozenset(assistant.vector_store_ids),
        files=frozenset(assistant.file_ids),
        local=frozenset(ticked),
        functions=functions_text(written),
        format=kind,
        schema=schema,
        metadata=metadata_text(assistant.metadata),
        kept=tuple(tool for tool in assistant.tools if isinstance(tool, OtherTool)),
        search_options=options,
        other_format=other,
    )


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _format_of(stored: ResponseFormat) -> tuple[str, str, Mapping[str, Any]]:
    """The kind of answers, the schema's text, and the whole of a kind that is not known."""
    if isinstance(stored, str):
        return stored, "", {}
    kind = str(stored.get("type") or "")
    if kind == "json_schema" and isinstance(stored.get("json_schema"), Mapping):
        return kind, schema_text(stored["json_schema"]), {}
    return kind, "", {} if kind in ("text", "json_object") else stored


def problems(values: FormValues, local: Sequence[LocalFunction]) -> list[FieldError]:
    """Everything that stands in the way of saving, from the top of the form to its end."""
    found: list[FieldError] = []
    for check in _checks(values, local):
        try:
            check()
        except FieldError as error:
            found.append(error)
    return found


def draft_of(
    values: FormValues, local: Sequence[LocalFunction], before: Assistant | None = None
) -> AssistantDraft:
    """The draft to save. ``before`` is the assistant as it is stored, for the order of its ids.

    Raises:
        FieldError: the first field, from the top, that cannot be saved.
    """
    for error in problems(values, local):
        raise error
    stored = before or Assistant("", "", "")
    return AssistantDraft(
        name=values.name.strip(),
        model=values.model.strip(),
        instructions=values.instructions,
        description=values.description.strip(),
        tools=_tools(values, local),
        temperature=_temperature(values),
        top_p=_top_p(values),
        reasoning_effort=values.reasoning or None,
        response_format=_format(values),
        vector_store_ids=_in_order(values.stores, stored.vector_store_ids),
        file_ids=_in_order(values.files, stored.file_ids),
        metadata=parse_metadata(values.metadata),
    )


def _checks(values: FormValues, local: Sequence[LocalFunction]) -> Iterator[Callable[[], object]]:
    yield lambda: _text("name", "The name", values.name.strip(), NAME, "Give the assistant a name.")
    yield lambda: _text(
        "model",
        "The model's name",
        values.model.strip(),
        MODEL_NAME,
        "Name the model that answers.",
    )
    yield lambda: _text("description", "The description", values.description.strip(), DESCRIPTION)
    yield lambda: _text("instructions", "The instructions", values.instructions, INSTRUCTIONS)
    yield lambda: _temperature(values)
    yield lambda: _top_p(values)
    yield lambda: _max_results(values)
    yield lambda: _score_threshold(values)
    yield lambda: _count("stores", "file search looks into one vector store", values.stores, STORES)
    yield lambda: _count("files", "the code interpreter takes 20 files", values.files, FILES)
    yield lambda: _tools(values, local)
    yield lambda: _format(values)
    yield lambda: parse_metadata(values.metadata)


def _text(field: str, label: str, text: str, most: int, missing: str = "") -> None:
    if not text and missing:
        raise FieldError(field, missing, missing=True)
    if len(text) > most:
        raise FieldError(field, f"{label} has {len(text):,} characters; at most {most:,}.")


def _count(field: str, rule: str, ids: frozenset[str], most: int) -> None:
    if len(ids) > most:
        raise FieldError(field, f"{len(ids)} are ticked; {rule} at most.")


def _temperature(values: FormValues) -> float | None:
    return number("temperature", "The temperature", values.temperature, 0, 2)


def _top_p(values: FormValues) -> float | None:
    return number("top-p", "Top P", values.top_p, 0, 1)


def _max_results(values: FormValues) -> int | None:
    return whole_number("max-results", "The most passages", values.max_results, 1, 50)


def _score_threshold(values: FormValues) -> float | None:
    return number("score-threshold", "The least score", values.score_threshold, 0, 1)


def _in_order(chosen: frozenset[str], stored: Sequence[str]) -> tuple[str, ...]:
    kept = [id for id in stored if id in chosen]
    return (*kept, *sorted(chosen - set(kept)))


def _format(values: FormValues) -> ResponseFormat:
    if values.format == "auto":
        return "auto"
    if values.format == "json_schema":
        return {"type": "json_schema", "json_schema": parse_schema(values.schema)}
    if values.other_format and values.format == values.other_format.get("type"):
        return dict(values.other_format)
    return {"type": values.format}


def _tools(values: FormValues, local: Sequence[LocalFunction]) -> tuple[Tool, ...]:
    ticked = [one.tool for one in local if one.tool.name in values.local and not one.problem]
    written = parse_functions(values.functions)
    _no_name_twice([*ticked, *written])
    builtin: list[Tool] = []
    if "file_search" in values.tools:
        builtin.append(BuiltinTool("file_search", _search_options(values)))
    if "code_interpreter" in values.tools:
        builtin.append(BuiltinTool("code_interpreter"))
    tools: tuple[Tool, ...] = (*values.kept, *builtin, *ticked, *written)
    if len(tools) > TOOLS:
        raise FieldError(
            "functions", f"An assistant can have at most 128 tools, and these are {len(tools)}."
        )
    return tools


def _search_options(values: FormValues) -> dict[str, Any]:
    """The options as stored, with what the form shows of them as it is now."""
    options = dict(values.search_options)
    ranking = dict(options.pop("ranking_options", None) or {})
    options.pop("max_num_results", None)
    if (most := _max_results(values)) is not None:
        options["max_num_results"] = most
    if (least := _score_threshold(values)) is not None:
        options["ranking_options"] = {**ranking, "score_threshold": least}
    return options


def _no_name_twice(functions: Iterable[FunctionTool]) -> None:
    seen: set[str] = set()
    for function in functions:
        if function.name in seen:
            raise FieldError("functions", f"Two functions are called {function.name}.")
        seen.add(function.name)
