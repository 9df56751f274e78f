"""Runs, over the wire: starting them, and finding the ones that are on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from services import reading
from services.connection.resources import threads_of
from services.connection.speaking import speaking
from services.functions.folder import FunctionsFolder
from services.local.thread_models import ThreadModels
from services.outgoing import PendingFile, message_body
from services.records import ACTIVE_STATUSES, Message, RunNotStarted, ServiceError
from services.session import RunSession

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class Runs:
    """One session a thread, for as long as its run is active."""

    def __init__(
        self,
        client: AsyncOpenAI,
        functions: FunctionsFolder,
        models: ThreadModels | None = None,
    ):
        """``models`` tells which threads asked for another model than their assistant's."""
        self._client = client
        self._threads = threads_of(client)
        self._functions = functions
        self._models = models
        self._sessions: dict[str, RunSession] = {}

    async def send(
        self, thread_id: str, assistant_id: str, text: str, files: Sequence[PendingFile] = ()
    ) -> RunSession:
        """Stores the user's message with its uploaded files, then starts the run that answers it.

        Raises ``ServiceError`` with nothing stored, if the thread is busy or the text is refused;
        ``RunNotStarted`` with the message in the thread, if only the run could not be started.
        """
        async with speaking("send the message"):
            stored = await self._threads.messages.create(
                thread_id, role="user", **message_body(text, files)
            )
        session = self._session(thread_id, assistant_id, reading.message(stored))
        try:
            await session.begin(**self._settings(thread_id))
        except ServiceError as error:
            raise RunNotStarted(
                f"{error.sentence} Your message is in the thread; run it again then.",
                status=error.status,
                code=error.code,
            ) from error
        self._sessions[thread_id] = session
        return session

    async def start(self, thread_id: str, assistant_id: str, instructions: str = "") -> RunSession:
        """Runs the thread again without a new message; raises ``ServiceError``.

        ``instructions`` come after the assistant's own, for this run alone.
        """
        session = self._session(thread_id, assistant_id)
        more = {"additional_instructions": instructions} if instructions else {}
        await session.begin(**self._settings(thread_id), **more)
        self._sessions[thread_id] = session
        return session

    def session(self, thread_id: str) -> RunSession | None:
        """The session of the thread's active run, if this app carries one."""
        session = self._sessions.get(thread_id)
        return session if session is not None and session.active else None

    async def resume(self, thread_id: str) -> RunSession | None:
        """Picks up a run that is active on the server: one that waited since before a restart, or
        that another process carries out. None if there is none; raises ``ServiceError``."""
        if (session := self.session(thread_id)) is not None:
            return session
        async with speaking("look for an active run"):
            listed = await self._threads.runs.list(thread_id, limit=1)
        newest = next(iter(listed.data), None)
        if newest is None or newest.status not in ACTIVE_STATUSES:
            return None
        session = self._session(thread_id, newest.assistant_id)
        self._sessions[thread_id] = session
        session.pick_up(newest)
        return session

    async def close(self) -> None:
        """Lets go of all sessions; waiting calls go on waiting on the server."""
        for session in self._sessions.values():
            await session.close()

    def _settings(self, thread_id: str) -> Mapping[str, str]:
        return self._models.settings(thread_id) if self._models is not None else {}

    def _session(
        self, thread_id: str, assistant_id: str, question: Message | None = None
    ) -> RunSession:
        return RunSession(self._client, self._functions, thread_id, assistant_id, question)
