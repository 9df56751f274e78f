"""Which model answers for a stored name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from services.engine.models.base import ModelEntry, ModelError, ModelEvent, ModelRequest
from services.engine.models.catalogue import Catalogue, is_chat_model
from services.engine.models.connect import connect
from services.engine.models.rehearsal import Rehearsal
from services.engine.models.structured import StructuredModel


class Listing:
    """An endpoint that only lists; ``names`` None: it cannot be asked."""

    def __init__(self, *names: str, fails: bool = False) -> None:
        self.names = names
        self.fails = fails
        self.asked = 0

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        raise NotImplementedError

    async def entries(self) -> Sequence[ModelEntry]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ModelError("host cannot be asked.")
        return [ModelEntry(name, 0, "host") for name in self.names]

    async def aclose(self) -> None:
        raise NotImplementedError


async def test_an_alias_wins_over_everything() -> None:
    catalogue = Catalogue(Listing("gpt-4o"), default_model="b", aliases={"gpt-4o": "llama3.3"})
    resolved = await catalogue.resolve("gpt-4o")
    assert resolved.name == "llama3.3"
    assert "alias" in resolved.reason


async def test_a_listed_model_is_used_as_it_is() -> None:
    listing = Listing("a", "gpt-4o")
    assert (await Catalogue(listing, default_model="a").resolve("gpt-4o")).name == "gpt-4o"


@pytest.mark.parametrize(
    ("listed", "name"),
    [("llama3.2:latest", "llama3.2"), ("Qwen/Qwen3", "qwen/qwen3"), ("models/gemini", "gemini")],
)
async def test_a_listed_model_is_known_by_its_short_name(listed: str, name: str) -> None:
    assert (await Catalogue(Listing("other", listed)).resolve(name)).name == listed


async def test_an_unknown_model_becomes_the_default_and_says_so() -> None:
    resolved = await Catalogue(Listing("a", "b"), default_model="b").resolve("gpt-4o")
    assert resolved.name == "b"
    assert resolved.reason == "the endpoint lists no gpt-4o; this is the default model"


async def test_without_a_default_the_first_chat_model_answers() -> None:
    listing = Listing("nomic-embed-text", "whisper-1", "llama3.3", "b")
    assert (await Catalogue(listing).resolve("gpt-4o")).name == "llama3.3"


async def test_a_list_without_chat_models_leaves_the_name() -> None:
    assert (await Catalogue(Listing("whisper-1")).resolve("gpt-4o")).name == "gpt-4o"


@pytest.mark.parametrize(("default", "name"), [(None, "gpt-4o"), ("b", "b")])
async def test_a_list_that_cannot_be_had_does_not_fail_the_run(
    default: str | None, name: str
) -> None:
    listing = Listing(fails=True)
    catalogue = Catalogue(listing, default_model=default)
    resolved = await catalogue.resolve("gpt-4o")
    assert resolved.name == name
    assert "host cannot be asked" in resolved.reason
    await catalogue.resolve("gpt-4o")
    assert listing.asked == 1, "a failure is remembered, not waited for again"
    with pytest.raises(ModelError, match="cannot be asked"):
        await catalogue.entries()


async def test_the_list_is_asked_for_once_in_a_while() -> None:
    listing = Listing("a")
    catalogue = Catalogue(listing)
    await asyncio.gather(*(catalogue.resolve("a") for _ in range(5)))
    assert listing.asked == 1
    impatient = Catalogue(listing, keep=0)
    await impatient.resolve("a")
    listing.names = ("b",)
    assert (await impatient.resolve("x")).name == "b"


async def test_the_default_itself_needs_no_list() -> None:
    listing = Listing("a")
    assert (await Catalogue(listing, default_model="b").resolve("b")).name == "b"
    assert listing.asked == 0


@pytest.mark.parametrize(
    ("name", "chats"),
    [
        ("gpt-4o", True),
        ("qwen2.5-7b-instruct-1m", True),
        ("eclipse-9b", True),
        ("text-embedding-3-small", False),
        ("bge-m3", False),
        ("tts-1-hd", False),
        ("dall-e-3", False),
        ("omni-moderation-latest", False),
        ("gpt-3.5-turbo-instruct", False),
    ],
)
def test_chat_models_are_told_by_their_names(name: str, chats: bool) -> None:
    assert is_chat_model(name) is chats


# Connecting


@pytest.mark.parametrize("url", [None, "", "  "])
async def test_without_an_address_the_rehearsal_answers_for_every_name(url: str | None) -> None:
    connected = connect(url, None, None)
    assert isinstance(connected.model, Rehearsal)
    assert connected.label == "rehearsal"
    assert (await connected.catalogue.resolve("gpt-4o")).name == "rehearsal"


async def test_an_address_connects_an_endpoint_under_its_host() -> None:
    connected = connect("http://127.0.0.1:11434/v1/", "key", "llama3.3", {"gpt-4o": "qwen3"})
    assert isinstance(connected.model, StructuredModel)
    assert connected.label == "127.0.0.1:11434"
    assert (await connected.catalogue.resolve("gpt-4o")).name == "qwen3"
    await connected.model.aclose()


def test_an_address_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ModelError, match="model URL"):
        connect("localhost", None, None)
