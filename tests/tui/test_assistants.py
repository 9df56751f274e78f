from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from services.inspection import ThreadFigures
from services.records import Assistant, ImportReport, ServiceError, Usage
from tests.tui.fake_workspace import FakeWorkspace, a_request
from tests.tui.support import Driver, focused_id, running, threads
from tui.screens.dialogs import LineScreen
from tui.screens.picker import Pick, PickScreen, ranked
from tui.screens.stopwatch import Stopwatch
from tui.widgets.row_list import RowList

# Choosing a model


def rows(driver: Driver) -> list[str]:
    """What a picker offers."""
    return [row.text for row in driver.app.screen.query_one(RowList).rows]


async def pick_model(driver: Driver, typed: str) -> None:
    await driver.pilot.press("alt+o")
    await driver.until(lambda: isinstance(driver.app.screen, PickScreen), "the models")
    await driver.until(lambda: "at the endpoint" in driver.drawn(), "they are listed")
    await driver.pilot.press(*typed)
    await driver.until(lambda: rows(driver), "one fits")
    await driver.pilot.press("enter")
    await driver.until(lambda: len(driver.app.screen_stack) == 1, "it is chosen")


async def test_a_model_is_chosen_for_one_thread_and_given_back() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await pick_model(driver, "qwn3")
        await driver.until(lambda: "qwen3 in this thread" in driver.drawn(), "the header")
        assert workspace.thread_models.settings("thread_1") == {"model": "qwen3"}
        await driver.open("thread_2")
        await driver.until(lambda: driver.screen.header.model == "llama3.3", "the other's own")
        await driver.open("thread_1")
        await driver.until(lambda: "qwen3" in driver.screen.header.model, "it is remembered")
        await pick_model(driver, "assistant's own")
        await driver.until(lambda: driver.screen.header.model == "llama3.3", "the assistant's own")
        assert workspace.thread_models.settings("thread_1") == {}


async def test_a_model_chosen_before_the_first_message_stays_with_its_thread() -> None:
    async with running() as driver:
        await pick_model(driver, "mistral")
        await driver.say("hello")
        assert driver.thread_id is not None
        assert driver.workspace.thread_models.of(driver.thread_id) == "mistral-small"
        assert driver.workspace.thread_models.of(None) is None
        assert "mistral-small in this thread" in driver.screen.header.model


async def test_a_choice_that_cannot_be_kept_is_said_and_holds() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    async with running(workspace) as driver:
        workspace.thread_models._file = Path("/dev/null/thread-models.json")
        await driver.open("thread_1")
        await pick_model(driver, "qwen3")
        await driver.until(driver.said, "a sentence")
        assert "could not be kept" in driver.said()[-1]
        assert "qwen3" in driver.screen.header.model


async def test_three_thousand_models_are_no_burden() -> None:
    workspace = FakeWorkspace()
    workspace.offered = tuple(f"maker-{n % 50}/model-{n}-instruct" for n in range(3000))
    async with running(workspace) as driver:
        await driver.pilot.press("alt+o")
        await driver.until(lambda: len(rows(driver)) == 3001, "all of them")
        assert len(driver.app.screen.query("*")) < 20
        assert "3,000 models" in driver.drawn()
        await driver.pilot.press(*"model-2999-")
        await driver.until(lambda: "maker-49/model-2999-instruct" in rows(driver)[0], "the one")
        await driver.pilot.press("enter")
        await driver.until(lambda: "model-2999" in driver.screen.header.model, "it is chosen")


async def test_without_a_list_a_name_can_be_typed() -> None:
    workspace = FakeWorkspace(threads=threads(1))

    async def refused() -> tuple[str, ...]:
        raise ServiceError("The endpoint cannot be asked.")

    workspace.models = refused  # type: ignore[method-assign]
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("alt+o")
        await driver.until(lambda: "cannot be asked" in driver.drawn(), "the sentence")
        await driver.pilot.press(*"my/own", "enter")
        await driver.until(lambda: "my/own" in driver.screen.header.model, "it is taken")


def test_the_best_fit_comes_first_and_the_rest_of_the_name_decides_ties() -> None:
    picks = [Pick(name, name) for name in ("gpt-4o-mini", "gpt-4o", "llama", "my-gpt-4-other")]
    assert [pick.name for pick in ranked(picks, "gpt4o")][:2] == ["gpt-4o", "gpt-4o-mini"]
    assert [pick.name for pick in ranked(picks, "")] == [pick.name for pick in picks]
    assert ranked(picks, "zzz") == []


# Switching


async def test_the_assistant_is_switched_by_some_letters_of_its_name() -> None:
    async with running() as driver:
        await driver.pilot.press("alt+w")
        await driver.until(lambda: isinstance(driver.app.screen, PickScreen), "the assistants")
        await driver.pilot.press(*"analy")
        await driver.until(lambda: len(rows(driver)) == 1, "one fits")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.screen.header.assistant == "Data analyst", "it answers")
        await driver.pilot.press("alt+w")
        await driver.until(lambda: isinstance(driver.app.screen, PickScreen), "again")
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "gone back")
        assert driver.screen.header.assistant == "Data analyst"


@pytest.mark.parametrize("size", [(40, 16), (80, 24)])
async def test_the_picker_fits_a_small_terminal(size: tuple[int, int]) -> None:
    async with running(size=size) as driver:
        await driver.pilot.press("alt+o")
        await driver.until(lambda: "qwen3" in driver.drawn(), "the models")
        assert "Enter chooses" in driver.drawn()


# Deleting


async def in_the_list(driver: Driver) -> None:
    await driver.pilot.press("alt+a")
    await driver.until(lambda: focused_id(driver.app) == "assistants", "the list")


async def test_a_deleted_assistant_is_brought_back_as_it_was() -> None:
    async with running() as driver:
        await in_the_list(driver)
        await driver.pilot.press("delete")
        await driver.until(lambda: driver.screen.header.assistant == "Data analyst", "the next")
        assert "Deleted: Research Assistant. u in the list" in driver.said()[-1]
        assert [row.key for row in driver.screen.assistant_list.rows] == ["asst_2"]
        await driver.pilot.press("u")
        await driver.until(lambda: len(driver.screen.assistant_list.rows) == 2, "back again")
        assert driver.screen.assistant_list.cursor_key == "asst_1"
        assert driver.workspace.assistants.going == {}


async def test_what_is_deleted_for_good_cannot_be_brought_back() -> None:
    workspace = FakeWorkspace()
    async with running(workspace) as driver:
        await in_the_list(driver)
        await driver.pilot.press("delete")
        await driver.until(lambda: workspace.assistants.going, "it is on its way")
        workspace.assistants.too_late = True
        await driver.pilot.press("u")
        await driver.until(lambda: "no deleted assistant" in driver.said()[-1], "a sentence")


async def test_a_deletion_that_the_server_refuses_is_said_and_undone() -> None:
    workspace = FakeWorkspace()
    async with running(workspace) as driver:
        await in_the_list(driver)
        await driver.pilot.press("delete")
        await driver.until(lambda: workspace.assistants.going, "it is on its way")
        workspace.assistants.refuse_deletion("asst_1", ServiceError("It is in use."))
        await driver.until(lambda: len(driver.screen.assistant_list.rows) == 2, "it is there")
        assert "It is in use." in driver.said()


# Copies and files


async def test_an_assistant_is_duplicated() -> None:
    async with running() as driver:
        await in_the_list(driver)
        await driver.pilot.press("d")
        await driver.until(lambda: len(driver.screen.assistant_list.rows) == 3, "the copy")
        assert "Made Research Assistant (copy)" in driver.said()[-1]
        assert driver.screen.assistant_list.cursor_key == "asst_3"
        assert driver.screen.header.assistant == "Research Assistant"


async def test_an_assistant_is_exported_into_the_folder_one_is_in() -> None:
    workspace = FakeWorkspace()
    async with running(workspace) as driver:
        await in_the_list(driver)
        await driver.pilot.press("down", "x")
        await driver.until(driver.said, "where it is")
        assert workspace.assistant_files.written == ["asst_2"]
        assert driver.said() == [f"Written: {Path.cwd() / 'asst_2.assistant.json'}"]
        workspace.assistant_files.error = ServiceError("The disk is full.")
        await driver.pilot.press("x")
        await driver.until(lambda: "The disk is full." in driver.said(), "the reason")


async def test_assistants_are_imported_and_what_did_not_fit_is_said() -> None:
    workspace = FakeWorkspace()
    made = Assistant("asst_7", "From [afar]", "gpt-4o")
    workspace.assistant_files.report = ImportReport(
        (made,), ("From [afar]: its files are not here.",), ("Broken was not made. No model.",)
    )
    async with running(workspace) as driver:
        await in_the_list(driver)
        await driver.pilot.press("i")
        await driver.until(lambda: isinstance(driver.app.screen, LineScreen), "it asks")
        await driver.settle()
        workspace.assistants.items.append(made)
        driver.app.screen.query_one(Input).value = "~/old assistants.json"
        await driver.pilot.press("enter")
        await driver.until(lambda: len(driver.said()) == 3, "three sentences")
        assert workspace.assistant_files.read == [Path("~/old assistants.json")]
        assert driver.said() == [
            "Made 1 assistant: From [afar].",
            "From [afar]: its files are not here.",
            "Broken was not made. No model.",
        ]
        assert driver.screen.assistant_list.cursor_key == "asst_7"


# Figures


async def test_the_header_tells_what_the_thread_came_to() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.inspection.sums = ThreadFigures(12, Usage(5240, 590), 61.4)
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.until(lambda: driver.screen.header.thread, "the figures")
        assert "12 runs · 5,240 in · 590 out · 61.4 s" in driver.drawn()
        driver.screen.action_new_thread()
        await driver.until(lambda: not driver.screen.header.thread, "none for a new one")


def test_the_time_of_a_run_is_without_the_time_of_decisions() -> None:
    from services.events import ApprovalNeeded, ApprovalSettled

    now = [100.0]
    watch = Stopwatch(lambda: now[0])
    now[0] += 2
    watch.note(ApprovalNeeded((a_request("call_1"), a_request("call_2"))))
    now[0] += 600
    assert watch.seconds == 2
    watch.note(ApprovalSettled("call_1"))
    now[0] += 600
    assert watch.seconds == 2
    watch.note(ApprovalSettled("call_2"))
    now[0] += 3
    assert watch.seconds == 5
