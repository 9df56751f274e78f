"""What came over the wire, route by route, and the type that the SDK declares for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from openai.pagination import AsyncCursorPage, AsyncPage
from openai.types import (
    FileDeleted,
    FileObject,
    Model,
    Upload,
    VectorStore,
    VectorStoreDeleted,
    VectorStoreSearchResponse,
)
from openai.types.beta import (
    Assistant,
    AssistantDeleted,
    AssistantStreamEvent,
    Thread,
    ThreadDeleted,
)
from openai.types.beta.threads import Message, MessageDeleted, Run
from openai.types.beta.threads.runs import RunStep
from openai.types.shared import ErrorObject
from openai.types.uploads import UploadPart
from openai.types.vector_stores import (
    FileContentResponse,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileDeleted,
)
from starlette.routing import Mount, Route

from tests.wire.sdk_types import Difference, differences

# What each route answers, by the SDK. None: bytes.
_STORE = "/vector_stores/{vector_store_id}"
_BATCH = f"{_STORE}/file_batches/{{batch_id}}"
_RUN = "/threads/{thread_id}/runs/{run_id}"
_MESSAGE = "/threads/{thread_id}/messages/{message_id}"
ANSWERS: dict[tuple[str, str], Any] = {
    ("POST", "/assistants"): Assistant,
    ("GET", "/assistants"): AsyncCursorPage[Assistant],
    ("GET", "/assistants/{assistant_id}"): Assistant,
    ("POST", "/assistants/{assistant_id}"): Assistant,
    ("DELETE", "/assistants/{assistant_id}"): AssistantDeleted,
    ("POST", "/threads"): Thread,
    ("GET", "/threads"): AsyncCursorPage[Thread],
    ("GET", "/threads/{thread_id}"): Thread,
    ("POST", "/threads/{thread_id}"): Thread,
    ("DELETE", "/threads/{thread_id}"): ThreadDeleted,
    ("POST", "/threads/{thread_id}/messages"): Message,
    ("GET", "/threads/{thread_id}/messages"): AsyncCursorPage[Message],
    ("GET", _MESSAGE): Message,
    ("POST", _MESSAGE): Message,
    ("DELETE", _MESSAGE): MessageDeleted,
    ("POST", "/threads/runs"): Run,
    ("POST", "/threads/{thread_id}/runs"): Run,
    ("GET", "/threads/{thread_id}/runs"): AsyncCursorPage[Run],
    ("GET", _RUN): Run,
    ("POST", _RUN): Run,
    ("POST", f"{_RUN}/cancel"): Run,
    ("POST", f"{_RUN}/submit_tool_outputs"): Run,
    ("GET", f"{_RUN}/steps"): AsyncCursorPage[RunStep],
    ("GET", f"{_RUN}/steps/{{step_id}}"): RunStep,
    ("GET", "/models"): AsyncPage[Model],
    ("GET", "/models/{model:path}"): Model,
    ("POST", "/files"): FileObject,
    ("GET", "/files"): AsyncCursorPage[FileObject],
    ("GET", "/files/{file_id}"): FileObject,
    ("DELETE", "/files/{file_id}"): FileDeleted,
    ("GET", "/files/{file_id}/content"): None,
    ("POST", "/uploads"): Upload,
    ("POST", "/uploads/{upload_id}/parts"): UploadPart,
    ("POST", "/uploads/{upload_id}/complete"): Upload,
    ("POST", "/uploads/{upload_id}/cancel"): Upload,
    ("POST", "/vector_stores"): VectorStore,
    ("GET", "/vector_stores"): AsyncCursorPage[VectorStore],
    ("GET", _STORE): VectorStore,
    ("POST", _STORE): VectorStore,
    ("DELETE", _STORE): VectorStoreDeleted,
    ("POST", f"{_STORE}/search"): AsyncPage[VectorStoreSearchResponse],
    ("POST", f"{_STORE}/files"): VectorStoreFile,
    ("GET", f"{_STORE}/files"): AsyncCursorPage[VectorStoreFile],
    ("GET", f"{_STORE}/files/{{file_id}}"): VectorStoreFile,
    ("POST", f"{_STORE}/files/{{file_id}}"): VectorStoreFile,
    ("DELETE", f"{_STORE}/files/{{file_id}}"): VectorStoreFileDeleted,
    ("GET", f"{_STORE}/files/{{file_id}}/content"): AsyncPage[FileContentResponse],
    ("POST", f"{_STORE}/file_batches"): VectorStoreFileBatch,
    ("GET", _BATCH): VectorStoreFileBatch,
    ("POST", f"{_BATCH}/cancel"): VectorStoreFileBatch,
    ("GET", f"{_BATCH}/files"): AsyncCursorPage[VectorStoreFile],
}
# Beyond the hosted API: the SDK has no types for them.
OWN = {
    ("GET", "/threads/search"),
    ("POST", "/threads/{thread_id}/title"),
    ("GET", "/threads/{thread_id}/runs/{run_id}/requests"),
}


@dataclass
class Traffic:
    """What came over the wire: one line an answer, one an event of a stream."""

    app: Any
    answers: list[tuple[tuple[str, str], Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)

    async def keep(self, answer: httpx2.Response) -> None:
        await answer.aread()
        route = self._route(answer.request)
        if answer.status_code >= 400:
            self.errors.append(answer.json())
        elif answer.headers["content-type"].startswith("text/event-stream"):
            self.events += _events(answer.text)
        elif route in OWN:
            return
        elif ANSWERS[route] is None:
            assert answer.headers["content-type"] == "application/octet-stream"
            self.answers.append((route, None))
        else:
            self.answers.append((route, answer.json()))

    def _route(self, request: httpx2.Request) -> tuple[str, str]:
        path = request.url.path.removeprefix("/v1")
        for route in routes(self.app):
            if route.path_regex.match(path) and request.method in (route.methods or ()):
                return request.method, route.path
        raise AssertionError(f"no route for {request.method} {path}")

    def found(self) -> Iterator[Difference]:
        for route, value in self.answers:
            if ANSWERS[route] is not None:
                yield from differences(value, ANSWERS[route])
        for event in self.events:
            if event["event"] == "error":
                yield Difference("assistant_stream_event.ErrorEvent", "data", "wrapped")
                yield from differences(event["data"].pop("error"), ErrorObject)
                assert event["data"] == {}
            else:
                yield from differences(event, AssistantStreamEvent)
        for error in self.errors:
            assert set(error) == {"error"}
            yield from differences(error["error"], ErrorObject)

    def objects(self) -> Iterator[dict[str, Any]]:
        """Every JSON object that came, at any depth."""
        below: list[Any] = [*(value for _, value in self.answers), *self.events]
        while below:
            value = below.pop()
            if isinstance(value, dict):
                yield value
                below += value.values()
            elif isinstance(value, list):
                below += value

    def told(self, kind: str, key: str) -> set[str]:
        return {each[key] for each in self.objects() if each.get("object") == kind}


def routes(app: Any) -> list[Route]:
    (mount,) = app.routes
    assert isinstance(mount, Mount)
    return [route for route in mount.routes if isinstance(route, Route)]


def _events(text: str) -> list[dict[str, Any]]:
    events = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        name, data = (line.partition(": ")[2] for line in block.split("\n"))
        if name != "done":
            events.append({"event": name, "data": json.loads(data)})
    return events
