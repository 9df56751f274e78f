"""JSON as the standard has it: what is let in here can be stored, sent on and read back by anyone.

Python's own reader also takes NaN, Infinity, numbers beyond all bounds and halves of characters. In
a schema or a name they would be stored well, and then no answer that shows them could be written.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from services.engine.errors import ApiError

DEPTH = 100
_HALF = re.compile(r"[\ud800-\udfff]")


def parse(raw: bytes) -> Any:
    """The value of a JSON text; raises ``ValueError`` or ``RecursionError``."""
    # Strictly: given bytes, the reader would let encoded halves of characters pass.
    text = raw.decode(json.detect_encoding(raw))
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def check(raw: bytes, value: Any) -> None:
    """Raises ``ApiError`` for a string that is not Unicode, or nesting deeper than ``DEPTH``.

    ``raw`` is what ``value`` was read from: most of the time it shows that nothing can be wrong.
    """
    if b"\\ud" in raw.lower() or raw.count(b"{") + raw.count(b"[") > DEPTH or b"\0" in raw:
        _walk(value)


def _walk(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise ApiError(
                f"The JSON body of your request is nested too deeply: {DEPTH} levels are the most."
            )
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.keys()
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str) and _HALF.search(each):
                raise ApiError(
                    "The JSON body of your request holds a string that is not valid Unicode "
                    "(half of a character)."
                )
        level = below


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
