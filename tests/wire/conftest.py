"""The engine behind the official SDK, in process, with a scripted model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from openai.types.beta import Assistant, Thread
from starlette.applications import Starlette

from services.connection.wire import InProcessTransport, Lifespan
from services.engine.app import create_app
from services.engine.engine import Engine
from services.engine.settings import EngineSettings
from tests.wire.scripted import Script, ScriptedModel, connected, says

LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}


@dataclass
class Wire:
    """An open engine, its client, and the model that answers."""

    client: AsyncOpenAI
    model: ScriptedModel
    engine: Engine
    app: Starlette

    async def assistant(self, **fields: Any) -> Assistant:
        return await self.client.beta.assistants.create(model="scripted", **fields)

    async def thread(self, *messages: str) -> Thread:
        return await self.client.beta.threads.create(
            messages=[{"role": "user", "content": text} for text in messages]
        )

    async def raw(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """A request as other clients make it, without the SDK."""
        return await self.client._client.request(
            method, f"http://understudy.local/v1{path}", **request
        )


OpenWire = Callable[..., Awaitable[Wire]]


@asynccontextmanager
async def open_wire(folder: Path, *scripts: Script, **settings: Any) -> AsyncIterator[Wire]:
    """``settings`` are further fields of ``EngineSettings``."""
    model = ScriptedModel(*(scripts or (says("Hello", ", ", "world."),)))
    app = create_app(EngineSettings(folder, **settings), connected(model))
    async with AsyncExitStack() as stack:
        lifespan = await stack.enter_async_context(Lifespan(app))
        http_client = httpx2.AsyncClient(
            transport=InProcessTransport(app, state=lifespan.state), timeout=30
        )
        stack.push_async_callback(http_client.aclose)
        client = AsyncOpenAI(
            base_url="http://understudy.local/v1",
            api_key="test",
            http_client=http_client,
            max_retries=0,
        )
        yield Wire(client, model, app.state.engine, app)


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with open_wire(tmp_path / "data") as opened:
        yield opened
