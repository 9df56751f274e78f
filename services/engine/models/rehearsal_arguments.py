"""Arguments for a function, taken from a message by simple rules.

In this order: a JSON object in the message; ``key: value`` and ``key=value`` pairs; words of an
enum, yes and no, numbers, dates, addresses, quoted strings; what follows the preposition that a
property's name suggests (``in`` for a city, ``to`` for a destination); and what is left of the
text for the first string that is required. What is required and not found gets the schema's
default or the plainest valid value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

# The rules look at the beginning of a message: some of them take time by its length squared.
_READ = 2000
_MOST_VALUES = 2000  # made up for one schema
_QUOTED = re.compile(r'"([^"\n]*)"|“([^”\n]*)”|`([^`\n]+)`|(?<!\w)\'([^\'\n]+)\'(?!\w)')
# Not a piece of a date, a time or a version.
_NUMBER = re.compile(r"(?<![\w.-])(?<!\d:)-?\d+(?:\.\d+)?(?![\w]|[:-]\d)")
_FORMATS = {
    "date": re.compile(r"\b\d{4}-\d{2}-\d{2}\b"),
    "date-time": re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?"),
    "time": re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b"),
    "email": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "uri": re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]"),
}
_SHAPES = {  # what a property's name says about its value, where no format does
    "date": re.compile(r"\b(?:\d{4}-\d{2}-\d{2}|today|tomorrow|yesterday)\b", re.IGNORECASE),
    "day": re.compile(
        r"\b(?:\d{4}-\d{2}-\d{2}|(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|tomorrow)\b",
        re.IGNORECASE,
    ),
    "email": _FORMATS["email"],
    "url": _FORMATS["uri"],
    "path": re.compile(r"(?<!\S)[\w.~-]*/[\w./~-]+|(?<!\S)[\w-]+\.\w{1,5}\b"),
    "file": re.compile(r"(?<!\S)[\w./~-]+\.\w{1,5}\b"),
}
_PREPOSITIONS = {
    "in|at|for|near|of|from": ("city", "location", "place", "country", "town", "region", "area"),
    "from": ("from", "origin", "source", "start", "departure"),
    "to|into": ("to", "destination", "target", "recipient", "end", "arrival", "language"),
    "about|on|for|of": ("topic", "subject", "term", "keyword"),
    "named|called|for": ("name", "title", "user", "person", "customer"),
}  # fmt: skip
_STOP = (
    r"(?=\s+(?:in|at|for|near|of|from|to|into|on|about|with|without|and|by|using|tomorrow|today|please"
    r"|named|called)\b|[,;.?!]|\s*$)"
)
_SEARCHED = re.compile(r"\b(?:for|about)\s+(\S.*?)(?=[.?!]?\s*$|[.?!]\s)", re.IGNORECASE)
_FILLER = re.compile(
    r"^(?:(?:please|can you|could you|would you|call|use|run|invoke|try|with|the|function|tool|what"
    r"(?:'s|’s| is| are)?|tell me|show me|give me|i want|i need|to|and|then|for|of|in|a|an)"
    r"\b[\s:,]*)+",
    re.IGNORECASE,
)
_YES = re.compile(r"\b(?:yes|true|on|enabled?|with)\b", re.IGNORECASE)
_NO = re.compile(r"\b(?:no|not|false|off|disabled?|without)\b", re.IGNORECASE)


@dataclass(slots=True)
class _Message:
    """The text, and the text with what was already used blanked out."""

    text: str
    left: str = ""
    remainder: str = ""
    pairs: dict[str, str] = field(default_factory=dict)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.search(self.left)
        if found is None:
            return None
        value = next((group for group in found.groups() if group is not None), found.group())
        self.left = self.left[: found.start()] + " " * len(found.group()) + self.left[found.end() :]
        return value.strip()


def fill_arguments(
    schema: Mapping[str, Any] | None, text: str, *, names: Sequence[str] = ()
) -> dict[str, Any]:
    """Arguments for ``schema`` from ``text``; ``names`` are words that name the function."""
    root = schema or {}
    properties = _properties(root, root)
    given = _json_object(text)
    if given is not None:
        arguments = {k: v for k, v in given.items() if not properties or k in properties}
        if arguments:
            return {**_fill_missing(root, properties, arguments), **arguments}
    if not properties:
        return {}
    beginning, remainder = text[:_READ], text[_READ:]
    left = beginning
    for name in names:
        left = re.sub(rf"`?\b{re.escape(name)}\b`?(?:\(\))?", " ", left, flags=re.IGNORECASE)
    message = _Message(beginning, left, remainder)
    _take_pairs(message, properties)
    required = _required(root)
    found: dict[str, Any] = {}
    for name in sorted(properties, key=lambda name: name not in required):
        value = _value(name, properties[name], message, root, name in required)
        if value is not None:
            found[name] = value
    _rest(found, required, properties, message)
    complete = _fill_missing(root, properties, found)
    return {name: complete[name] for name in properties if name in complete}


def plainest(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The smallest value that ``schema`` takes; objects get what is required."""
    return _plainest(schema, root, 0, count())


def _plainest(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int, made: Iterator[int]
) -> Any:
    """``made`` counts: a schema that refers to itself twice would double with every level."""
    schema = _resolved(schema, root)
    full = next(made) > _MOST_VALUES or depth > 16
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    kind = _kind(schema)
    if kind == "object" or (kind is None and "properties" in schema):
        if full:
            return {}
        properties = _properties(schema, root)
        return {
            name: _plainest(properties.get(name, {}), root, depth + 1, made)
            for name in _required(schema)
        }
    if kind == "array":
        least = 0 if full else min(int(schema.get("minItems", 0)), 100)
        return [_plainest(schema.get("items") or {}, root, depth + 1, made) for _ in range(least)]
    if kind in ("integer", "number"):
        return _number_within(schema)
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    shaped = {"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00",
              "email": "someone@example.com", "uri": "https://example.com"}  # fmt: skip
    return shaped.get(str(schema.get("format")), "").ljust(int(schema.get("minLength", 0)), "x")


def _value(
    name: str,
    schema: Mapping[str, Any],
    message: _Message,
    root: Mapping[str, Any],
    required: bool,
) -> Any:
    """A value the message states for one property, None if it states none."""
    kind = _kind(schema)
    stated = message.pairs.get(name)
    if stated is not None:
        return _converted(stated, schema)
    if isinstance(schema.get("enum"), list):
        return _enum_word(schema["enum"], message)
    if kind == "boolean":
        return _truth(name, message.text)
    if kind in ("integer", "number"):
        number = _number_beside(name, message) or message.take(_NUMBER)
        return None if number is None else _as_number(number, kind)
    if kind == "array":
        return _array(_resolved(schema.get("items") or {}, root), message, words=required)
    if kind == "object":
        return None
    pattern = _FORMATS.get(str(schema.get("format")))
    words = _words(name)
    if pattern is None:
        pattern = next((_SHAPES[word] for word in words if word in _SHAPES), None)
    if pattern is not None:
        return message.take(pattern)
    quoted = message.take(_QUOTED)
    if quoted is not None:
        return quoted
    if "query" in words or "question" in words:
        return message.take(_SEARCHED)
    for prepositions, subjects in _PREPOSITIONS.items():
        if any(word in subjects for word in words):
            after = re.compile(rf"\b(?:{prepositions})\s+(?:the\s+)?(\S.*?){_STOP}", re.I)
            return message.take(after)
    return None


def _rest(
    found: dict[str, Any],
    required: Sequence[str],
    properties: Mapping[str, Mapping[str, Any]],
    message: _Message,
) -> None:
    """What is left of the text goes to the first required string (else the only property).

    What need not be given takes no more than is left, and what has a default no more than a word.
    """
    wanting = [name for name in required if name not in found]
    if not required and not found and len(properties) == 1:
        wanting = list(properties)
    for name in wanting:
        schema = properties.get(name, {})
        if _kind(schema) not in ("string", None) or "enum" in schema or "format" in schema:
            continue
        left = _FILLER.sub("", " ".join(message.left.split())) + message.remainder
        left = left.strip(" ?!.,;:\t") or (message.text.strip() if name in required else "")
        if left and not ("default" in schema and len(left.split()) > 1):
            found[name] = left
        return


def _fill_missing(
    root: Mapping[str, Any], properties: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any]:
    missing = [name for name in _required(root) if name not in found]
    return {**found, **{name: plainest(properties.get(name, {}), root) for name in missing}}


def _take_pairs(message: _Message, properties: Mapping[str, Any]) -> None:
    keys = {name: r"[\s_-]*".join(map(re.escape, _words(name))) for name in properties}
    any_key = "|".join(sorted(keys.values(), key=len, reverse=True))
    for name, key in keys.items():
        # A list goes on after a comma.
        ends = ";" if _kind(properties[name]) == "array" else ",;"
        pair = re.compile(
            rf"(?<![\w-])[\"'`]?{key}[\"'`]?\s*[:=]\s*"
            rf"(?:\"([^\"\n]*)\"|'([^'\n]*)'|(\[[^\]\n]*\])|([^\n{ends}]+?))"
            rf"(?=\s*[{ends}\n]|[,;]?\s+(?:and\s+)?(?:{any_key})\s*[:=]|\s*$)",
            re.IGNORECASE,
        )
        value = message.take(pair)
        if value is not None:
            message.pairs[name] = value


def _converted(text: str, schema: Mapping[str, Any]) -> Any:
    kind = _kind(schema)
    if kind in ("integer", "number"):
        number = _NUMBER.search(text)
        return _as_number(number.group(), kind) if number else _number_within(schema)
    if kind == "boolean":
        return bool(_YES.search(text)) or text.strip() == "1"
    if kind == "array":
        return _array(schema.get("items") or {}, _Message(text, text)) or []
    if kind == "object":
        return _json_object(text) or {}
    for choice in schema.get("enum") or ():
        if str(choice).lower() == text.strip().lower():
            return choice
    return text.strip().rstrip("?!") if "enum" not in schema else schema["enum"][0]


def _number_beside(name: str, message: _Message) -> str | None:
    """The number next to the property's own name: ``limit 5``, ``2 passengers``."""
    said = r"[\s_-]*".join(re.escape(word.removesuffix("s")) + "s?" for word in _words(name))
    before = re.compile(rf"(?<!\w){said}\s*(?:is|of|to|=|:)?\s+({_NUMBER.pattern})", re.I)
    after = re.compile(rf"({_NUMBER.pattern})\s+{said}(?!\w)", re.I)
    return message.take(before) or message.take(after)


def _array(items: Mapping[str, Any], message: _Message, *, words: bool = True) -> list[Any] | None:
    """The list a message states; ``words``: of strings, take what words are left."""
    kind = _kind(items)
    values: list[Any] = []
    if kind in ("integer", "number"):
        while (number := message.take(_NUMBER)) is not None:
            values.append(_as_number(number, kind))
        return values or None
    if isinstance(items.get("enum"), list):
        return [each for each in items["enum"] if _mentions(message.text, str(each))] or None
    if kind not in ("string", None):
        return None
    while (quoted := message.take(_QUOTED)) is not None:
        values.append(quoted)
    if not values and words:
        left = _FILLER.sub("", " ".join(message.left.split())).strip(" ?!.;:[]")
        values = [part.strip() for part in re.split(r",|\band\b|\s{2,}", left) if part.strip()]
        if len(values) == 1:
            values = values[0].split()
        message.left = ""
    return values or None


def _enum_word(choices: Sequence[Any], message: _Message) -> Any:
    return next((choice for choice in choices if _mentions(message.text, str(choice))), None)


def _mentions(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def _truth(name: str, text: str) -> bool | None:
    said = r"[\s_-]*".join(map(re.escape, _words(name)))
    near = re.search(rf"(\w+\s+)?(?<!\w){said}(?!\w)", text, re.IGNORECASE)
    if near is not None:
        return not _NO.search(near.group(1) or "")
    if re.search(r"\b(yes|true)\b", text, re.IGNORECASE):
        return True
    return False if re.search(r"\b(no|false)\b", text, re.IGNORECASE) else None


def _as_number(text: str, kind: str | None) -> int | float:
    value = float(text)
    return int(value) if kind == "integer" or value.is_integer() else value


def _number_within(schema: Mapping[str, Any]) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(low, int | float) and low >= 0 and not (low == 0 and "minimum" in schema):
        return low if "minimum" in schema else low + 1
    return high if isinstance(high, int | float) and high < 0 else 0


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word] or [name]


def _kind(schema: Mapping[str, Any]) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), None)
    return kind if isinstance(kind, str) else None


def _required(schema: Mapping[str, Any]) -> list[str]:
    required = schema.get("required")
    return (
        [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    )


def _properties(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {str(name): _resolved(each, root) for name, each in properties.items()}


def _resolved(schema: object, root: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
    """References followed, and of alternatives the first that is not null."""
    if not isinstance(schema, Mapping) or depth > 16:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        target: Any = root
        for step in filter(None, reference[1:].split("/")):
            step = step.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, Mapping) else None
        return _resolved(target, root, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list):
            # Only as many as it takes: each may lead back here.
            options = (_resolved(each, root, depth + 1) for each in schema[key])
            chosen = next((each for each in options if _kind(each) != "null"), {})
            return {**chosen, **{k: v for k, v in schema.items() if k != key}}
    return schema


def _json_object(text: str) -> dict[str, Any] | None:
    """The first JSON object in the text."""
    decoder = json.JSONDecoder()
    for found in list(re.finditer(r"\{", text))[:20]:
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None
