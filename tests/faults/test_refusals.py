"""What happens when an endpoint refuses, redirects, or is not there (N10 to N18)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import pytest

from services.engine.models.base import ModelError
from services.engine.models.chat_completions import ChatCompletions, Timeouts
from tests.faults.conftest import KEY, Ask, asking, hear
from tests.faults.endpoint import (
    Endpoint,
    Stall,
    answer,
    endpoint,
    page,
    refusal,
    stream,
    whole,
)

Connect = Callable[..., ChatCompletions]


def unused_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def test_a_refused_key_is_not_tried_again_nor_repeated(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(401, f"Incorrect API key provided: {KEY}."))
    heard = await ask(retries=2)
    assert f"127.0.0.1:{fake.port} refused the API key (401)" in heard.complaint
    assert KEY not in heard.complaint
    assert len(fake.chats) == 1


async def test_a_missing_key_is_asked_for(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(401, "no key"))
    assert "asks for an API key, and none is set" in (await ask(key=None)).complaint
    assert "authorization" not in fake.chats[0].headers


async def test_the_key_in_an_endpoints_own_words_is_masked(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(403, f"{KEY} may not use this region, nor may sk-other-9876543210"))
    heard = await ask()
    assert "403" in heard.complaint
    assert "may not use this region" in heard.complaint
    assert KEY not in heard.complaint
    assert "9876543210" not in heard.complaint


async def test_the_key_is_in_no_repr_and_no_log(
    fake: Endpoint, connected: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.will(refusal(500, KEY), answer("Fine."))
    model = connected(fake.url, retries=1)
    assert (await hear(model)).text == "Fine."
    assert fake.chats[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(model)
    assert KEY not in caplog.text


async def test_an_unknown_model_is_named(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(404, "The model `test-model` does not exist"))
    heard = await ask(retries=2)
    assert "has no model “test-model” (404)" in heard.complaint
    assert len(fake.chats) == 1


async def test_a_wrong_route_is_told_from_an_unknown_model(fake: Endpoint, ask: Ask) -> None:
    fake.always(whole({"detail": "Not Found"}, 404))
    assert "the base URL may be wrong" in (await ask()).complaint


async def test_an_html_error_page_becomes_a_short_sentence(fake: Endpoint, ask: Ask) -> None:
    fake.always(page(502))
    heard = await ask()
    assert "answered 502 Bad Gateway with a web page, not the API" in heard.complaint
    assert "<" not in heard.complaint


async def test_a_long_error_body_is_cut(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(422, "because " * 500))
    assert len((await ask()).complaint) < 400


async def test_what_may_pass_is_tried_again(fake: Endpoint, ask: Ask) -> None:
    fake.will(refusal(500, "hiccup", retry_after_ms="1"))
    heard = await ask(retries=2)
    assert heard.text == "Hello there."
    assert len(fake.chats) == 2


async def test_attempts_are_limited_and_told(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(503, "overloaded", retry_after_ms="1"))
    heard = await ask(retries=2)
    assert "503 Service Unavailable after 3 attempts: overloaded" in heard.complaint
    assert len(fake.chats) == 3


async def test_a_rate_limit_that_stays_has_its_own_code(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(429, "slow down", retry_after_ms="1"))
    heard = await ask(retries=1)
    assert heard.error is not None
    assert heard.error.code == "rate_limit_exceeded"
    assert "slow down" in heard.complaint
    assert len(fake.chats) == 2


@pytest.mark.parametrize("wait", ["100", "Wed, 01 Jan 2070 00:00:00 GMT", "1e999"])
async def test_a_wait_longer_than_a_run_may_be_silent_is_not_waited(
    fake: Endpoint, ask: Ask, wait: str
) -> None:
    fake.always(refusal(429, "slow down", retry_after=wait))
    heard = await ask(retries=2)
    assert heard.error is not None
    assert heard.error.code == "rate_limit_exceeded"
    assert len(fake.chats) == 1


async def test_a_bad_request_is_not_repeated(fake: Endpoint, ask: Ask) -> None:
    fake.always(refusal(400, "messages: field required"))
    heard = await ask(retries=2)
    assert "400 Bad Request: messages: field required" in heard.complaint
    assert len(fake.chats) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too much", "code": "context_length_exceeded"}},
        {"error": {"message": "This model's maximum context length is 4096 tokens, max_tokens"}},
        {"error": {"message": "the request exceeds the available context size", "n_ctx": 9}},
        {"detail": [{"loc": ["body"], "msg": "prompt is too long"}]},
    ],
)
async def test_a_prompt_that_does_not_fit_has_its_own_code(
    fake: Endpoint, ask: Ask, body: object
) -> None:
    fake.always(whole(body, 400))
    heard = await ask(asking(max_tokens=50))
    assert heard.error is not None
    assert heard.error.code == "invalid_prompt"
    assert "too long for the model “test-model”" in heard.complaint
    assert len(fake.chats) == 1


async def test_a_redirect_is_not_followed_with_the_key(fake: Endpoint, ask: Ask) -> None:
    async with endpoint() as other:
        fake.always(whole({}, 307, Location=f"{other.url}/chat/completions"))
        heard = await ask()
        assert f"redirects to 127.0.0.1:{other.port}" in heard.complaint
        assert other.requests == []


async def test_nobody_listening_is_told_with_what_to_do(connected: Connect) -> None:
    port = unused_port()
    heard = await hear(connected(f"http://127.0.0.1:{port}/v1"))
    assert f"Nothing answers at 127.0.0.1:{port} (connection refused)" in heard.complaint
    assert "is the model server running?" in heard.complaint


async def test_an_unknown_host_is_told(connected: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    heard = await hear(connected("http://nowhere.invalid/v1"))
    assert "nowhere.invalid could not be found" in heard.complaint


async def test_speaking_tls_to_a_plain_server_fails_closed(connected: Connect) -> None:
    heard_in_clear: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard_in_clear.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        heard = await hear(connected(f"https://127.0.0.1:{port}/v1"))
    assert "No safe connection" in heard.complaint
    assert KEY.encode() not in b"".join(heard_in_clear)


async def test_nothing_from_the_environment_reaches_another_endpoint(
    fake: Endpoint, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer environment\nX-Mine: yes")
    await hear(connected(fake.url, key=None))
    sent = fake.chats[0].headers
    assert "authorization" not in sent
    assert "environment" not in str(sent)
    assert "x-mine" not in sent


async def test_loopback_is_never_reached_through_a_proxy(
    fake: Endpoint, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    assert (await hear(connected(fake.url))).text == "Hello there."


@pytest.mark.parametrize(
    "url",
    ["", "localhost:11434/v1", "ftp://host/v1", "http://", "http://host:port/v1", "http://a b/"],
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ModelError, match="begins with http:// or https://"):
        ChatCompletions(url, None)


def test_a_key_that_is_none_is_refused_without_repeating_it() -> None:
    with pytest.raises(ModelError) as refused:
        ChatCompletions("http://127.0.0.1:1/v1", "sk-12345678\nsk–dash")
    assert "12345678" not in refused.value.message


async def test_credentials_in_the_address_are_in_no_sentence(connected: Connect) -> None:
    heard = await hear(connected(f"http://me:hidden@127.0.0.1:{unused_port()}/v1", key=None))
    assert "hidden" not in heard.complaint


async def test_credentials_in_the_address_are_used(fake: Endpoint, connected: Connect) -> None:
    model = connected(fake.url.replace("http://", "http://me:hidden@"), key=None)
    assert (await hear(model)).text == "Hello there."
    assert fake.chats[0].headers["authorization"] == "Basic bWU6aGlkZGVu"


async def test_the_full_address_of_the_route_is_understood(
    fake: Endpoint, connected: Connect
) -> None:
    model = connected(f"{fake.url}/chat/completions/")
    assert (await hear(model)).text == "Hello there."


# The list of models


async def test_models_are_listed(fake: Endpoint, connected: Connect) -> None:
    fake.lists({"data": [{"id": "a", "created": 5, "owned_by": "me"}, {"id": "b"}]})
    entries = await connected(fake.url).entries()
    assert [(entry.id, entry.created, entry.owned_by) for entry in entries] == [
        ("a", 5, "me"),
        ("b", 0, f"127.0.0.1:{fake.port}"),
    ]


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"models": [{"name": "a:latest"}, {"model": "b"}]}, ["a:latest", "b"]),
        (["a", "b", "a"], ["a", "b"]),
        ({"data": {"a": {}, "b": {}}}, ["a", "b"]),
        ({"data": None}, []),
        ({"data": [None, {}, {"id": 5}, {"id": "a", "created": "2024", "owned_by": 3}]}, ["a"]),
    ],
)
async def test_odd_lists_are_understood(
    fake: Endpoint, connected: Connect, body: object, ids: list[str]
) -> None:
    fake.lists(body)
    assert [entry.id for entry in await connected(fake.url).entries()] == ids


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (page(200), "a web page, not the API"),
        (whole({"hello": "there"}), "cannot be read"),
        (whole(5), "cannot be read"),
        (refusal(401, "no"), "refused the API key"),
        (refusal(404, "no"), "has no list of models"),
        (refusal(500, "broken"), "500 Internal Server Error: broken"),
    ],
)
async def test_a_list_that_cannot_be_had_is_a_sentence(
    fake: Endpoint, connected: Connect, reply: object, sentence: str
) -> None:
    fake.lists(reply)
    with pytest.raises(ModelError, match=sentence):
        await connected(fake.url).entries()


async def test_the_list_has_a_time_limit(fake: Endpoint, connected: Connect) -> None:
    fake.lists(stream(Stall()))
    with pytest.raises(ModelError, match="sent nothing for 0.1 seconds"):
        await connected(fake.url, timeouts=Timeouts(listing=0.1)).entries()
