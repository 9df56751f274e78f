"""What every driver of an HTTP endpoint does alike: connect, list, ask, read the answer.

The official SDK makes the request, authenticates, and retries what was not answered yet. The
stream is decoded here: the SDK's own iteration costs many times as much per chunk and hides
failures (a clean end without a finish, a web page with status 200, invalid JSON or UTF-8).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from services.engine.models.answer_body import AnswerBody
from services.engine.models.base import ModelEntry, ModelError, ModelEvent, ModelRequest
from services.engine.models.capabilities import Capabilities, Remedy
from services.engine.models.endpoint_client import (
    RAW_STREAM,
    Timeouts,
    attempts_of,
    build_client,
    checked_key,
    checked_url,
    is_official,
)
from services.engine.models.failures import Endpoint, is_overflow, reason_in
from services.engine.models.listing import entries_in
from services.engine.models.server_sent import EventTooLarge, ServerSentDecoder

if TYPE_CHECKING:
    import httpx2
    from openai import APIStatusError, AsyncOpenAI

log = logging.getLogger(__name__)

_REFUSALS = (400, 404, 422, 500, 501)


class AnswerTurn(Protocol):
    """One answer of one API, read event by event."""

    @property
    def has_content(self) -> bool:
        """Whether the answer flows: an endpoint still at work on it may be silent for longer."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether the answer is whole, though its usage may follow."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read."""
        ...

    def read(self, data: str, name: str = "") -> list[ModelEvent]:
        """What one event, or a whole answer, says; raises ``ModelError`` for one reported."""
        ...

    def flush(self) -> list[ModelEvent]:
        """What was held back, of an answer that was cut off."""
        ...

    def finish(self, *, done: bool) -> list[ModelEvent]:
        """The end of the answer; ``done``: the endpoint said it was. Raises ``ModelError``."""
        ...


class EndpointModel(ABC):
    """A connected endpoint. ``retries`` counts attempts after the first, for what may pass."""

    PATH: ClassVar[str]
    REMEDIES: ClassVar[Sequence[Remedy]]

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeouts: Timeouts | None = None,
        retries: int = 2,
    ) -> None:
        """Raises ``ModelError`` when the address or the key cannot be one."""
        self._url = checked_url(base_url)
        self._key = checked_key(api_key)
        self._timeouts = timeouts or Timeouts()
        self._retries = retries
        self._endpoint = Endpoint(self._url, self._key)
        self._official = is_official(self._url)
        self._capabilities = Capabilities(self.REMEDIES)
        self._client: AsyncOpenAI | None = None
        self._building = asyncio.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.host!r})"

    @property
    def host(self) -> str:
        """Host and port of the endpoint, as sentences name it."""
        return self._endpoint.host

    @abstractmethod
    def _body(self, request: ModelRequest, refused: AbstractSet[str]) -> dict[str, Any]:
        """The body to post; ``refused`` names the remedies that are needed."""

    @abstractmethod
    def _turn(self, request: ModelRequest) -> AnswerTurn: ...

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See ``Model.stream``."""
        started = time.monotonic()
        turn = self._turn(request)
        async with AsyncExitStack() as stack:
            response = await self._answer(request, stack)
            body = await stack.enter_async_context(
                AnswerBody(response, self._endpoint, self._timeouts, started)
            )
            kind = await body.kind()
            if kind == "page":
                raise self._endpoint.web_page()
            if kind == "json":  # the whole answer at once, instead of a stream
                text = (await body.rest()).decode("utf-8", "replace").removeprefix("\ufeff")
                for event in [*turn.read(text), *turn.finish(done=True)]:
                    yield event
                return
            try:
                async with aclosing(self._events(turn, body)) as events:
                    async for event in events:
                        yield event
            except ModelError:
                for event in turn.flush():
                    yield event
                raise

    async def entries(self) -> Sequence[ModelEntry]:
        """See ``Model.entries``."""
        client = await self._connected()
        import httpx2
        from openai import APIConnectionError, APIStatusError

        try:
            async with asyncio.timeout(self._timeouts.listing):
                response = await client.get(
                    "/models",
                    cast_to=httpx2.Response,
                    options={"max_retries": min(self._retries, 1)},
                )
        except TimeoutError:
            raise self._endpoint.silent(self._timeouts.listing, began=False) from None
        except APIStatusError as error:
            raise self._refused(error, "") from None
        except (APIConnectionError, httpx2.HTTPError) as error:
            raise self._endpoint.unreachable(error) from None
        content_type = response.headers.get("content-type", "")
        if "html" in content_type or response.content.lstrip()[:1] == b"<":
            raise self._endpoint.web_page()
        try:
            return entries_in(json.loads(response.content), self.host)
        except (ValueError, RecursionError):
            raise ModelError(f"{self.host} sent a list of models that cannot be read.") from None

    async def aclose(self) -> None:
        """Closes every connection; a later call raises ``ModelError``."""
        self._closed = True
        async with self._building:
            client, self._client = self._client, None
        if client is not None:
            await client.close()

    # The request

    async def _answer(self, request: ModelRequest, stack: AsyncExitStack) -> httpx2.Response:
        """The response with its body unread, asked again for every field that is refused."""
        client = await self._connected()
        import httpx2
        from openai import APIConnectionError, APIStatusError

        while True:
            body = self._body(request, self._capabilities.of(request.model))
            if request.sent is not None:
                request.sent(body)
            try:
                async with asyncio.timeout(self._timeouts.first_byte):
                    # Not by the SDK's own method for this path, which walks over every message.
                    response = await client.post(
                        self.PATH,
                        cast_to=httpx2.Response,
                        body=body,
                        options={"headers": RAW_STREAM},
                    )
                stack.push_async_callback(response.aclose)
                return response
            except TimeoutError:
                limit = self._timeouts.first_byte
                raise self._endpoint.silent(limit, began=False) from None
            except APIStatusError as error:
                if self._learned(request.model, body, error):
                    continue
                raise self._refused(error, request.model) from None
            except (APIConnectionError, httpx2.HTTPError) as error:
                raise self._endpoint.unreachable(error, attempts=self._retries + 1) from None
            except ValueError as error:  # a name or description that is no Unicode text
                raise ModelError(
                    f"The request to {self.host} could not be written: {type(error).__name__}."
                ) from None

    def _learned(self, model: str, body: Mapping[str, Any], error: APIStatusError) -> bool:
        if error.status_code not in _REFUSALS:
            return False
        full = _body_of(error)
        complaint = " ".join(filter(None, (_parameter(full), reason_in(full))))[:2000]
        if is_overflow(full, complaint) or not self._capabilities.learn(model, body, complaint):
            return False
        log.info("%s refused a field for %s; asking without it", self.host, model)
        return True

    def _refused(self, error: APIStatusError, model: str) -> ModelError:
        headers = error.response.headers
        return self._endpoint.status(
            error.status_code,
            _body_of(error),
            model=model,
            content_type=headers.get("content-type", ""),
            location=headers.get("location"),
            attempts=attempts_of(error.response.request),
        )

    # The answer

    async def _events(self, turn: AnswerTurn, body: AnswerBody) -> AsyncGenerator[ModelEvent, None]:
        decoder = ServerSentDecoder()
        done = False
        chunk: bytes | None = body.head
        while not done:
            try:
                batch = decoder.close() if chunk is None else decoder.feed(chunk)
            except EventTooLarge:
                raise self._endpoint.too_large() from None
            for event in batch:
                if event.data.strip() == "[DONE]":
                    done = True
                    break
                for piece in turn.read(event.data, event.name):
                    yield piece
            if batch and turn.is_over:
                done = True
            if chunk is None or done:
                break
            if batch:
                body.heard()
            ended = turn.has_ended
            try:
                chunk = await body.next(has_content=turn.has_content, has_ended=ended)
            except ModelError:
                if ended:
                    break  # the answer is whole; only the usage is missing
                raise
        if done:
            await body.end()
        for piece in turn.finish(done=done):
            yield piece

    # The client

    async def _connected(self) -> AsyncOpenAI:
        async with self._building:
            if self._closed:
                raise ModelError(f"The connection to {self.host} is closed.")
            if self._client is None:
                # Importing the SDK and reading certificates would hold up the loop.
                self._client = await asyncio.to_thread(
                    build_client, self._url, self._key, self._timeouts, self._retries
                )
            return self._client


def _body_of(error: APIStatusError) -> object:
    return error.response.text if error.body is None else error.body


def _parameter(body: object) -> str:
    """The field an error object blames, which its sentence need not name."""
    value = body.get("param") if isinstance(body, Mapping) else None
    return value if isinstance(value, str) else ""
