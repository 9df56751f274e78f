"""The bytes of an answer as they arrive: what kind they are, and how long to wait for them."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, closing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from services.engine.models.base import ModelError
from services.engine.models.deadline import Deadline
from services.engine.models.endpoint_client import Timeouts
from services.engine.models.failures import Endpoint

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)

_FAREWELL = 0.1  # seconds
_LARGEST_WHOLE = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"

Kind = Literal["events", "json", "page"]


class AnswerBody:
    """The body of one response, read once. Leaving the context closes the connection."""

    def __init__(
        self, response: httpx2.Response, endpoint: Endpoint, timeouts: Timeouts, started: float
    ) -> None:
        """``started`` is when the request was made, by ``time.monotonic``."""
        self._response = response
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._started = started
        self._heard = started
        self._stack = AsyncExitStack()
        self._chunks: AsyncIterator[bytes]
        self._deadline: Deadline
        self.head = b""

    async def __aenter__(self) -> Self:
        self._deadline = self._stack.enter_context(closing(Deadline()))
        chunks = aclosing(self._response.aiter_bytes())
        self._chunks = await self._stack.enter_async_context(chunks)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def kind(self) -> Kind:
        """Told from the first bytes, which are in ``head`` then; raises ``ModelError``."""
        limit = self._timeouts.first_byte
        while not (start := self.head.removeprefix(_BOM).lstrip()):
            left = self._started + limit - time.monotonic()
            chunk = await self._next(left, limit, began=False)
            if chunk is None:
                raise self._endpoint.unreadable()
            self.head += chunk
            if len(self.head) > _LARGEST_WHOLE:
                raise self._endpoint.too_large()
        if start[:1] in (b"{", b"["):
            return "json"
        html = "html" in self._response.headers.get("content-type", "")
        looks_like_events = re.match(rb"(data|event|id|retry)?:", start)
        return "page" if start[:1] == b"<" or (html and not looks_like_events) else "events"

    def heard(self) -> None:
        """An event came: keep-alives alone count as silence from now on."""
        self._heard = time.monotonic()

    async def next(self, *, has_content: bool, has_ended: bool) -> bytes | None:
        """The next bytes, None at the end; raises ``ModelError`` when none come in time.

        Before the first content the endpoint may still be at work on the prompt, and has the time
        of the first byte.
        """
        limits = self._timeouts
        if has_ended:
            return await self._next(limits.after_finish, limits.after_finish)
        idle = limits.idle if has_content else limits.first_byte
        event = limits.event if has_content else limits.first_byte
        left = self._heard + event - time.monotonic()
        if left < idle:
            return await self._next(left, event)
        return await self._next(idle, idle)

    async def end(self) -> None:
        """Reads on to the end of an answer that is whole, if that is near.

        Only a response read to its end leaves its connection to the next request.
        """
        with suppress(ModelError):
            while await self._next(_FAREWELL, _FAREWELL) is not None:
                pass

    async def rest(self) -> bytes:
        """All that there is, from the start."""
        pieces, size = [self.head], len(self.head)
        idle = self._timeouts.idle
        while (chunk := await self._next(idle, idle)) is not None:
            pieces.append(chunk)
            size += len(chunk)
            if size > _LARGEST_WHOLE:
                raise self._endpoint.too_large()
        return b"".join(pieces)

    async def _next(self, seconds: float, limit: float, *, began: bool = True) -> bytes | None:
        import httpx2

        try:
            return await self._deadline.within(seconds, anext(self._chunks))
        except StopAsyncIteration:
            return None
        except TimeoutError:
            raise self._endpoint.silent(limit, began=began) from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            log.info("the stream of %s broke off: %s", self._endpoint, type(error).__name__)
            raise self._endpoint.cut_off(began=began) from None
