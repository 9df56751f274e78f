"""Exports over the wire: everything of a thread, into a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.exporting.threads import Exports
from services.records import FileThere, ServiceError
from services.threads import Threads
from tests.wire.conftest import LOOK, Wire
from tests.wire.scripted import calls, says

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


async def a_talk(wire: Wire) -> str:
    """A thread with a picture, an attachment, a function call and an answer."""
    picture = await wire.client.files.create(file=("a.png", PNG), purpose="vision")
    file = await wire.client.files.create(file=("notes.txt", b"otters"), purpose="assistants")
    wire.model.scripts = [calls(("look", '{"at": "x"}')), says("I **saw** it.")]
    assistant = await wire.assistant(name="Research", tools=[LOOK])
    thread = await wire.client.beta.threads.create(
        metadata={"title": "A talk", "mine": "kept"},
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look at this"},
                    {"type": "image_file", "image_file": {"file_id": picture.id}},
                ],
                "attachments": [{"file_id": file.id, "tools": [{"type": "file_search"}]}],
            }
        ],
    )
    runs = wire.client.beta.threads.runs
    run = await runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
    )
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    await runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "I see x."}],
        poll_interval_ms=10,
    )
    return thread.id


async def test_markdown_has_messages_calls_and_usage(wire: Wire, tmp_path: Path) -> None:
    thread = await Threads(wire.client).get(await a_talk(wire))
    exports = Exports(wire.client, tmp_path)
    name = exports.name_for(thread.title, "markdown")
    assert name == "A talk.md"
    path = await exports.thread(thread, name, "markdown")
    told = path.read_text(encoding="utf-8")
    for part in (
        "# A talk", "Look at this", "Image: a.png", "Attached: notes.txt", "### Tool: look",
        '{"at": "x"}', "I see x.", "## Research", "I **saw** it.", "tokens in",
    ):  # fmt: skip
        assert part in told
    assert told.index("Look at this") < told.index("### Tool: look") < told.index("I **saw**")
    assert exports.name_for(thread.title, "markdown") == "A talk (2).md"


async def test_json_is_what_the_server_says(wire: Wire, tmp_path: Path) -> None:
    thread = await Threads(wire.client).get(await a_talk(wire))
    path = await Exports(wire.client, tmp_path).thread(thread, "x.json", "json")
    read = json.loads(path.read_text())
    assert read["thread"] == (await wire.raw("GET", f"/threads/{thread.id}")).json()
    listed = (await wire.raw("GET", f"/threads/{thread.id}/messages?order=asc")).json()
    assert read["messages"] == listed["data"]
    (run,) = (await wire.raw("GET", f"/threads/{thread.id}/runs")).json()["data"]
    assert read["runs"] == [run]
    steps = (await wire.raw("GET", f"/threads/{thread.id}/runs/{run['id']}/steps?order=asc")).json()
    assert read["run_steps"] == {run["id"]: steps["data"]}
    assert {each["filename"] for each in read["files"]} == {"a.png", "notes.txt"}


async def test_html_carries_its_pictures(wire: Wire, tmp_path: Path) -> None:
    thread = await Threads(wire.client).get(await a_talk(wire))
    path = await Exports(wire.client, tmp_path).thread(thread, "x.html", "html")
    page = path.read_text(encoding="utf-8")
    assert '<img src="data:image/png;base64,' in page
    assert "<strong>saw</strong>" in page


async def test_a_long_thread_is_exported_whole(wire: Wire, tmp_path: Path) -> None:
    made = await wire.thread(*(f"message {number}." for number in range(250)))
    thread = await Threads(wire.client).get(made.id)
    path = await Exports(wire.client, tmp_path).thread(thread, "x.md", "markdown")
    told = path.read_text()
    places = [told.index(f"message {number}.") for number in range(250)]
    assert places == sorted(places)


async def test_what_was_deleted_does_not_stop_an_export(wire: Wire, tmp_path: Path) -> None:
    thread = await Threads(wire.client).get(await a_talk(wire))
    for file in (await wire.client.files.list()).data:
        await wire.client.files.delete(file.id)
    for assistant in (await wire.client.beta.assistants.list()).data:
        await wire.client.beta.assistants.delete(assistant.id)
    path = await Exports(wire.client, tmp_path).thread(thread, "x.html", "html")
    assert "Look at this" in path.read_text(encoding="utf-8")


async def test_a_file_that_is_there_stays(wire: Wire, tmp_path: Path) -> None:
    made = await wire.thread("hello")
    thread = await Threads(wire.client).get(made.id)
    exports = Exports(wire.client, tmp_path)
    (tmp_path / "x.md").write_text("mine")
    with pytest.raises(FileThere):
        await exports.thread(thread, "x.md", "markdown")
    assert (tmp_path / "x.md").read_text() == "mine"
    with pytest.raises(ServiceError, match="cannot be found"):
        await exports.thread(thread, "~nobody-of-that-name/x.md", "markdown")
