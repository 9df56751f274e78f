"""Whether a text is a JSON value that matches a schema, in words a model can mend it by."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

log = logging.getLogger(__name__)

_MOST_PROBLEMS = 5
_LONGEST = 200
# A pattern of the client's could take for ever on a text of the model's, and stop everything else.
_UNCHECKED = ("pattern", "patternProperties", "unevaluatedProperties")


class SchemaCheck:
    """One schema. A schema that is none itself, or refers to others elsewhere, checks nothing."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def problem(self, text: str) -> str | None:
        """What is wrong with ``text``, as part of a sentence; None when nothing is.

        Imports the validator, and may take long: it belongs in a thread.
        """
        try:
            value = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
            return f"it is not one JSON value ({reason[:_LONGEST]})"
        try:
            errors = self._validator().iter_errors(value)
            found = [_told(error) for error, _ in zip(errors, range(_MOST_PROBLEMS), strict=False)]
        except Exception as error:  # whatever else a schema of the client's can lead to
            log.info("an answer was not checked: %s in its schema", type(error).__name__)
            return None
        return "; ".join(found) or None

    def _validator(self) -> Any:
        from jsonschema import Draft202012Validator, validators
        from referencing import Registry

        schema = dict(self._schema)
        dialect: Any = validators.validator_for(schema, default=Draft202012Validator)
        dialect.check_schema(schema)
        keywords = dict(dialect.VALIDATORS)
        for name in _UNCHECKED:
            keywords.pop(name, None)
        keywords["additionalProperties"] = _without_patterns(keywords["additionalProperties"])
        lenient: Any = validators.create(dialect.META_SCHEMA, keywords)
        # An empty registry: the default one fetches what a reference names.
        return lenient(schema, registry=Registry())


def _without_patterns(check: Callable[..., Any]) -> Callable[..., Any]:
    def checked(validator: Any, allowed: Any, value: Any, schema: Any) -> Any:
        return () if "patternProperties" in schema else check(validator, allowed, value, schema)

    return checked


def _told(error: Any) -> str:
    where = error.json_path.removeprefix("$").removeprefix(".")
    what = error.message if len(error.message) <= _LONGEST else error.message[:_LONGEST] + "…"
    return f"at {where}: {what}" if where else what


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
