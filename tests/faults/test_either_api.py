"""Which of the two APIs an endpoint is asked over."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from services.engine.models.chat_completions import ChatCompletions
from services.engine.models.connect import Driver, connect
from services.engine.models.either_api import EitherApi
from services.engine.models.responses import Responses
from services.engine.models.structured import StructuredModel
from tests.faults.conftest import KEY, QUICK, asking, hear
from tests.faults.endpoint import Endpoint, Reply, Request, answer, page, refusal, whole
from tests.faults.responses_replies import greeting

Either = Callable[..., EitherApi]


def by_path(request: Request) -> Reply:
    return greeting() if request.path.endswith("/responses") else answer("Hello ", "there.")


@pytest.fixture
async def either() -> AsyncIterator[Either]:
    made: list[EitherApi] = []

    def build(url: str, *, responses_first: bool = False) -> EitherApi:
        chat = ChatCompletions(url, KEY, timeouts=QUICK, retries=0)
        responses = Responses(url, KEY, timeouts=QUICK, retries=0)
        pair = (responses, chat) if responses_first else (chat, responses)
        made.append(EitherApi(*pair))
        return made[-1]

    yield build
    for model in made:
        await model.aclose()


@pytest.mark.parametrize("responses_first", [False, True])
async def test_an_endpoint_without_the_first_is_asked_over_the_other_from_then_on(
    fake: Endpoint, either: Either, responses_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    missing, there = "/chat/completions", "/responses"
    if responses_first:
        missing, there = there, missing
    fake.paths = {there}
    fake.always(by_path)
    model = either(fake.url, responses_first=responses_first)
    assert (await hear(model)).text == "Hello there."
    assert f"has no {missing}" in caplog.text
    assert (await hear(model)).text == "Hello there."
    another = replace(asking(), model="another")
    assert (await hear(model, another)).text == "Hello there."
    assert (len(fake.posts(missing)), len(fake.posts(there))) == (1, 3)


@pytest.mark.parametrize(
    "reply",
    [whole({"detail": "Not Found"}, 404), refusal(405, "Method Not Allowed"), page(404)],
    ids=["404", "405", "page"],
)
async def test_every_way_to_have_no_such_path_is_understood(
    fake: Endpoint, either: Either, reply: Reply
) -> None:
    fake.paths = {"/chat/completions", "/responses"}
    fake.will(reply, greeting())
    assert (await hear(either(fake.url))).text == "Hello there."


async def test_an_endpoint_that_has_the_first_is_never_asked_over_the_other(
    fake: Endpoint, either: Either
) -> None:
    fake.paths = {"/chat/completions", "/responses"}
    model = either(fake.url)
    assert (await hear(model)).text == "Hello there."
    fake.will(refusal(500, "hiccup"), refusal(404, "The model `test-model` does not exist"))
    assert "hiccup" in (await hear(model)).complaint
    assert "has no model" in (await hear(model)).complaint
    assert fake.posts("/responses") == []


async def test_an_unknown_model_is_not_a_missing_path(fake: Endpoint, either: Either) -> None:
    fake.paths = {"/chat/completions", "/responses"}
    fake.always(refusal(404, "model 'test-model' not found"))
    assert "has no model" in (await hear(either(fake.url))).complaint
    assert fake.posts("/responses") == []


async def test_with_neither_the_first_complaint_is_told_and_nothing_is_remembered(
    fake: Endpoint, either: Either
) -> None:
    fake.paths = {"/elsewhere"}
    model = either(fake.url)
    assert "the base URL may be wrong" in (await hear(model)).complaint
    fake.paths = {"/chat/completions"}
    assert (await hear(model)).text == "Hello there."


async def test_a_model_offered_over_the_other_alone_does_not_move_the_rest(
    fake: Endpoint, either: Either
) -> None:
    def picky(request: Request) -> Reply:
        if request.path.endswith("/responses") or request.body["model"] != "test-model":
            return by_path(request)
        return refusal(
            404, "This model is only supported in v1/responses and not in v1/chat/completions."
        )

    fake.paths = {"/chat/completions", "/responses"}
    fake.always(picky)
    model = either(fake.url)
    assert (await hear(model)).text == "Hello there."
    assert (await hear(model)).text == "Hello there."
    assert (len(fake.chats), len(fake.posts("/responses"))) == (1, 2)
    assert (await hear(model, replace(asking(), model="another"))).text == "Hello there."
    assert (len(fake.chats), len(fake.posts("/responses"))) == (2, 2)


@pytest.mark.parametrize(
    ("driver", "paths"),
    [
        ("chat", ["/v1/chat/completions"]),
        ("responses", ["/v1/responses"]),
        ("auto", ["/v1/chat/completions", "/v1/responses"]),
    ],
)
async def test_the_settings_choose(fake: Endpoint, driver: Driver, paths: list[str]) -> None:
    fake.paths = {"/nothing"}
    connected = connect(fake.url, None, None, driver=driver, timeouts=QUICK)
    assert (await hear(connected.model)).complaint
    assert [request.path for request in fake.requests] == paths
    assert connected.label == f"127.0.0.1:{fake.port}"
    await connected.model.aclose()


async def test_openai_is_asked_over_responses_first_and_its_answers_are_not_held_back() -> None:
    connected = connect("https://api.openai.com/v1", KEY, None)
    assert repr(connected.model).startswith("EitherApi(Responses(")
    await connected.model.aclose()
    elsewhere = connect("http://127.0.0.1:1/v1", KEY, None)
    assert isinstance(elsewhere.model, StructuredModel)
    assert repr(elsewhere.model.inner).startswith("EitherApi(ChatCompletions(")
    await elsewhere.model.aclose()
