"""Reading a request: JSON into a model, query into a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from services.engine.engine import engine_of
from services.engine.errors import ApiError, invalid_id
from services.engine.routes.refusals import out_of_bounds, refusal_of, unsupported, wrong_length
from services.engine.routes.strict_json import check, parse
from services.engine.schemas import METADATA_PAIRS
from services.engine.schemas import Request as RequestModel
from services.engine.store.paging import PageQuery
from services.engine.store.steps import Included

RESULT_CONTENTS = "step_details.tool_calls[*].file_search.results[*].content"
REASONING = "understudy.reasoning"

# Python's own ``int`` also takes "1_0", "٣" and thousands of digits.
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")

Model = TypeVar("Model", bound=RequestModel)


async def read_body(request: Request, model: type[Model]) -> Model:
    """The request's JSON as ``model``; an empty body counts as ``{}``.

    Raises ``ApiError`` (400) that names the field.
    """
    raw = await request.body()
    try:
        data = parse(raw) if raw.strip() else None
    except ValueError:
        raise ApiError(
            "We could not parse the JSON body of your request. (HINT: This likely means you "
            "aren't using your HTTP library correctly. The API expects a JSON payload.)"
        ) from None
    if data is None:
        data = {}
    try:
        valid = model.model_validate(data)
    except ValidationError as error:
        raise refusal_of(error, data) from None
    check(raw, data)
    return valid


def merged_metadata(
    request: Request, before: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The old map with the new pairs, or the new alone where the engine is set to replace it.

    Raises ``ApiError`` (400) when it grows too large.
    """
    if engine_of(request).replace_metadata:
        return dict(given)
    merged = {**before, **given}
    if len(merged) > METADATA_PAIRS:
        raise wrong_length("metadata", merged, True, {"max_length": METADATA_PAIRS})
    return merged


def page_query(request: Request, *, most: int = 100, default: int = 20) -> PageQuery:
    """``limit`` (at most ``most``), ``order``, ``after``, ``before``; raises ``ApiError`` (400)."""
    query = request.query_params
    raw = query.get("limit") or str(default)
    if _INTEGER.fullmatch(raw) is None:
        raise ApiError(
            f"Invalid type for 'limit': expected an integer, but got '{raw[:40]}' instead.",
            param="limit",
            code="invalid_type",
        )
    limit = int(raw)
    if limit > most:
        raise out_of_bounds("limit", "integer", limit, "<=", most)
    if limit < 1:
        raise out_of_bounds("limit", "integer", limit, ">=", 1)
    return PageQuery(
        limit=limit,
        order=_order(query.get("order") or "desc"),
        after=query.get("after") or None,
        before=query.get("before") or None,
    )


def included_in(request: Request) -> Included:
    """What ``include[]`` asks for; raises ``ApiError`` (400) for what there is not."""
    query = request.query_params
    wanted = {*query.getlist("include[]"), *query.getlist("include")}
    for each in wanted - {RESULT_CONTENTS, REASONING}:
        raise unsupported("include", each, f"'{RESULT_CONTENTS}'")
    return Included(contents=RESULT_CONTENTS in wanted, reasoning=REASONING in wanted)


def path_id(request: Request, parameter: str, prefix: str) -> str:
    """An id out of the path; raises ``ApiError`` (400) when its prefix is wrong."""
    value = str(request.path_params[parameter])
    if not value.startswith(prefix):
        raise invalid_id(parameter, value[:80], prefix)
    return value


def _order(value: str) -> Literal["asc", "desc"]:
    if value == "asc":
        return "asc"
    if value == "desc":
        return "desc"
    raise unsupported("order", value, ("asc", "desc"))
