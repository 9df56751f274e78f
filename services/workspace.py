"""The one door: everything the app does goes through a ``Workspace``.

Making one is cheap (no SDK, no engine, no network); ``open`` brings those, in a thread, after the
first paint.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from services.connection import embedded
from services.local.paths import Paths
from services.local.recent import Recent
from services.local.saving import Saving
from services.local.seen import Seen
from services.local.settings import LocalSettings, read_settings, write_setting
from services.local.thread_models import ThreadModels
from services.records import (
    AssistantDraft,
    BuiltinTool,
    ConnectionState,
    LocalFunction,
    ServiceError,
    Settings,
)
from services.writing import Writing

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from services.assistant_files import AssistantFiles
    from services.assistants import Assistants
    from services.citations import Sources
    from services.deletions import Deletions
    from services.exporting.threads import Exports
    from services.files import Files
    from services.functions.folder import FunctionsFolder
    from services.inspection import Inspection
    from services.pictures import Pictures
    from services.runs import Runs
    from services.threads import Threads
    from services.vector_stores import VectorStores

FIRST_ASSISTANT = "Understudy"
FIRST_INSTRUCTIONS = (
    "You are Understudy, a helpful assistant in a terminal. Answer briefly, in Markdown."
)


class Workspace:
    """Assistants, threads and runs of one connection, and what this machine knows besides.

    ``assistants``, ``threads``, ``runs``, ``files`` and the like are there once ``open`` returned;
    ``writing`` (drafts, history, files to attach), ``seen`` and ``recent`` are there at once.
    """

    assistants: Assistants
    assistant_files: AssistantFiles
    inspection: Inspection
    vector_stores: VectorStores
    threads: Threads
    runs: Runs
    files: Files
    deletions: Deletions
    exports: Exports
    sources: Sources
    pictures: Pictures
    _functions: FunctionsFolder

    def __init__(self, paths: Paths, local: LocalSettings):
        self._paths = paths
        self._local = local
        self._embedded = embedded.EmbeddedConnection(paths.data, local.model, paths.settings_file)
        self._client: AsyncOpenAI | None = None
        self.writing = Writing(paths.data, embedded.NAME)
        self.saving = Saving()
        self.recent = Recent(paths.data / "recent-commands.json")
        self.seen = Seen(paths.data / "seen.json")
        self.thread_models = ThreadModels(paths.data / "thread-models.json")
        self.settings: Settings = local.screen
        self.connection = ConnectionState(
            name=embedded.NAME,
            label="starting",
            ready=False,
            default_model=local.model.default or "",
        )

    @classmethod
    def at_home(cls, connection: str | None = None) -> Workspace:
        """The workspace of this user, from the environment and the settings file.

        Raises ``ServiceError`` for a connection that does not exist.
        """
        if connection not in (None, embedded.NAME):
            raise ServiceError(
                f"There is no connection named {connection!r}. The one there is: {embedded.NAME}."
            )
        paths = Paths.from_environment()
        return cls(paths, read_settings(paths.settings_file))

    @property
    def log_path(self) -> Path:
        return self._paths.log_file

    def record_crash(self, error: BaseException) -> Path | None:
        """Writes an error of our own to the log, keys masked and without the values of variables.

        The file it is in, or None when it could not be written.
        """
        from services.log import record_crash

        return record_crash(error, self._paths.log)

    async def open(self) -> ConnectionState:
        """Starts the engine and makes the first assistant; raises ``ServiceError``."""
        problem = await asyncio.to_thread(self._prepare_folders)
        client, state = await self._embedded.open()
        if problem:
            state = replace(state, note=f"{problem} {state.note}".rstrip())
        # Not above: the first paint does without them.
        from services.assistant_files import AssistantFiles
        from services.assistants import Assistants
        from services.citations import Sources
        from services.deletions import Deletions
        from services.exporting.threads import Exports
        from services.files import Files
        from services.functions.folder import FunctionsFolder
        from services.inspection import Inspection
        from services.pictures import Pictures
        from services.runs import Runs
        from services.threads import Threads
        from services.vector_stores import VectorStores

        self._functions = FunctionsFolder(self._paths.functions)
        self._client = client
        self.assistants = Assistants(client)
        self.threads = Threads(client)
        self.deletions = Deletions(self.threads)
        self.exports = Exports(client)
        self.runs = Runs(client, self._functions, self.thread_models)
        self.assistant_files = AssistantFiles(self.assistants)
        self.inspection = Inspection(client)
        self.vector_stores = VectorStores(client)
        await asyncio.to_thread(self.thread_models.load)
        self.files = Files(client)
        self.sources = Sources(client)
        self.pictures = Pictures(client)
        self.connection = state
        if not await self.assistants.list():
            await self._make_first_assistant()
        self.deletions.begin_sweep()
        return state

    async def close(self) -> None:
        """Lets go of everything; runs that are on their way are ended with their text kept."""
        await self.writing.close()
        await self.seen.save()
        await self.recent.save()
        if self._client is not None:
            await self.deletions.finish()
            await self.assistants.close()
            await self.runs.close()
        await self._embedded.close()
        self.connection = replace(self.connection, ready=False)

    async def models(self) -> tuple[str, ...]:
        """The names the endpoint lists, in order; raises ``ServiceError``."""
        from services.connection.speaking import speaking

        if self._client is None:
            return ()
        async with speaking("list the models"):
            listed = await self._client.models.list()
        return tuple(sorted(model.id for model in listed.data))

    async def local_functions(self) -> tuple[LocalFunction, ...]:
        """The functions in the user's folder, those with a problem among them.

        Raises ``ServiceError`` before the workspace is open.
        """
        if self._client is None:
            raise ServiceError("The functions folder cannot be read before the engine has started.")
        return await self._functions.functions()

    async def save_theme(self, name: str) -> None:
        """Keeps the theme for the next start; raises ``ServiceError``."""
        await asyncio.to_thread(write_setting, self._paths.settings_file, "theme", name)
        self.settings = replace(self.settings, theme=name, theme_chosen=True)

    def _prepare_folders(self) -> str:
        """Makes the folders that must be there; what is wrong with the others, in a sentence."""
        from services.functions.examples import install_examples

        problem = ""
        try:
            # First: it gives examples only to a user who has no functions folder yet.
            install_examples(self._paths.functions)
        except ServiceError as error:
            problem = error.sentence
        self._paths.create()
        return problem

    async def _make_first_assistant(self) -> None:
        """Somebody to talk to at once, with the example functions to try."""
        functions = await self._functions.functions()
        await self.assistants.create(
            AssistantDraft(
                name=FIRST_ASSISTANT,
                model=self.connection.default_model or "default",
                instructions=FIRST_INSTRUCTIONS,
                tools=(
                    # So that a file which is attached is read.
                    BuiltinTool("file_search"),
                    *(each.tool for each in functions if not each.problem),
                ),
            )
        )
