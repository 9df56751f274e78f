"""The embedded engine: the whole server in this process, behind the official client.

This is the one place of the client side that knows the engine. What it hands out is the SDK's
client; everything else goes over the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from services.local.settings import ModelSettings
from services.records import ConnectionState, ServiceError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from services.engine.engine import Engine

NAME = "embedded"
BASE_URL = "http://understudy.local/v1"
REHEARSING = (
    "No model is connected: the built-in rehearsal answers by fixed rules. "
    "Set UNDERSTUDY_MODEL_URL, or url under [model] in {settings}, to connect one."
)


class EmbeddedConnection:
    """Starts the engine on a data folder; ``open`` before use, ``close`` at the end."""

    def __init__(self, data_folder: Path, model: ModelSettings, settings_file: Path):
        self._data_folder = data_folder
        self._model = model
        self._settings_file = settings_file
        self._exit = contextlib.AsyncExitStack()

    async def open(self) -> tuple[AsyncOpenAI, ConnectionState]:
        """The client and what the header says of it.

        The SDK and the engine are imported in a thread: together they take the better part of a
        second, which the screen has better uses for. Raises ``ServiceError``.
        """
        await asyncio.to_thread(_import_all)
        return await self._start()

    async def _start(self) -> tuple[AsyncOpenAI, ConnectionState]:
        import httpx2
        from openai import AsyncOpenAI

        from services.connection.wire import InProcessTransport, Lifespan
        from services.engine.app import create_app
        from services.engine.models.base import ModelError
        from services.engine.settings import EngineSettings
        from services.engine.store.database import StoreError

        app = create_app(
            EngineSettings(
                data_folder=self._data_folder,
                model_url=self._model.url,
                model_key=self._model.key,
                default_model=self._model.default,
                aliases=self._model.aliases,
                driver=self._model.driver,
            )
        )
        try:
            lifespan = await self._exit.enter_async_context(Lifespan(app))
        except (StoreError, ModelError) as error:
            raise ServiceError(str(error)) from error
        except OSError as error:
            raise ServiceError(
                f"The engine cannot use its folder {self._data_folder}: "
                f"{error.strerror or error}. Check that you may write there and the disk has room."
            ) from error
        transport = InProcessTransport(app, state=lifespan.state)
        http_client = httpx2.AsyncClient(transport=transport)
        self._exit.push_async_callback(http_client.aclose)
        client = AsyncOpenAI(
            base_url=BASE_URL,
            # In process there is nobody to keep out; the SDK insists on a key.
            api_key="in-process",
            http_client=http_client,
            max_retries=0,
        )
        return client, self._state(app.state.engine)

    def _state(self, engine: Engine) -> ConnectionState:
        from services.engine.engine import set_aside_notice

        rehearsing = self._model.url is None
        notes = [REHEARSING.format(settings=self._settings_file)] if rehearsing else []
        if notice := set_aside_notice(engine):
            notes.insert(0, notice)
        return ConnectionState(
            name=NAME,
            label=engine.connected.label,
            ready=True,
            default_model=self._model.default or (engine.connected.label if rehearsing else ""),
            note=" ".join(notes),
        )

    async def close(self) -> None:
        """Ends the engine's runs with their text kept, then the engine."""
        await self._exit.aclose()


def _import_all() -> None:
    for module in (
        "httpx2",
        # The SDK imports its resources when they are first touched, which would be on the loop.
        "openai.resources.beta.assistants",
        "openai.resources.beta.threads.threads",
        "openai.resources.models",
        "openai.resources.chat.completions",
        "services.connection.wire",
        "services.connection.speaking",
        "services.engine.app",
    ):
        importlib.import_module(module)
