"""The engine's parts, put together once and handed to every route."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from starlette.requests import Request

from services.engine.models.connect import Connected, connect
from services.engine.retrieval.indexer import Indexer
from services.engine.retrieval.message_search import MessageSearch
from services.engine.runs.runner import Runner
from services.engine.settings import EngineSettings
from services.engine.store import files, uploads
from services.engine.store.contents import Contents
from services.engine.store.database import Database, StoreError
from services.engine.store.failures import store_sentence
from services.engine.store.owners import Owners


@dataclass(frozen=True, slots=True)
class Engine:
    """An open engine. Made by ``open_engine``; ``close`` ends its runs and lets go of the store."""

    database: Database
    runner: Runner
    connected: Connected
    owners: Owners
    contents: Contents
    indexer: Indexer
    message_search: MessageSearch
    strict: bool
    replace_metadata: bool
    patience: float

    async def close(self) -> None:
        await self.runner.close(self.patience)
        await self.indexer.close()
        await self.connected.model.aclose()
        await self.database.close()
        self.owners.leave()


async def open_engine(settings: EngineSettings, connected: Connected | None = None) -> Engine:
    """Opens the store and ends what a crash left.

    ``connected`` is a model to use instead of the settings' endpoint. Raises ``StoreError``,
    ``OSError``, or ``ModelError`` for an endpoint that cannot be one.
    """
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.data_folder / "understudy.db")
    owners = Owners(settings.data_folder / "engines")
    contents = Contents(settings.data_folder / "files")
    connected = connected or connect(
        settings.model_url,
        settings.model_key,
        settings.default_model,
        settings.aliases,
        driver=settings.driver,
    )
    try:
        await database.open()
        owners.enter()
        await _sweep_files(database, contents)
        indexer = Indexer(database, contents, settings.data_folder / "engines" / "indexing.lock")
        runner = Runner(database, owners, connected, contents, indexer)
        await runner.open()
    except BaseException as error:
        await database.close()
        await connected.model.aclose()
        owners.leave()
        if isinstance(error, DBAPIError) and (sentence := store_sentence(error)) is not None:
            raise StoreError(f"{database.path} cannot be used. {sentence}") from error
        raise
    indexer.open()
    return Engine(
        database,
        runner,
        connected,
        owners,
        contents,
        indexer,
        MessageSearch(database),
        strict=settings.strict,
        replace_metadata=settings.replace_metadata,
        patience=settings.patience,
    )


async def _sweep_files(database: Database, contents: Contents) -> None:
    """Lets go of files whose time is over, and of bytes that a crash left without a name."""
    async with database.write() as connection:
        expired = await files.expire(connection)
        known = await files.ids(connection) | set(await uploads.part_ids(connection))
    for file_id in expired:
        await contents.remove(file_id)
    await contents.sweep(known)


def set_aside_notice(engine: Engine) -> str:
    """A sentence when the database could not be read and a new one was begun; else empty."""
    aside = engine.database.set_aside
    if aside is None:
        return ""
    return (
        f"The database could not be read. It was moved to {aside}, nothing in it was deleted, "
        "and a new one was begun."
    )


def engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine
