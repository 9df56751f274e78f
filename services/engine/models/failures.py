"""What went wrong at an endpoint, as one sentence: what, where, and what to do.

No key and no markup of an error page gets into a sentence, and of an endpoint's own words at most
300 characters.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlsplit

from services.engine.models.base import ModelError

LONGEST_QUOTE = 300
Code = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context|context (length|window|size)"
    r"|exceeds? the (available|model's) context|(prompt|input|request) is too (long|large)"
    r"|too many (input )?tokens|reduce the length",
    re.IGNORECASE,
)
_KEY_LIKE = re.compile(r"\b(sk|gsk|xai|hf|r8)[-_][A-Za-z0-9_*.\-]{8,}")
_TAG = re.compile(r"<[^<>]*>")
_OTHER_API = re.compile(
    r"only supported in v1/|supported (in|with|by) the (v1/\w+|responses|chat completions)"
    r" (api|endpoint)|not a chat model",
    re.IGNORECASE,
)


class RouteMissing(ModelError):
    """Nothing answers at this path; ``model_only`` when that is so for this model alone."""

    def __init__(self, message: str, *, model_only: bool = False):
        super().__init__(message)
        self.model_only = model_only


class Endpoint:
    """Names an endpoint in sentences; knows its key only in order to keep it out of them."""

    def __init__(self, base_url: str, key: str) -> None:
        parts = urlsplit(base_url)
        self.host = parts.netloc.rpartition("@")[2] or base_url
        self._key = key

    def __str__(self) -> str:
        return self.host

    def __repr__(self) -> str:
        return f"Endpoint({self.host!r})"

    # While an answer streams

    def cut_off(self, *, began: bool = True) -> ModelError:
        if not began:
            return ModelError(f"The connection to {self.host} ended before an answer began.")
        return ModelError(
            f"The connection to {self.host} ended before the answer was complete; "
            "what came so far is kept."
        )

    def silent(self, seconds: float, *, began: bool) -> ModelError:
        kept = "; what came so far is kept" if began else ""
        return ModelError(f"{self.host} sent nothing for {_duration(seconds)}{kept}.")

    def unreadable(self) -> ModelError:
        return ModelError(
            f"{self.host} sent nothing that can be read as an answer "
            "(is the base URL that of an OpenAI-compatible API?)."
        )

    def web_page(self) -> ModelError:
        return ModelError(
            f"{self.host} answered with a web page, not the API "
            "(wrong base URL or a captive portal?)."
        )

    def too_large(self) -> ModelError:
        return ModelError(f"{self.host} sent a single event too large to read; it was cut off.")

    def reported(self, error: object) -> ModelError:
        """An error object inside an answer that had begun."""
        text = self.quote(reason_in(error)) or "no reason given"
        return ModelError(f"{self.host} reported an error: {text}", code_for(None, error, text))

    # Before an answer began

    def status(
        self,
        status: int,
        body: object,
        *,
        model: str,
        content_type: str = "",
        location: str | None = None,
        attempts: int = 1,
    ) -> ModelError:
        """A status that is not success. ``body`` is parsed JSON, else text."""
        raw = reason_in(body)
        page = is_page(raw, content_type)
        text = "" if page else self.quote(raw)
        said = f": {text}" if text else "."
        tries = f" after {attempts} attempts" if attempts > 1 else ""
        answered = f"{self.host} answered {_status_name(status)}{tries}"
        code = code_for(status, body, text)
        if 300 <= status < 400:
            target = urlsplit(location or "").netloc.rpartition("@")[2] or "another address"
            return ModelError(
                f"{self.host} redirects to {self.quote(target)}, and the key is not sent there; "
                "if you trust it, use its address as the model URL."
            )
        if status == 401 or (status == 403 and not text):
            if not self._key:
                return ModelError(f"{self.host} asks for an API key, and none is set ({status}).")
            return ModelError(
                f"{self.host} refused the API key ({status}); check the key of this connection."
            )
        if status == 403:
            return ModelError(f"{self.host} refused the request or its API key (403){said}")
        if page:
            said = f"{answered} with a web page, not the API."
            return RouteMissing(said) if status in (404, 405) else ModelError(said, code)
        if status == 404 and not model:
            return ModelError(f"{self.host} has no list of models at this address (404){said}")
        if status in (400, 404) and _OTHER_API.search(raw):
            return RouteMissing(
                f"{self.host} does not offer the model “{self.quote(model)}” over this API "
                f"({status}){said}",
                model_only=True,
            )
        if status == 404:
            if text and re.search(r"model|engine|deployment", raw, re.IGNORECASE):
                return ModelError(f"{self.host} has no model “{self.quote(model)}” (404){said}")
            return RouteMissing(
                f"{answered} for the model “{self.quote(model)}”; the base URL may be wrong "
                f"(most end in /v1){said}"
            )
        if status == 405:
            return RouteMissing(f"{answered}{said}")
        if code == "invalid_prompt":
            return ModelError(
                f"The conversation is too long for the model “{self.quote(model)}” at "
                f"{self.host}{said}",
                code,
            )
        return ModelError(f"{answered}{said}", code)

    def unreachable(self, error: BaseException, *, attempts: int = 1) -> ModelError:
        """No answer at all: refused, not found, not trusted, too slow."""
        tries = f" after {attempts} attempts" if attempts > 1 else ""
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLError):
                reason = getattr(cause, "verify_message", "") or cause.reason or "TLS failed"
                return ModelError(
                    f"No safe connection to {self.host}: {self.quote(str(reason))}. If its "
                    "certificate is from your own authority, set SSL_CERT_FILE."
                )
            if isinstance(cause, socket.gaierror):
                return ModelError(
                    f"{self.host} could not be found; check the model URL and the network."
                )
            if isinstance(cause, ConnectionRefusedError):
                return ModelError(
                    f"Nothing answers at {self.host} (connection refused{tries}); "
                    "is the model server running?"
                )
        text = " ".join(f"{cause}" for cause in _causes(error))
        if re.search(r"name or service|nodename|getaddrinfo|name resolution", text, re.I):
            return ModelError(
                f"{self.host} could not be found; check the model URL and the network."
            )
        if "certificate" in text.lower() or "[ssl" in text.lower():
            return ModelError(
                f"No safe connection to {self.host}: its certificate could not be verified. If it "
                "is from your own authority, set SSL_CERT_FILE."
            )
        if re.search(r"all connection attempts failed|refused", text, re.I):
            return ModelError(
                f"Nothing answers at {self.host} (connection refused{tries}); "
                "is the model server running?"
            )
        if re.search(r"timed out|timeout", text + type(error).__name__, re.I):
            return ModelError(
                f"{self.host} could not be reached in time{tries}; check the model URL and the "
                "network."
            )
        return ModelError(
            f"The connection to {self.host} failed before an answer came{tries}; "
            "check that the model server is running."
        )

    def quote(self, text: str) -> str:
        """An endpoint's own words, without markup, without the key, cut."""
        text = text[:20_000]  # a body may be of any length
        if self._key:  # a short one may be part of any word
            key = re.escape(self._key)
            text = re.sub(key if len(self._key) > 7 else rf"(?<!\w){key}(?!\w)", "***", text)
        text = _KEY_LIKE.sub("***", text)
        text = " ".join(_TAG.sub(" ", text).split())
        return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def reason_in(body: object) -> str:
    """The human sentence in an error body, however it is nested."""
    if isinstance(body, str):
        stripped = body.strip()
        if stripped[:1] in ("{", "["):
            try:
                return reason_in(json.loads(stripped)) or stripped
            except (ValueError, RecursionError):
                return stripped
        return stripped
    if isinstance(body, Mapping):
        for key in ("message", "error", "detail", "msg", "error_description", "title"):
            value = body.get(key)
            found = reason_in(value) if value else ""
            if found:
                where = body.get("loc")  # validation errors name the field beside the message
                if key == "msg" and isinstance(where, list):
                    found = f"{'.'.join(map(str, where))}: {found}"
                return found
        code = body.get("code") or body.get("type")
        return str(code) if code and not isinstance(code, Mapping | list) else ""
    if isinstance(body, list):
        return "; ".join(filter(None, map(reason_in, body[:5])))
    return ""


def code_for(status: int | None, body: object, text: str) -> Code:
    """The run's error code for a status (None: inside a stream) and what was said with it."""
    if status == 413 or (status in (None, 400, 422, 500) and is_overflow(body, text)):
        return "invalid_prompt"
    if status == 429 or (status is None and "rate_limit" in _codes(body)):
        return "rate_limit_exceeded"
    return "server_error"


def is_overflow(body: object, text: str) -> bool:
    """Whether the complaint is that the prompt does not fit the model's context."""
    return bool(_OVERFLOW.search(f"{_codes(body)} {text}"))


def is_page(text: str, content_type: str) -> bool:
    start = text.lstrip()[:200].lower()
    return "html" in content_type.lower() or start.startswith(("<!doctype", "<html", "<head"))


def _codes(body: object) -> str:
    if not isinstance(body, Mapping):
        return ""
    inner = body.get("error")
    own = " ".join(str(body.get(key, "")) for key in ("code", "type"))
    return f"{own} {_codes(inner)}"


def _status_name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _duration(seconds: float) -> str:
    return f"{seconds:g} seconds" if seconds != 1 else "1 second"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, its causes, and the members of exception groups among them."""
    todo: list[BaseException] = [error]
    seen: set[int] = set()
    while todo:
        each = todo.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        group: Any = getattr(each, "exceptions", ())
        todo.extend(group)
        todo.extend(cause for cause in (each.__cause__, each.__context__) if cause is not None)
