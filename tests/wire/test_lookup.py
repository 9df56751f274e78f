"""The short way to a route is the way that Starlette finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from services.engine.app import create_app
from services.engine.settings import EngineSettings
from tests.wire.conftest import Wire


def served() -> list[Route]:
    (mount,) = create_app(EngineSettings(Path())).routes
    assert isinstance(mount, Mount)
    return [route for route in mount.routes if isinstance(route, Route)]


async def called(path: str, method: str) -> str:
    """The endpoint that a request gets to, with its parameters."""
    app = create_app(EngineSettings(Path()))
    scope = {"type": "http", "path": path, "root_path": "", "method": method, "headers": []}
    reached: list[str] = []

    async def handle(route: Route, scope: dict[str, object], *_: object) -> None:
        reached.append(f"{route.endpoint.__module__}.{route.endpoint.__qualname__}")
        reached.append(str(scope["path_params"]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Route, "handle", handle)
        await app.router.app(scope, None, None)  # type: ignore[arg-type]  # nothing is sent
    return " ".join(reached)


async def test_every_route_is_found() -> None:
    for route in served():
        path = "/v1" + re.sub(r"\{(\w+)(:path)?\}", r"\1_1", route.path)
        names = {name: f"{name}_1" for name in route.param_convertors}
        endpoint = f"{route.endpoint.__module__}.{route.endpoint.__qualname__}"
        for method in route.methods or ():
            assert await called(path, method) == f"{endpoint} {names}", path


async def test_a_name_with_slashes_is_one_name(wire: Wire) -> None:
    answer = await wire.raw("GET", "/models/some/model")
    assert "some/model" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/threads/"),
        ("GET", "/threads/thread_1/"),
        ("GET", "/threads//messages"),
        ("PUT", "/threads/thread_1"),
        ("GET", "/nothing"),
        ("GET", "/"),
    ],
)
async def test_what_is_no_route_stays_none(wire: Wire, method: str, path: str) -> None:
    answer = await wire.raw(method, path)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["message"].startswith(f"Invalid URL ({method} /v1{path}")
