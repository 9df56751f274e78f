"""What a run can tell beyond the hosted API: what the model thought, and what it was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.engine.models.base import (
    Finished,
    ImageContent,
    ModelMessage,
    ModelRequest,
    ReasoningDelta,
    TextContent,
    TextDelta,
)
from services.engine.runs import request_log
from services.engine.store import model_requests
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.scripted import USAGE, calls, says

THOUGHT = "understudy.reasoning"
THINKING = [
    ReasoningDelta("Let me "),
    ReasoningDelta("see."),
    TextDelta("It is so."),
    Finished("stop", USAGE),
]


async def asked(wire: Wire, *, tools: Any = (), **query: Any) -> tuple[str, list[dict[str, Any]]]:
    """A streamed run: the path of its run, and the events as (name, data) objects."""
    assistant = await wire.assistant(tools=list(tools))
    thread = await wire.thread("Is it so?")
    stream = await wire.client.beta.threads.runs.create(
        thread.id, assistant_id=assistant.id, stream=True, extra_query=query
    )
    events = [{"event": event.event, "data": event.data} async for event in stream]
    run_id = events[0]["data"].id
    return f"/threads/{thread.id}/runs/{run_id}", events


# --- thinking ---------------------------------------------------------------------------------


async def test_thinking_is_streamed_to_those_who_ask(tmp_path: Path) -> None:
    async with open_wire(tmp_path, THINKING) as wire:
        _, events = await asked(wire, **{"include[]": THOUGHT})
        names = [each["event"] for each in events]
        thought = "thread.understudy.reasoning.delta"
        assert names.index(thought) < names.index("thread.message.created")
        deltas = [each["data"] for each in events if each["event"] == thought]
        assert "".join(each.delta["text"] for each in deltas) == "Let me see."


async def test_nobody_else_notices_that_a_model_thought(tmp_path: Path) -> None:
    async with open_wire(tmp_path, THINKING) as wire:
        path, events = await asked(wire)
        assert all("understudy" not in each["event"] for each in events)
        (step,) = (await wire.raw("GET", f"{path}/steps")).json()["data"]
        assert "understudy" not in step


async def test_thinking_is_kept_with_its_step(tmp_path: Path) -> None:
    async with open_wire(tmp_path, THINKING) as wire:
        path, _ = await asked(wire)
        (step,) = (await wire.raw("GET", f"{path}/steps?include[]={THOUGHT}")).json()["data"]
        assert step["understudy"] == {"reasoning": "Let me see."}
        one = await wire.raw("GET", f"{path}/steps/{step['id']}?include[]={THOUGHT}")
        assert one.json() == step


async def test_thinking_ahead_of_a_call_is_kept_with_the_call(tmp_path: Path) -> None:
    script = [ReasoningDelta("A look is needed."), *calls(("look", "{}"))]
    async with open_wire(tmp_path, script) as wire:
        path, _ = await asked(wire, tools=[LOOK])
        (step,) = (await wire.raw("GET", f"{path}/steps?include[]={THOUGHT}")).json()["data"]
        assert step["understudy"] == {"reasoning": "A look is needed."}


# --- requests ---------------------------------------------------------------------------------


def telling(text: str, *bodies: dict[str, Any]) -> Any:
    """A script that says what it sends, as a driver does."""

    def script(request: ModelRequest) -> Any:
        assert request.sent is not None
        for body in bodies or [{"model": request.model, "messages": [message_of(request)]}]:
            request.sent(body)
        return says(text)

    return script


def message_of(request: ModelRequest) -> dict[str, str]:
    return {"role": request.messages[-1].role, "content": request.messages[-1].text}


async def requests(wire: Wire, path: str) -> list[dict[str, Any]]:
    async def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await wire.raw("GET", f"{path}/requests")).json()["data"]
        return found

    return await until(listed)


async def test_the_request_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    async with open_wire(tmp_path, telling("Yes.")) as wire:
        path, _ = await asked(wire)
        (kept,) = await requests(wire, path)
        assert kept["body"] == {
            "model": "scripted",
            "messages": [{"role": "user", "content": "Is it so?"}],
        }
        assert (kept["number"], kept["model"], kept["endpoint"]) == (1, "scripted", "scripted")
        assert kept["usage"]["prompt_tokens"] == USAGE.prompt_tokens
        assert kept["seconds"] >= 0


async def test_a_request_that_was_refused_and_the_one_after_it_are_both_kept(
    tmp_path: Path,
) -> None:
    async with open_wire(tmp_path, telling("Yes.", {"top_p": 1}, {})) as wire:
        path, _ = await asked(wire)
        first, second = await requests(wire, path)
        assert (first["body"], first["usage"]) == ({"top_p": 1}, None)
        assert second["body"] == {}
        assert second["usage"] is not None


async def test_pictures_are_cut_short_and_very_large_requests_in_their_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "LARGEST_BODY", 2_000)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}
    many = [{"role": "user", "content": f"{number} {'x' * 200}"} for number in range(50)]
    script = telling("Yes.", {"messages": [{"content": [picture]}]}, {"messages": many})
    async with open_wire(tmp_path, script) as wire:
        path, _ = await asked(wire)
        first, second = await requests(wire, path)
        url = first["body"]["messages"][0]["content"][0]["image_url"]["url"]
        assert url.endswith("… (5,022 characters)")
        kept = second["body"]["messages"]
        assert (kept[0], kept[-1]) == (many[0], many[-1])
        assert any("left_out" in each for each in kept)


async def test_only_the_newest_requests_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_requests, "KEPT", 1)
    async with open_wire(tmp_path, telling("Yes.")) as wire:
        old, _ = await asked(wire)
        await requests(wire, old)
        new, _ = await asked(wire)
        await requests(wire, new)
        assert (await wire.raw("GET", f"{old}/requests")).json()["data"] == []


async def test_requests_go_with_their_thread(tmp_path: Path) -> None:
    async with open_wire(tmp_path, telling("Yes.")) as wire:
        path, _ = await asked(wire)
        await requests(wire, path)
        await wire.client.beta.threads.delete(path.split("/")[2])
        assert (await wire.raw("GET", f"{path}/requests")).status_code == 404


async def test_what_is_asked_in_rehearsal_is_told_too() -> None:
    from services.engine.models.rehearsal import Rehearsal

    bodies: list[Any] = []
    picture = ModelMessage("user", (TextContent("What is this?"), ImageContent("data:,")))
    request = ModelRequest("rehearsal", [picture], sent=bodies.append)
    _ = [event async for event in Rehearsal(pace=0).stream(request)]
    (body,) = bodies
    assert body["messages"][0]["content"][0] == {"type": "text", "text": "What is this?"}
