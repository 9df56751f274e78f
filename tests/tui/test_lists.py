from __future__ import annotations

import pytest
from textual.widgets import Input

from services.records import Assistant, Thread
from tests.tui.fake_workspace import NOW, FakeWorkspace, a_message
from tests.tui.support import focused_id, running, threads
from tui.screens.dialogs import LineScreen
from tui.screens.panes import visible_panes
from tui.widgets.thread_list import age


@pytest.mark.parametrize(
    ("width", "wanted", "panes"),
    [
        (40, "conversation", {"conversation"}),
        (40, "lists", {"lists"}),
        (79, "files", {"files"}),
        (80, "conversation", {"conversation", "lists"}),
        (109, "files", {"conversation", "files"}),
        (110, "conversation", {"conversation", "lists", "files"}),
    ],
)
def test_panes_fold_with_the_width(width: int, wanted: str, panes: set[str]) -> None:
    assert visible_panes(width, wanted, frozenset()) == panes


@pytest.mark.parametrize(
    ("width", "shown", "hidden"),
    [
        (120, ("Assistants", "Threads", "Files", "Message"), ()),
        (80, ("Assistants", "Threads", "Message"), ("Files",)),
        (40, ("Message",), ("Assistants", "Threads", "Files")),
    ],
)
async def test_a_narrow_terminal_shows_fewer_panes(
    width: int, shown: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    async with running(size=(width, 24)) as driver:
        drawn = driver.drawn()
        for title in shown:
            assert title in drawn
        for title in hidden:
            assert title not in drawn


async def test_hidden_panes_are_reached_by_key_and_left_again() -> None:
    async with running(FakeWorkspace(threads=threads(2)), size=(40, 24)) as driver:
        await driver.pilot.press("f3")
        await driver.until(lambda: focused_id(driver.app) == "threads", "the threads")
        assert "Subject 1" in driver.drawn()
        assert "Message" not in driver.drawn()
        await driver.pilot.press("enter")
        await driver.until(lambda: focused_id(driver.app) == "composer", "the conversation")
        assert driver.thread_id == "thread_1"
        await driver.pilot.press("f5")
        await driver.until(lambda: focused_id(driver.app) == "files", "the files")
        assert "None: @ attaches one" in driver.drawn()
        await driver.pilot.press("escape")
        await driver.until(lambda: focused_id(driver.app) == "composer", "the box again")


async def test_a_pane_folded_by_hand_stays_folded_and_the_focus_moves_on() -> None:
    async with running() as driver:
        await driver.pilot.press("alt+t")
        await driver.until(lambda: focused_id(driver.app) == "threads", "the threads")
        await driver.pilot.press("f3")
        await driver.until(lambda: focused_id(driver.app) == "composer", "the box")
        assert "Threads" not in driver.drawn()
        await driver.pilot.press("f3")
        await driver.until(lambda: "Threads" in driver.drawn(), "back again")


async def test_what_was_typed_survives_folding_and_resizing() -> None:
    async with running() as driver:
        await driver.pilot.press(*"draft")
        for size in ((40, 12), (1, 1), (200, 50), (80, 24)):
            await driver.pilot.resize_terminal(*size)
            await driver.settle()
        assert driver.screen.composer.text == "draft"
        assert "draft" in driver.drawn()


async def test_the_chosen_assistant_answers_next() -> None:
    async with running() as driver:
        await driver.pilot.press("alt+a", "down", "enter")
        await driver.until(lambda: driver.screen.header.assistant == "Data analyst", "chosen")
        assert "Message Data analyst" in driver.drawn()
        await driver.say("hello")
        assert driver.workspace.runs.sent[0][1] == "asst_2"


async def test_opening_a_thread_chooses_who_answered_in_it() -> None:
    thread = Thread("thread_9", "Charts", NOW, NOW, None, "asst_2")
    workspace = FakeWorkspace(threads=(*threads(1), thread))
    workspace.threads.messages["thread_9"] = [a_message("m1", "Here", assistant_id="asst_2")]
    async with running(workspace) as driver:
        await driver.open("thread_9")
        assert driver.screen.header.assistant == "Data analyst"
        assert driver.entry("m1").author == "Data analyst"


async def test_a_thread_is_renamed() -> None:
    async with running(FakeWorkspace(threads=threads(2))) as driver:
        await driver.open("thread_2")
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, LineScreen), "the dialog")
        await driver.settle()
        driver.app.screen.query_one(Input).value = "Weather"
        await driver.pilot.press("enter")
        await driver.until(lambda: "Weather" in driver.drawn(), "the new title")
        assert driver.workspace.threads.items[1].title == "Weather"
        assert str(driver.screen.transcript.border_title) == "Weather"


async def test_threads_are_filtered_by_title() -> None:
    async with running(FakeWorkspace(threads=threads(30))) as driver:
        await driver.pilot.press("alt+t")
        await driver.until(lambda: focused_id(driver.app) == "threads", "the list")
        await driver.pilot.press("/", *"ject 17")
        await driver.until(lambda: len(driver.screen.thread_list.rows) == 1, "one is left")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.thread_id == "thread_17", "it is open")
        await driver.pilot.press("alt+t", "/", "escape")
        await driver.until(lambda: len(driver.screen.thread_list.rows) == 30, "all again")


async def test_thousands_of_threads_cost_one_widget() -> None:
    workspace = FakeWorkspace(threads=threads(5000))
    async with running(workspace) as driver:
        assert len(driver.screen.query("*")) < 60
        await driver.pilot.press("alt+t")
        await driver.until(lambda: focused_id(driver.app) == "threads", "the list")
        # A page at a time: what nobody scrolled to was not read.
        assert len(driver.screen.thread_list.rows) < 500
        for page in (2, 3, 4):
            await driver.pilot.press("end")
            await driver.until(
                lambda page=page: len(driver.screen.thread_list.rows) >= 100 * page, "more"
            )
        await driver.pilot.press("end", "enter")
        await driver.until(lambda: (driver.thread_id or "") >= "thread_400", "the last one read")


async def test_states_and_ages_are_in_the_list() -> None:
    items = (
        Thread("t1", "Waiting", 0, 0, "requires_action"),
        Thread("t2", "Running", 0, 0, "in_progress"),
        Thread("t3", "Quiet", 0, 0, "completed"),
        Thread("t4", "", 0, 0),
    )
    async with running(FakeWorkspace(threads=items)) as driver:
        rows = {row.key: row for row in driver.screen.thread_list.rows}
        assert rows["t1"].aside.startswith("! ")
        assert rows["t2"].aside.startswith("● ")
        assert rows["t3"].aside[0].isdigit()
        assert rows["t4"].text == "New thread"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "now"), (59, "now"), (120, "2m"), (3600, "1h"), (86400 * 3, "3d"), (86400 * 400, "1y")],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age(seconds) == text


async def test_the_theme_is_kept_when_it_is_changed() -> None:
    async with running() as driver:
        assert driver.app.theme == "understudy-dark"
        assert driver.workspace.saved_themes == []
        await driver.pilot.press("f8")
        await driver.until(lambda: driver.workspace.saved_themes, "it is saved")
        assert driver.workspace.saved_themes == ["understudy-light"]


async def test_a_name_longer_than_the_list_is_cut_with_a_mark() -> None:
    assistant = Assistant("asst_1", "An assistant with a very long name indeed", "m")
    async with running(FakeWorkspace(assistants=(assistant,))) as driver:
        assert "An assistant with a v…" in driver.drawn().replace("▸ ", "")
