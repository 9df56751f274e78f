"""The guard in front of a served engine: who is let in, in which order, and what is said."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.engine.guard import Guard

TOKEN = "correct-horse-battery-staple-0123456789"
HOST = (b"host", b"127.0.0.1:8333")
BEARER = (b"authorization", f"Bearer {TOKEN}".encode())
GOOD = [HOST, BEARER]


@dataclass
class Inside:
    """The guarded application: reads its body, then answers with its length."""

    called: int = 0
    bodies_asked: int = 0
    body: bytes = b""
    error: Exception | None = None
    starts_first: bool = False
    answers: bool = True
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.called += 1
        if self.starts_first:
            await self.begin(send)
        if self.error:
            raise self.error
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the client left")
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        if not self.answers:
            return
        if not self.starts_first:
            await self.begin(send)
        await send({"type": "http.response.body", "body": b"fine", "more_body": False})

    async def begin(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})


@dataclass
class Outcome:
    status: int
    headers: dict[str, str]
    body: bytes
    body_was_asked_for: bool

    @property
    def error(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)["error"]
        assert set(content) == {"message", "type", "param", "code"}
        return content


async def ask(
    inside: Inside,
    headers: list[tuple[bytes, bytes]],
    *,
    method: str = "POST",
    path: str = "/v1/threads",
    body: tuple[bytes, ...] = (b"",),
    server: tuple[str, int] = ("127.0.0.1", 8333),
    **options: Any,
) -> Outcome:
    sent: list[Any] = []
    asked = False
    chunks = body_messages(body)

    async def receive() -> Any:
        nonlocal asked
        asked = True
        return await anext(chunks)

    async def send(message: Any) -> None:
        sent.append(message)

    options.setdefault("authorities", {"127.0.0.1:8333", "localhost:8333", "[::1]:8333"})
    guard = Guard(inside, token=TOKEN, **options)
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "server": server,
    }
    await guard(scope, receive, send)
    start, *rest = sent
    assert start["type"] == "http.response.start"
    return Outcome(
        start["status"],
        {name.decode().lower(): value.decode() for name, value in start["headers"]},
        b"".join(message["body"] for message in rest),
        asked,
    )


async def body_messages(body: tuple[bytes, ...]) -> AsyncIterator[Any]:
    for number, chunk in enumerate(body, start=1):
        yield {"type": "http.request", "body": chunk, "more_body": number < len(body)}
    while True:
        yield {"type": "http.disconnect"}


async def test_the_right_host_and_token_are_let_in() -> None:
    inside = Inside()
    outcome = await ask(inside, GOOD, body=(b"a", b"b"))
    assert (outcome.status, outcome.body, inside.body) == (200, b"fine", b"ab")


@pytest.mark.parametrize("host", [b"localhost:8333", b"LOCALHOST:8333", b"[::1]:8333"])
async def test_every_name_of_this_machine_is_this_server(host: bytes) -> None:
    assert (await ask(Inside(), [(b"host", host), BEARER])).status == 200


WRONG_HOSTS = [
    [],
    [HOST, HOST],
    [HOST, (b"host", b"evil.example")],
    *(
        [(b"host", host)]
        for host in (
            b"",
            b"evil.example",
            b"evil.example:8333",
            b"127.0.0.1",
            b"127.0.0.1:80",
            b"127.0.0.1:08333",
            b"127.0.0.1:8333.",
            b"127.0.0.1.evil.example:8333",
            b"localhost:8333@evil.example",
            b"localhost:8333 ",
            b"user@localhost:8333",
            b"localhost.:8333",
            b"[::1]:8333/x",
            b"::1:8333",
            b"[::ffff:127.0.0.1]:8333",
            b"127.1:8333",
            b"0.0.0.0:8333",
            "lоcalhost:8333".encode(),
        )
    ),
]


@pytest.mark.parametrize("hosts", WRONG_HOSTS, ids=str)
async def test_any_other_host_is_misdirected(hosts: list[tuple[bytes, bytes]]) -> None:
    inside = Inside()
    outcome = await ask(inside, [*hosts, BEARER])
    assert outcome.status == 421
    assert outcome.error["type"] == "invalid_request_error"
    assert inside.called == 0


@given(host=st.binary(max_size=40))
@example(host=b"127.0.0.1:8333\x00")
def test_no_other_bytes_are_this_host(host: bytes) -> None:
    known = {b"127.0.0.1:8333", b"localhost:8333", b"[::1]:8333"}
    outcome = asyncio.run(ask(Inside(), [(b"host", host), BEARER]))
    assert (outcome.status == 200) == (host.lower() in known)


async def test_a_server_on_all_addresses_answers_to_the_one_that_was_called() -> None:
    called = ("192.168.7.7", 8333)
    mine = [(b"host", b"192.168.7.7:8333"), BEARER]
    other = [(b"host", b"192.168.7.8:8333"), BEARER]
    name = [(b"host", b"rebound.example:8333"), BEARER]
    assert (await ask(Inside(), mine, server=called, own_address=True)).status == 200
    assert (await ask(Inside(), other, server=called, own_address=True)).status == 421
    assert (await ask(Inside(), name, server=called, own_address=True)).status == 421
    assert (await ask(Inside(), mine, server=called)).status == 421


async def test_a_server_on_all_addresses_knows_its_address_of_six_groups_too() -> None:
    mine = [(b"host", b"[2001:db8::7]:8333"), BEARER]
    outcome = await ask(Inside(), mine, server=("2001:db8::7", 8333), own_address=True)
    assert outcome.status == 200


@pytest.mark.parametrize(
    "header",
    [
        (b"origin", b"https://evil.example"),
        (b"origin", b"null"),
        (b"origin", b"http://127.0.0.1:8333"),
        (b"origin", b""),
        (b"sec-fetch-site", b"cross-site"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_web_page_is_refused_even_with_the_token(
    header: tuple[bytes, bytes], method: str
) -> None:
    inside = Inside()
    outcome = await ask(inside, [*GOOD, header], method=method)
    assert outcome.status == 403
    assert inside.called == 0
    assert not any(name.startswith("access-control") for name in outcome.headers)


async def test_a_listed_origin_is_let_in_and_one_beside_it_is_not() -> None:
    listed = (b"origin", b"https://mine.example")
    other = (b"origin", b"https://evil.example")
    origins = {"https://mine.example"}
    assert (await ask(Inside(), [*GOOD, listed], origins=origins)).status == 200
    assert (await ask(Inside(), [*GOOD, listed, other], origins=origins)).status == 403


WRONG_TOKENS = [
    [],
    [(b"authorization", b"")],
    [(b"authorization", TOKEN.encode())],
    [(b"authorization", b"Bearer")],
    [(b"authorization", b"Bearer ")],
    [(b"authorization", f"Basic {TOKEN}".encode())],
    [(b"authorization", f"Bearer {TOKEN[:-1]}".encode())],
    [(b"authorization", f"Bearer {TOKEN}x".encode())],
    [(b"authorization", f"Bearer {TOKEN.upper()}".encode())],
    [(b"authorization", b"Bearer \xff\x00")],
    [BEARER, (b"authorization", b"Bearer other")],
    [(b"cookie", f"token={TOKEN}".encode())],
    [(b"x-api-key", TOKEN.encode())],
]


@pytest.mark.parametrize("given_headers", WRONG_TOKENS, ids=str)
async def test_without_the_token_nothing_is_reached(
    given_headers: list[tuple[bytes, bytes]],
) -> None:
    inside = Inside()
    outcome = await ask(inside, [HOST, *given_headers], path=f"/v1/threads?key={TOKEN}")
    assert outcome.status == 401
    assert outcome.error["type"] == "invalid_request_error"
    assert outcome.error["code"] == "invalid_api_key"
    assert outcome.headers["www-authenticate"] == "Bearer"
    assert inside.called == 0


async def test_a_wrong_token_is_answered_as_the_hosted_api_words_it_and_not_echoed() -> None:
    outcome = await ask(Inside(), [HOST, (b"authorization", b"Bearer sk-somebodys-real-key")])
    assert outcome.error["message"].startswith("Incorrect API key provided.")
    assert b"somebodys" not in outcome.body


async def test_refusals_come_in_order_and_before_the_body_is_read() -> None:
    host = (b"host", b"evil.example")
    origin = (b"origin", b"https://evil.example")
    huge = (b"content-length", b"99999999999")
    expected = [
        ([host, origin, huge], 421),
        ([HOST, origin, huge], 403),
        ([HOST, huge], 401),
        ([*GOOD, huge], 413),
    ]
    for headers, status in expected:
        outcome = await ask(Inside(), headers)
        assert (outcome.status, outcome.body_was_asked_for) == (status, False)


async def test_health_needs_no_token_and_says_nothing() -> None:
    outcome = await ask(Inside(), [HOST], method="GET", path="/healthz")
    assert (outcome.status, json.loads(outcome.body)) == (200, {"status": "ok"})
    assert (await ask(Inside(), [HOST], method="POST", path="/healthz")).status == 401
    assert (await ask(Inside(), [HOST], method="GET", path="/healthz/")).status == 401
    assert (await ask(Inside(), [], method="GET", path="/healthz")).status == 421


# -- size ----------------------------------------------------------------------------------------


async def test_an_announced_size_over_the_limit_is_refused_at_once() -> None:
    inside = Inside()
    outcome = await ask(inside, [*GOOD, (b"content-length", b"11")], json_limit=10)
    assert (outcome.status, inside.called) == (413, 0)
    assert (await ask(Inside(), [*GOOD, (b"content-length", b"10")], json_limit=10)).status == 200


@pytest.mark.parametrize("length", [b"-1", b"ten", b"1e3", b"", b"9" * 5000])
async def test_a_length_that_is_no_number_is_refused(length: bytes) -> None:
    outcome = await ask(Inside(), [*GOOD, (b"content-length", length)])
    assert outcome.status == (413 if length.isdigit() else 400)


async def test_a_body_that_turns_out_too_large_is_refused_while_it_comes() -> None:
    inside = Inside()
    outcome = await ask(inside, GOOD, body=(b"x" * 6, b"x" * 6, b"x" * 6), json_limit=10)
    assert outcome.status == 413
    assert outcome.error["code"] == "request_too_large"
    assert len(inside.body) <= 10


async def test_a_body_of_exactly_the_limit_is_let_in() -> None:
    assert (await ask(Inside(), GOOD, body=(b"x" * 5, b"x" * 5), json_limit=10)).status == 200


async def test_an_upload_may_be_larger_than_json() -> None:
    upload = (b"content-type", b"multipart/form-data; boundary=x")
    sizes: dict[str, Any] = {"json_limit": 10, "upload_limit": 20}
    assert (await ask(Inside(), [*GOOD, upload], body=(b"x" * 20,), **sizes)).status == 200
    assert (await ask(Inside(), [*GOOD, upload], body=(b"x" * 21,), **sizes)).status == 413


# -- what every response carries ---------------------------------------------------------------


async def test_every_response_has_a_request_id_of_its_own() -> None:
    answers = [await ask(Inside(), headers) for headers in ([], [HOST], GOOD, GOOD)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(number.startswith("req_") for number in ids)
    assert len(set(ids)) == len(ids)
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}


async def test_every_answer_has_the_hosted_apis_version_and_the_time_it_took() -> None:
    for answer in [await ask(Inside(), headers) for headers in ([], GOOD)]:
        assert answer.headers["openai-version"] == "2020-10-01"
        assert 0 <= int(answer.headers["openai-processing-ms"]) < 60_000


async def test_the_applications_own_headers_are_kept() -> None:
    own = [(b"x-request-id", b"req_mine"), (b"Cache-Control", b"no-cache")]
    outcome = await ask(Inside(headers=own), GOOD)
    assert outcome.headers["x-request-id"] == "req_mine"
    assert outcome.headers["cache-control"] == "no-cache"


async def test_a_failure_is_an_envelope_that_is_not_retried_and_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inside = Inside(error=ValueError("the user's own words"))
    with caplog.at_level(logging.ERROR):
        outcome = await ask(inside, GOOD)
    assert outcome.status == 500
    assert outcome.error["type"] == "server_error"
    assert outcome.headers["x-should-retry"] == "false"
    assert "ValueError" in caplog.text
    for said in (caplog.text, outcome.body.decode()):
        assert "own words" not in said
        assert TOKEN not in said
    assert b"Traceback" not in outcome.body


async def test_a_failure_after_the_start_is_not_answered_twice() -> None:
    outcome = await ask(Inside(error=ValueError(), starts_first=True), GOOD)
    assert (outcome.status, outcome.body) == (200, b"")


async def test_an_application_that_never_answers_is_a_failure() -> None:
    assert (await ask(Inside(answers=False), GOOD)).status == 500


async def test_a_web_socket_is_closed_and_the_lifespan_passes() -> None:
    sent: list[Any] = []
    seen: list[Any] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing to receive")

    guard = Guard(inside, token=TOKEN, authorities=())
    await guard({"type": "websocket", "headers": GOOD}, receive, send)
    await guard({"type": "lifespan"}, receive, send)
    assert (sent, seen) == ([{"type": "websocket.close", "code": 1008}], ["lifespan"])
