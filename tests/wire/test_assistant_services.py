"""Assistants as the services know them: every field, copies, files, deleting with a way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.assistant_files import AssistantFiles
from services.assistants import Assistants
from services.functions.folder import FunctionsFolder
from services.local.thread_models import ThreadModels
from services.records import Assistant, AssistantDraft, BuiltinTool, FunctionTool, ServiceError
from services.runs import Runs
from services.vector_stores import VectorStores
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire

SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
SEARCH = {"max_num_results": 4, "ranking_options": {"ranker": "auto", "score_threshold": 0.2}}


@pytest.fixture
def assistants(wire: Wire) -> Assistants:
    return Assistants(wire.client)


async def whole_draft(wire: Wire) -> AssistantDraft:
    """One with every field set."""
    store = await wire.client.vector_stores.create(name="Research")
    file = await wire.client.files.create(file=("a.csv", b"a,b\n"), purpose="assistants")
    return AssistantDraft(
        "Whole",
        "gpt-4o",
        "Be brief.",
        "For tests",
        (
            BuiltinTool("file_search", SEARCH),
            BuiltinTool("code_interpreter"),
            FunctionTool("look", "Looks.", {"type": "object", "properties": {}}, strict=False),
        ),
        temperature=0.3,
        top_p=0.9,
        reasoning_effort="low",
        response_format=SCHEMA,
        vector_store_ids=(store.id,),
        file_ids=(file.id,),
        metadata={"team": "red"},
    )


def as_draft(assistant: Assistant) -> AssistantDraft:
    return AssistantDraft(
        **{name: getattr(assistant, name) for name in AssistantDraft.__dataclass_fields__}
    )


async def test_every_field_goes_out_and_comes_back(wire: Wire, assistants: Assistants) -> None:
    draft = await whole_draft(wire)
    made = await assistants.create(draft)
    assert as_draft(made) == draft
    assert as_draft(await assistants.get(made.id)) == draft


async def test_an_update_sends_only_what_was_changed(wire: Wire, assistants: Assistants) -> None:
    before = await assistants.create(await whole_draft(wire))
    # Meanwhile another program changes a field that the form does not touch.
    await wire.client.beta.assistants.update(before.id, description="Changed elsewhere")
    draft = as_draft(before)
    changes: dict[str, Any] = {"instructions": "Be long.", "temperature": None}
    changed_draft = AssistantDraft(**{**_fields(draft), **changes})
    changed = await assistants.update(before.id, changed_draft, before)
    assert changed.instructions == "Be long."
    assert changed.temperature == 1.0, "a cleared one goes back to the wire's own"
    assert changed.description == "Changed elsewhere"
    assert changed.tools == before.tools
    assert (changed.vector_store_ids, changed.file_ids) == (
        before.vector_store_ids,
        before.file_ids,
    )


def _fields(draft: AssistantDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in AssistantDraft.__dataclass_fields__}


async def test_what_was_set_can_be_taken_away(wire: Wire, assistants: Assistants) -> None:
    before = await assistants.create(await whole_draft(wire))
    bare = AssistantDraft("Whole", "gpt-4o")
    changed = await assistants.update(before.id, bare, before)
    assert as_draft(changed) == AssistantDraft(
        "Whole", "gpt-4o", temperature=1.0, top_p=1.0, metadata={"team": ""}
    )
    again = await assistants.update(before.id, as_draft(changed), changed)
    assert again == changed


async def test_a_duplicate_has_every_field_and_a_name_of_its_own(
    wire: Wire, assistants: Assistants
) -> None:
    made = await assistants.create(await whole_draft(wire))
    copy = await assistants.duplicate(made.id)
    assert copy.id != made.id
    assert copy.name == "Whole (copy)"
    assert _fields(as_draft(copy)) | {"name": ""} == _fields(as_draft(made)) | {"name": ""}
    long = await assistants.create(AssistantDraft("n" * 256, "gpt-4o"))
    assert len((await assistants.duplicate(long.id)).name) == 256


# Deleting


async def ids(wire: Wire) -> set[str]:
    return {each.id async for each in wire.client.beta.assistants.list()}


async def test_a_deleted_assistant_comes_back_until_it_is_gone(
    wire: Wire, assistants: Assistants
) -> None:
    made = await assistants.create(AssistantDraft("Kept", "gpt-4o"))
    assistants.delete_later(made.id, failed=raises, seconds=600)
    assert await assistants.list() == ()
    assert made.id in await ids(wire)
    assert assistants.undelete(made.id)
    assert not assistants.undelete(made.id)
    assert await assistants.list() == (made,)
    assistants.delete_later(made.id, failed=raises, seconds=0)

    async def gone() -> bool:
        return made.id not in await ids(wire)

    await until(gone)
    assert not assistants.undelete(made.id)
    await assistants.close()


async def test_leaving_deletes_what_was_to_be_deleted(wire: Wire, assistants: Assistants) -> None:
    made = await assistants.create(AssistantDraft("Going", "gpt-4o"))
    assistants.delete_later(made.id, failed=raises, seconds=600)
    await assistants.close()
    assert made.id not in await ids(wire)


async def test_a_deletion_that_fails_is_told_and_the_assistant_is_there(
    assistants: Assistants,
) -> None:
    told: list[ServiceError] = []
    assistants.delete_later("asst_none", failed=told.append, seconds=0)
    (error,) = await until(lambda: told)
    assert "Could not delete the assistant" in error.sentence
    assert not assistants.undelete("asst_none")


def raises(error: ServiceError) -> None:
    raise error


# Files


async def test_an_exported_assistant_is_imported_as_it_was(
    wire: Wire, assistants: Assistants, tmp_path: Path
) -> None:
    made = await assistants.create(await whole_draft(wire))
    files = AssistantFiles(assistants)
    path = await files.write_out(made.id, tmp_path)
    assert path.name == "whole.assistant.json"
    assert json.loads(path.read_text()) == await assistants.whole(made.id)
    second = await files.write_out(made.id, tmp_path)
    assert second.name == "whole.assistant-2.json", "never over a file"
    report = await files.bring_in(path)
    assert (report.notes, report.failures) == ((), ())
    assert as_draft(report.made[0]) == as_draft(made)


async def test_all_assistants_go_into_one_file_and_come_back(
    assistants: Assistants, tmp_path: Path
) -> None:
    for number in range(103):
        await assistants.create(AssistantDraft(f"A {number}", "gpt-4o"))
    files = AssistantFiles(assistants)
    path = await files.write_out_all(tmp_path)
    report = await files.bring_in(path)
    assert {each.name for each in report.made} == {f"A {number}" for number in range(103)}


async def test_the_sdks_own_json_is_imported(
    wire: Wire, assistants: Assistants, tmp_path: Path
) -> None:
    await wire.assistant(name="From the SDK", tools=[LOOK, {"type": "file_search"}])
    page = await wire.client.beta.assistants.list()
    path = tmp_path / "page.json"
    path.write_text(page.model_dump_json())
    report = await AssistantFiles(assistants).bring_in(path)
    assert report.failures == ()
    assert [each.name for each in report.made] == ["From the SDK"]
    assert [type(tool) for tool in report.made[0].tools] == [FunctionTool, BuiltinTool]


async def test_files_of_another_server_are_left_out_and_said(
    assistants: Assistants, tmp_path: Path
) -> None:
    old = {
        "object": "assistant",
        "id": "asst_abc",
        "created_at": 1,
        "name": "Old",
        "model": "gpt-4-1106-preview",
        "tools": [{"type": "retrieval"}, {"type": "browser"}],
        "file_ids": ["file-1"],
    }
    hosted = {
        "object": "assistant",
        "name": "Hosted",
        "model": "gpt-4o",
        "tools": [{"type": "file_search"}],
        "tool_resources": {"file_search": {"vector_store_ids": ["vs_far"]}},
        "some_day": 1,
    }
    broken = {"object": "assistant", "name": "n" * 300, "model": "gpt-4o"}
    path = tmp_path / "three.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in (old, hosted, broken)))
    report = await AssistantFiles(assistants).bring_in(path)
    assert [each.name for each in report.made] == ["Old", "Hosted"]
    assert [tool for each in report.made for tool in each.tools] == [BuiltinTool("file_search")] * 2
    told = "\n".join(report.notes)
    for said in ("file-1", "retrieval", "browser", "vs_far", "some_day"):
        assert said in told
    (failure,) = report.failures
    assert "was not made" in failure


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "no valid JSON: line 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"object": "thread", "model": "x"}', "holds no assistant"),
        (b"[]", "holds no assistant"),
        (b"1\n2\n{", "no valid JSON"),
    ],
)
async def test_a_file_that_is_none_is_said(
    assistants: Assistants, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(ServiceError, match=sentence):
        await AssistantFiles(assistants).bring_in(path)
    with pytest.raises(ServiceError, match="cannot be read: No such file"):
        await AssistantFiles(assistants).bring_in(tmp_path / "none.json")


async def test_a_folder_that_cannot_be_written_is_said(
    assistants: Assistants, tmp_path: Path
) -> None:
    made = await assistants.create(AssistantDraft("../Odd/ name", "gpt-4o"))
    with pytest.raises(ServiceError, match="could not be written"):
        await AssistantFiles(assistants).write_out(made.id, tmp_path / "none")
    path = await AssistantFiles(assistants).write_out(made.id, tmp_path)
    assert path == tmp_path / "odd-name.assistant.json"


# What can be chosen from


async def test_vector_stores_are_listed_with_their_names(wire: Wire) -> None:
    made = await wire.client.vector_stores.create(name="Research")
    (listed,) = await VectorStores(wire.client).list()
    assert (listed.id, listed.name, listed.note) == (made.id, "Research", "0 files")


async def test_the_model_chosen_for_a_thread_is_asked_for(wire: Wire, tmp_path: Path) -> None:
    models = ThreadModels(tmp_path / "models.json")
    runs = Runs(wire.client, FunctionsFolder(tmp_path), models)
    assistant = await wire.assistant()
    thread = await wire.thread()
    await models.choose(thread.id, "another-model")
    session = await runs.send(thread.id, assistant.id, "Hello")
    assert session.run is None or session.run.active
    await until(lambda: not session.active)
    assert session.run is not None
    assert session.run.model == "another-model"
    await models.choose(thread.id, None)
    session = await runs.start(thread.id, assistant.id)
    await until(lambda: not session.active)
    assert session.run.model == "scripted"
    await runs.close()
