"""What our own engine tells beyond v2 to who asks, and others refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Answer = TypeVar("Answer")

REASONING = "understudy.reasoning"

_known: WeakKeyDictionary[AsyncOpenAI, Extras] = WeakKeyDictionary()


def extras_of(client: AsyncOpenAI) -> Extras:
    """What this client's server is asked for; one for all who use the client."""
    extras = _known.get(client)
    if extras is None:
        extras = _known[client] = Extras()
    return extras


class Extras:
    """Asks for the model's thoughts until the server says that it knows no such thing."""

    def __init__(self) -> None:
        self._understood = True

    def query(self) -> dict[str, object]:
        """What to add to the query of a request for runs or steps."""
        return {"include": [REASONING]} if self._understood else {}

    async def asking(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """Sends the request, and again without the extras if these are what is wrong with it."""
        from openai import BadRequestError

        try:
            return await request()
        except BadRequestError as error:
            if not self._understood or "include" not in f"{error.param} {error.message}":
                raise
            self._understood = False
        return await request()
