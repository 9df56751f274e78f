"""JSON as the standard has it: what is let in here can be stored, sent on and read back by anyone.

Python's own reader also takes NaN, Infinity, numbers beyond all bounds and halves of characters. In
a schema or a name they would be stored well, and then no answer that shows them could be written.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from services.engine.errors import ApiError

DEPTH = 100
VALUES = 100_000
"""Values and keys in one body; the largest that the wire's limits allow have some ten thousands."""
_HALF = re.compile(r"[\ud800-\udfff]")


def parse(raw: bytes) -> Any:
    """The value of a JSON text.

    Raises ``ValueError``, and ``ApiError`` for more than ``DEPTH`` levels or ``VALUES`` values:
    nothing may look at such a value, not even to say all that is wrong with it.
    """
    # Strictly: given bytes, the reader would let encoded halves of characters pass.
    text = raw.decode(json.detect_encoding(raw))
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise _too_deep() from None
    # A value is the first in something, or comes after a comma.
    opened = raw.count(b"{") + raw.count(b"[")
    if opened > DEPTH or opened + raw.count(b",") > VALUES:
        _measure(value)
    return value


def check(raw: bytes, value: Any) -> None:
    """Raises ``ApiError`` for a string that is not Unicode.

    ``raw`` is what ``value`` was read from: most of the time it shows that nothing can be wrong.
    """
    if b"\\ud" not in raw.lower() and b"\0" not in raw:
        return
    for level in _levels(value):
        if any(isinstance(each, str) and _HALF.search(each) for each in level):
            raise ApiError(
                "The JSON body of your request holds a string that is not valid Unicode "
                "(half of a character)."
            )


def _measure(value: Any) -> None:
    count = 0
    for depth, level in enumerate(_levels(value)):
        count += len(level)
        if depth >= DEPTH:
            raise _too_deep()
        if count > VALUES:
            raise ApiError(
                f"The JSON body of your request holds too many values: {VALUES} are the most."
            )


def _levels(value: Any) -> Iterator[list[Any]]:
    """What lies at each depth, keys of objects too; the value itself is the first."""
    level = [value]
    while level:
        yield level
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.keys()
                below += each.values()
            elif isinstance(each, list):
                below += each
        level = below


def _too_deep() -> ApiError:
    return ApiError(
        f"The JSON body of your request is nested too deeply: {DEPTH} levels are the most."
    )


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
