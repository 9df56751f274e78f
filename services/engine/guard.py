"""The outermost layer of ``understudy serve``: who may speak, and how much.

Pure ASGI on the raw scope, so that nothing an attacker writes into a URL or a header is parsed
before it is checked. The order is fixed, and all of it is before the request's body: Host (421),
Origin and Sec-Fetch-Site (403), bearer token (401), size (413). The first two are why a web page
in the user's browser cannot reach the engine, by DNS rebinding or by a form.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from services.engine.errors import ApiError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
LookedAt = dict[bytes, list[bytes]]

HEAD_LIMIT = 32 * 1024
"""Bytes of a request's line and headers."""
JSON_LIMIT = 32 * 1024 * 1024
"""Bytes of a body other than an upload: a thread may be created with hundreds of long messages."""
UPLOAD_LIMIT = 513 * 1024 * 1024
"""Bytes of a multipart body: the wire's 512 MB for a file, and the form around it."""

_HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_LOOKED_AT = (
    *(b"host", b"origin", b"sec-fetch-site"),
    *(b"authorization", b"content-type", b"content-length"),
)
_log = logging.getLogger(__name__)


class Guard:
    """Wraps ``app``.

    ``authorities`` are the values of ``Host`` that are this server (``127.0.0.1:8333``).
    ``own_address`` also allows the address that the connection came in on, for a server that
    listens on all of them: an address cannot be rebound as a name can.
    """

    def __init__(
        self,
        app: Application,
        *,
        token: str,
        authorities: Collection[str],
        own_address: bool = False,
        origins: Collection[str] = (),
        json_limit: int = JSON_LIMIT,
        upload_limit: int = UPLOAD_LIMIT,
    ) -> None:
        self._app = app
        self._token = _digest(token.encode())
        self._authorities = frozenset(authority.lower() for authority in authorities)
        self._own_address = own_address
        self._origins = frozenset(origin.encode() for origin in origins)
        self._json_limit = json_limit
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, _Answer(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = _looked_at(scope["headers"])
        refusal = self._wrong_host(scope, headers) or self._from_a_page(headers)
        if refusal is None and scope["path"] == "/healthz" and scope["method"] in {"GET", "HEAD"}:
            await answer.json(200, {"status": "ok"})
            return
        refusal = refusal or self._wrong_token(headers)
        limit = self._limit(headers)
        refusal = refusal or _head_too_large(scope) or _announced_too_large(headers, limit)
        if refusal is not None:
            await answer.error(refusal)
            return
        body = _CountedBody(receive, limit, answer)
        try:
            await self._app(scope, body.receive, answer.send)
        except Exception as error:
            # Only the kind and the place: an error's own words may quote the request.
            _log.error(
                "%s %s failed: %s\n%s",
                scope["method"],
                scope["path"],
                type(error).__name__,
                "".join(traceback.format_tb(error.__traceback__)),
            )
        if answer.started:
            return
        failure = ApiError("The server failed on this request; its log says where.", status=500)
        refusal = _too_large(limit) if answer.held else failure
        answer.held = False
        await answer.error(refusal)

    def _wrong_host(self, scope: Scope, headers: LookedAt) -> ApiError | None:
        hosts = headers[b"host"]
        if len(hosts) == 1:
            authority = hosts[0].decode("latin-1").lower()
            match = _HOST.fullmatch(authority)
            if match and authority in self._authorities:
                return None
            server = scope.get("server")
            if match and self._own_address and server:
                address = f"[{server[0]}]" if ":" in server[0] else server[0]
                port = int(match["port"] or 80)
                if (match["host"], port) == (address.lower(), server[1]):
                    return None
        return ApiError(
            "This server does not answer to the name in the Host header.",
            status=421,
            code="misdirected_request",
        )

    def _from_a_page(self, headers: LookedAt) -> ApiError | None:
        allowed = self._origins.issuperset(headers[b"origin"])
        if allowed and b"cross-site" not in headers[b"sec-fetch-site"]:
            return None
        return ApiError(
            "Requests from web pages are not allowed.", status=403, code="origin_not_allowed"
        )

    def _wrong_token(self, headers: LookedAt) -> ApiError | None:
        given = headers[b"authorization"]
        if not given:
            return ApiError(
                "You didn't provide an API key. Provide the token of this server as "
                "'Authorization: Bearer TOKEN'; the server named it when it started.",
                status=401,
                code="invalid_api_key",
            )
        scheme, _, token = given[0].partition(b" ")
        right = hmac.compare_digest(_digest(token.strip()), self._token)
        if right and len(given) == 1 and scheme.lower() == b"bearer":
            return None
        return ApiError(
            "Incorrect API key provided. The key is the token of this server; the server named "
            "it when it started.",
            status=401,
            code="invalid_api_key",
        )

    def _limit(self, headers: LookedAt) -> int:
        kinds = headers[b"content-type"]
        upload = bool(kinds) and kinds[0].lower().startswith(b"multipart/form-data")
        return self._upload_limit if upload else self._json_limit


class _Answer:
    """The way out: puts on every response what it must carry, and remembers whether it began."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._since = time.monotonic()
        self.started = False
        self.held = False  # the body is too large: nothing of the application's goes out

    async def send(self, message: Message) -> None:
        if self.held and not self.started:
            return
        if message["type"] == "http.response.start":
            self.started = True
            headers = list(message.get("headers", []))
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in self._own_headers() if pair[0] not in present]
            message = {**message, "headers": headers}
        await self._send(message)

    def _own_headers(self) -> Headers:
        return [
            (b"x-request-id", f"req_{secrets.token_hex(16)}".encode()),
            (b"openai-version", b"2020-10-01"),
            (b"openai-processing-ms", str(self._milliseconds()).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
        ]

    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._since) * 1000)

    async def error(self, error: ApiError) -> None:
        headers: Headers = []
        if error.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if error.status >= 500:
            headers.append((b"x-should-retry", b"false"))
        await self.json(error.status, error.envelope(), headers)

    async def json(self, status: int, content: Any, headers: Headers | None = None) -> None:
        body = json.dumps(content).encode()
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *(headers or []),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": head})
        # What a HEAD must not carry, the server leaves out.
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


class _CountedBody:
    """Counts what comes, as a length that was announced may be missing or wrong."""

    def __init__(self, receive: Receive, limit: int, answer: _Answer) -> None:
        self._receive = receive
        self._left = limit
        self._answer = answer

    async def receive(self) -> Message:
        if self._answer.held:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                # To the application it looks as if the client had left; the 413 follows when it
                # has come back.
                self._answer.held = True
                return {"type": "http.disconnect"}
        return message


def _head_too_large(scope: Scope) -> ApiError | None:
    # The server's own limit is only on heads that arrive in pieces.
    target = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
    lines = sum(len(name) + len(value) for name, value in scope["headers"])
    return head_too_large() if target + lines > HEAD_LIMIT else None


def head_too_large() -> ApiError:
    return ApiError(
        f"The head of the request is too large: at most {HEAD_LIMIT} bytes are accepted.",
        status=431,
    )


def _announced_too_large(headers: LookedAt, limit: int) -> ApiError | None:
    for value in headers[b"content-length"]:
        if not value.isdigit():
            return ApiError("The Content-Length header is not a number.", status=400)
        if len(value) > 18 or int(value) > limit:
            return _too_large(limit)
    return None


def _too_large(limit: int) -> ApiError:
    return ApiError(
        f"The request is too large: at most {limit} bytes are accepted.",
        status=413,
        code="request_too_large",
    )


def _looked_at(headers: Headers) -> LookedAt:
    """Every value of each header that decides here, in one pass over them all."""
    found: LookedAt = {name: [] for name in _LOOKED_AT}
    for key, value in headers:
        name = key.lower()
        if name in found:
            found[name].append(value)
    return found


def _digest(token: bytes) -> bytes:
    # Hashes, so that the comparison takes the same time whatever the lengths.
    return hashlib.sha256(token).digest()
