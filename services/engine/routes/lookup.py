"""Finds a request's route among a few instead of all.

Starlette tries one route after the other, which for the last of some sixty takes longer than to
read a row. All but a few paths of the wire are told apart by how they begin and how long they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import Mount, Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

_Shape = tuple[str, int]


class RouteLookup(Router):
    """Starlette's router, with the routes mounted at a prefix of one segment (``/v1``).

    An id that is empty by mistake must not turn into the request without it (with a redirect
    ``POST /threads/`` would make a thread), so there are no redirects for slashes.
    """

    def __init__(self, prefix: str, routes: Sequence[Route], lifespan: Lifespan[Any]) -> None:
        mount = Mount(prefix, app=Router(routes, redirect_slashes=False))
        super().__init__([mount], redirect_slashes=False, lifespan=lifespan)
        alike: dict[_Shape, list[Route]] = {}
        for route in routes:
            whole = Route(prefix + route.path, route.endpoint, methods=list(route.methods or ()))
            alike.setdefault(_shape(whole.path), []).append(whole)
        # A parameter that may hold slashes fits paths of any length.
        open_ended = {_shape(prefix + route.path)[0] for route in routes if ":path}" in route.path}
        self._few = {
            shape: Router(few, redirect_slashes=False)
            for shape, few in alike.items()
            if shape[0] not in open_ended
        }

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        few = self._few.get(_shape(scope["path"])) if scope["type"] == "http" else None
        if few is None:
            await super().app(scope, receive, send)
        else:
            await few.app(scope, receive, send)


def _shape(path: str) -> _Shape:
    """The segment after the prefix, and how many segments there are."""
    segments = path.split("/", 3)
    return segments[2] if len(segments) > 2 else "", path.count("/")
