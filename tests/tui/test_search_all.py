"""Search over all threads: as you type, and to the place of the hit."""

from __future__ import annotations

import asyncio
import time

from textual import events
from textual.widgets import Input, OptionList

from services.records import SearchHit, ServiceError, Thread
from tests.tui.fake_workspace import NOW, FakeWorkspace, a_message
from tests.tui.support import Driver, focused_id, running, threads
from tui.screens.search import SearchScreen, place


def a_hit(number: int, snippet: str, *marks: tuple[int, int], **more: object) -> SearchHit:
    fields: dict[str, object] = {
        "thread_id": f"thread_{number}",
        "thread_title": f"Subject {number}",
        "message_id": f"m{number}",
        "role": "user",
        "created_at": int(time.time()) - 7200,
    }
    return SearchHit(snippet=snippet, marks=marks, **(fields | more))  # type: ignore[arg-type]  # by name


def a_library() -> FakeWorkspace:
    """Two threads; in the second, what is looked for is 150 messages back."""
    workspace = FakeWorkspace(threads=threads(2))
    workspace.threads.messages["thread_1"] = [a_message("m1", "All about cats", own=True)]
    workspace.threads.messages["thread_2"] = [
        a_message("m2", "Cats asleep on the sofa", own=True),
        *(a_message(f"later{number}", f"Answer {number}") for number in range(150)),
    ]
    workspace.threads.hits = (
        a_hit(1, "All about cats", (10, 14)),
        a_hit(2, "Cats asleep on the sofa", (0, 4), role="assistant"),
    )
    return workspace


async def search(driver: Driver, query: str) -> None:
    await driver.pilot.press("alt+s")
    await driver.until(lambda: isinstance(driver.app.screen, SearchScreen), "the search")
    await driver.settle()
    await driver.pilot.press(*query)


def found(driver: Driver) -> int:
    return driver.app.screen.query_one(OptionList).option_count


async def test_results_come_as_you_type() -> None:
    async with running(a_library()) as driver:
        await search(driver, "cats")
        await driver.until(lambda: found(driver) == 2, "two results")
        drawn = driver.drawn()
        assert "Subject 1  You · 2h" in drawn
        assert "Subject 2  Answer · 2h" in drawn
        assert "Cats asleep on the sofa" in drawn
        await driver.pilot.press(*" asleep")
        await driver.until(lambda: found(driver) == 1, "one result")


async def test_enter_never_opens_what_other_words_had_found() -> None:
    async with running(a_library()) as driver:
        await search(driver, "cats")
        await driver.until(lambda: found(driver) == 2, "results")
        screen = driver.app.screen
        for key in " asleep":
            driver.app.post_message(events.Key("space" if key == " " else key, key))
        driver.app.post_message(events.Key("enter", "\r"))
        await driver.until(
            lambda: driver.app.screen is not screen or found(driver) == 1, "the new results"
        )
        assert driver.app.screen is screen, "the first of the old results was opened"
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.thread_id == "thread_2", "what was looked for")


async def test_enter_opens_the_thread_at_the_message_however_old_it_is() -> None:
    async with running(a_library()) as driver:
        await search(driver, "cats")
        await driver.until(lambda: found(driver) == 2, "results")
        await driver.pilot.press("down", "enter")
        await driver.until(lambda: driver.thread_id == "thread_2", "its thread")
        await driver.until(lambda: driver.screen.transcript.cursor == "m2", "the place")
        await driver.until(lambda: "Cats asleep on the sofa" in driver.drawn(), "it is in view")
        assert focused_id(driver.app) == "transcript"


async def test_the_place_is_found_in_the_thread_that_is_open_already() -> None:
    async with running(a_library()) as driver:
        await driver.open("thread_1")
        await search(driver, "all")
        await driver.until(lambda: found(driver) == 1, "a result")
        opened = len(driver.workspace.threads.opened)
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.screen.transcript.cursor == "m1", "the place")
        assert len(driver.workspace.threads.opened) == opened


async def test_a_thread_that_is_not_in_the_list_is_opened_too() -> None:
    workspace = a_library()
    workspace.threads.items += [
        Thread(f"thread_{n}", f"Subject {n}", NOW - n, NOW - n) for n in range(3, 200)
    ]
    workspace.threads.messages["thread_199"] = [a_message("m199", "A walrus", own=True)]
    workspace.threads.hits = (a_hit(199, "A walrus", (2, 8)),)
    async with running(workspace) as driver:
        assert driver.screen.shelf.thread("thread_199") is None
        await search(driver, "walrus")
        await driver.until(lambda: found(driver) == 1, "a result")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.screen.transcript.cursor == "m199", "the place")


async def test_escape_goes_back_to_where_one_was() -> None:
    async with running(a_library()) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("alt+m", *"draft")
        await search(driver, "cats")
        await driver.until(lambda: found(driver) == 2, "results")
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "back")
        assert driver.thread_id == "thread_1"
        assert driver.screen.composer.text == "draft"
        assert focused_id(driver.app) == "composer"


async def test_an_answer_that_comes_too_late_is_dropped() -> None:
    workspace = a_library()
    slow = asyncio.Event()

    async def gate(query: str) -> None:
        if query == "cats":
            await slow.wait()

    workspace.threads.search_gate = gate
    async with running(workspace) as driver:
        await search(driver, "cats")
        await driver.until(lambda: "cats" in workspace.threads.searched, "it is asked")
        await driver.pilot.press(*" asleep")
        await driver.until(lambda: found(driver) == 1, "the later answer")
        slow.set()
        await driver.settle()
        assert found(driver) == 1


async def test_fast_typing_asks_once() -> None:
    async with running(a_library()) as driver:
        await search(driver, "cats asleep")
        await driver.until(lambda: found(driver) == 1, "a result")
        assert driver.workspace.threads.searched[-1] == "cats asleep"
        assert len(driver.workspace.threads.searched) < len("cats asleep")


async def test_nothing_found_and_a_server_that_cannot_are_told() -> None:
    async with running(a_library()) as driver:
        await search(driver, "zebra")
        await driver.until(lambda: "Nothing like that was said" in driver.drawn(), "told")
        driver.workspace.threads.error = ServiceError("This server cannot search.")
        await driver.pilot.press("x")
        await driver.until(lambda: "This server cannot search." in driver.drawn(), "told")
        driver.app.screen.query_one(Input).value = ""
        await driver.until(lambda: "What was said in any thread" in driver.drawn(), "as before")


async def test_a_message_that_was_deleted_meanwhile_is_told() -> None:
    workspace = a_library()
    workspace.threads.hits = (a_hit(1, "Gone cats", message_id="m_gone"),)
    async with running(workspace) as driver:
        await search(driver, "cats")
        await driver.until(lambda: found(driver) == 1, "a result")
        await driver.pilot.press("enter")
        await driver.until(driver.said, "a sentence")
        assert driver.said() == ["The message is not in the thread any more."]
        assert driver.thread_id == "thread_1"


async def test_it_fits_into_forty_columns() -> None:
    async with running(a_library(), size=(40, 20)) as driver:
        await search(driver, "cats")
        await driver.until(lambda: found(driver) == 2, "results")
        assert "Subject 1" in driver.drawn()
        await driver.pilot.press("enter")
        await driver.until(lambda: "All about cats" in driver.drawn(), "the place is on screen")


def test_marks_are_drawn_where_they_are_and_nothing_else_is_trusted() -> None:
    said = place(a_hit(1, "[b]x[/b] \x1b[31m cats here", (15, 19)))
    assert "\x1b" not in said.plain
    marked = [said.plain[span.start : span.end] for span in said.spans]
    assert marked == ["cats"]
    assert said.plain.startswith("[b]x[/b] ")


def test_marks_that_make_no_sense_are_left_out() -> None:
    overlapping = place(a_hit(1, "cats and dogs", (0, 4), (2, 6), (9, 13)))
    assert overlapping.plain.strip() == "cats and dogs"
