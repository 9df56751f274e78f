"""One endpoint whose API is not known for sure: asked one way, and the other if that is missing."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from services.engine.models.base import ModelEntry, ModelEvent, ModelRequest
from services.engine.models.endpoint_model import EndpointModel
from services.engine.models.failures import RouteMissing

log = logging.getLogger(__name__)


class EitherApi:
    """Asks over ``first``, and over ``second`` where the endpoint has no such path.

    What was found out counts as long as the connection lasts, for a single model where the
    endpoint offers just that model over the other API.
    """

    def __init__(self, first: EndpointModel, second: EndpointModel) -> None:
        self._preferred = first
        self._other = second
        self._known: dict[str, EndpointModel] = {}  # by the model's name

    def __repr__(self) -> str:
        return f"EitherApi({self._preferred!r}, {self._other!r})"

    @property
    def host(self) -> str:
        return self._preferred.host

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See ``Model.stream``."""
        known = self._known.get(request.model)
        # Once it is known nothing stands between a driver's events and who reads them.
        return self._find_out(request) if known is None else known.stream(request)

    async def entries(self) -> Sequence[ModelEntry]:
        """See ``Model.entries``."""
        return await self._preferred.entries()

    async def aclose(self) -> None:
        await self._preferred.aclose()
        await self._other.aclose()

    async def _find_out(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        preferred, other = self._preferred, self._other
        try:
            async with aclosing(preferred.stream(request)) as events:
                async for event in events:
                    self._known[request.model] = preferred
                    yield event
            return
        except RouteMissing as error:
            missing = error
        found = False
        try:
            async with aclosing(other.stream(request)) as events:
                async for event in events:
                    if not found:
                        found = True
                        self._found(request.model, preferred, other, missing)
                    yield event
        except RouteMissing:
            raise missing from None

    def _found(
        self, model: str, before: EndpointModel, now: EndpointModel, missing: RouteMissing
    ) -> None:
        self._known[model] = now
        if missing.model_only:
            log.info("%s offers %s over %s alone", self.host, model, now.PATH)
            return
        log.info("%s has no %s; from now on it is asked over %s", self.host, before.PATH, now.PATH)
        self._preferred, self._other = now, before
