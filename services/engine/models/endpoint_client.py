"""The SDK's client for one endpoint: what it may send, and how long it may wait."""

from __future__ import annotations

import email.utils
import ipaddress
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.engine.models.base import ModelError

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

_OFFICIAL = "api.openai.com"
# The SDK adds headers of its own and from the environment (OPENAI_ORG_ID, OPENAI_CUSTOM_HEADERS)
# that are meant for OpenAI: another endpoint gets none of them, but the one by which the SDK
# itself knows afterwards that the response was wanted raw.
_OWN_HEADERS = frozenset(
    (
        *("accept", "accept-encoding", "authorization", "connection", "content-length"),
        *("content-type", "host", "transfer-encoding", "user-agent", "x-stainless-raw-response"),
    )
)
_OFFICIAL_HEADERS = frozenset(("openai-organization", "openai-project"))
ATTEMPT = "understudy.attempt"
# With this header among a request's own, the SDK hands out the response with its body unread.
RAW_STREAM = {"X-Stainless-Raw-Response": "stream"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds.

    ``connect``: to reach the endpoint; ``first_byte``: from the request, attempts included, to the
    first byte, and then to the first content; ``idle``: without a single byte once content came;
    ``event``: without an event, when only keep-alives come; ``after_finish``: for the usage that
    may follow the finish reason; ``listing``: for the list of models; ``longest_wait``: what a
    ``Retry-After`` may ask for (there are two retries).
    """

    connect: float = 10.0
    first_byte: float = 300.0
    idle: float = 60.0
    event: float = 300.0
    after_finish: float = 5.0
    listing: float = 15.0
    longest_wait: float = 30.0


def checked_url(base_url: str) -> str:
    """A base URL without its trailing slash; raises ``ModelError`` when it cannot be one."""
    url = base_url.strip().rstrip("/")
    url = url.removesuffix("/chat/completions").removesuffix("/responses")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises when it is not a number
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise ModelError(
            "The model URL is not one: it begins with http:// or https:// and usually ends in /v1, "
            "like http://127.0.0.1:11434/v1."
        )
    return url


def checked_key(key: str | None) -> str:
    """The key without blanks around it, "" for none; raises ``ModelError`` when unusable."""
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelError(
            "The API key holds characters that no key has (a line break, a typographic dash?); "
            "enter it again."
        )
    return key


def is_official(url: str) -> bool:
    """Whether this is OpenAI's own endpoint."""
    return urlsplit(url).hostname == _OFFICIAL


def build_client(url: str, key: str, timeouts: Timeouts, retries: int) -> AsyncOpenAI:
    """Imports the SDK and reads the certificates, so it belongs in a thread."""
    import httpx2
    from openai import AsyncOpenAI

    kept = _OWN_HEADERS | (_OFFICIAL_HEADERS if is_official(url) else frozenset())

    in_address = "@" in urlsplit(url).netloc  # the HTTP client makes these a Basic header

    async def own_headers(request: httpx2.Request) -> None:
        request.extensions[ATTEMPT] = request.headers.get("x-stainless-retry-count", "0")
        for name in {name.lower() for name in request.headers}:
            if name not in kept:
                del request.headers[name]
        request.headers["user-agent"] = "understudy"
        if key:
            request.headers["authorization"] = f"Bearer {key}"
        elif not in_address:
            request.headers.pop("authorization", None)

    async def bounded_wait(response: httpx2.Response) -> None:
        # The SDK would wait up to two minutes, twice; a run is not to be silent for so long.
        wait = _retry_after(response.headers)
        if response.status_code >= 400 and wait > timeouts.longest_wait:
            response.headers["x-should-retry"] = "false"

    # Only connecting has its limit here; the driver times the rest, and a wait for a slow answer
    # must not be retried, which the SDK does after any timeout of its own.
    limits = httpx2.Timeout(None, connect=timeouts.connect)
    client = httpx2.AsyncClient(
        follow_redirects=False,  # the key must not travel to another origin
        timeout=limits,
        limits=httpx2.Limits(max_connections=64, max_keepalive_connections=8),
        mounts={"http://": None, "https://": None, "all://": None} if _is_local(url) else None,
        event_hooks={"request": [own_headers], "response": [bounded_wait]},
    )
    return AsyncOpenAI(
        base_url=url,
        api_key=key or "none",
        admin_api_key="",
        max_retries=retries,
        timeout=limits,
        http_client=client,
    )


def attempts_of(request: httpx2.Request) -> int:
    """How many times this request was sent, the first included."""
    count = str(request.extensions.get(ATTEMPT, "0"))
    return int(count) + 1 if count.isdigit() else 1


def _is_local(url: str) -> bool:
    """Loopback is never reached through a proxy."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _retry_after(headers: httpx2.Headers) -> float:
    """Seconds that the endpoint asks to wait; 0 when it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            seconds = float(value) * unit
            return seconds if math.isfinite(seconds) else math.inf
        except ValueError:
            parsed = email.utils.parsedate_tz(value)
            if parsed is not None:
                return max(0.0, email.utils.mktime_tz(parsed) - time.time())
    return 0.0
