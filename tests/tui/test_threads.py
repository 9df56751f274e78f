"""Several threads at once: marks, pages, filter, deleting and undoing, putting away, titles."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from services.events import ApprovalNeeded
from services.records import ServiceError, Settings, Thread
from tests.tui.fake_workspace import NOW, FakeSession, FakeWorkspace, a_message, a_request
from tests.tui.support import Driver, focused_id, running, threads

SOON = int(time.time()) + 100_000
"""Later than the start of the test: what happens then is news."""


async def in_the_list(driver: Driver) -> None:
    await driver.pilot.press("alt+t")
    await driver.until(lambda: focused_id(driver.app) == "threads", "the thread list")


def titles(driver: Driver) -> list[str]:
    return [row.text for row in driver.screen.thread_list.rows]


def aside(driver: Driver, key: str) -> str:
    return next(row.aside for row in driver.screen.thread_list.rows if row.key == key)


# Deleting


async def test_a_deleted_thread_leaves_the_list_at_once_and_alt_z_brings_it_back() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        await driver.open("thread_1")
        await in_the_list(driver)
        await driver.pilot.press("delete")
        await driver.until(lambda: titles(driver) == ["Subject 2", "Subject 3"], "it is gone")
        await driver.until(lambda: driver.thread_id is None, "and not on the screen")
        await driver.until(driver.said, "a sentence")
        assert driver.said()[-1] == "Deleted: Subject 1. Alt+Z brings it back for a while."
        assert len(driver.app.screen_stack) == 1, "no question was asked"
        await driver.pilot.press("alt+z")
        await driver.until(lambda: len(titles(driver)) == 3, "it is back")
        assert titles(driver)[0] == "Subject 1"
        await driver.until(lambda: driver.thread_id == "thread_1", "and on the screen again")
        assert all(each.gone_at is None for each in driver.workspace.threads.items)


async def test_several_deletions_are_undone_one_after_the_other() -> None:
    async with running(FakeWorkspace(threads=threads(4))) as driver:
        await in_the_list(driver)
        await driver.pilot.press("home", "delete")
        await driver.until(lambda: len(driver.workspace.deletions.pending) == 1, "one")
        await driver.pilot.press("delete")
        await driver.until(lambda: len(driver.workspace.deletions.pending) == 2, "two")
        assert titles(driver) == ["Subject 3", "Subject 4"]
        await driver.pilot.press("alt+z")
        await driver.until(lambda: len(titles(driver)) == 3, "the last one")
        assert titles(driver) == ["Subject 2", "Subject 3", "Subject 4"]
        await driver.pilot.press("alt+z")
        await driver.until(lambda: len(titles(driver)) == 4, "the one before")
        assert titles(driver)[0] == "Subject 1"


async def test_leaving_deletes_for_good_what_was_not_undone() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    async with running(workspace) as driver:
        await in_the_list(driver)
        await driver.pilot.press("home", "delete")
        await driver.until(lambda: driver.workspace.deletions.pending, "it is deleted")
        assert len(workspace.threads.items) == 2
    assert [each.id for each in workspace.threads.items] == ["thread_2"]


async def test_a_deletion_that_fails_puts_the_thread_back_and_says_so() -> None:
    async with running(FakeWorkspace(threads=threads(2))) as driver:
        driver.workspace.threads.error = ServiceError("Could not delete the thread: no.")
        await in_the_list(driver)
        await driver.pilot.press("home", "delete")
        await driver.until(driver.said, "a sentence")
        assert driver.said() == ["Could not delete the thread: no."]
        assert titles(driver) == ["Subject 1", "Subject 2"]


async def test_undoing_without_a_deletion_changes_nothing() -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.pilot.press("alt+z")
        await driver.settle()
        assert titles(driver) == ["Subject 1"]


# Putting away


async def test_a_thread_is_put_away_and_back() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        await in_the_list(driver)
        await driver.pilot.press("home", "a")
        await driver.until(lambda: titles(driver) == ["Subject 2", "Subject 3"], "put away")
        await driver.pilot.press("v")
        await driver.until(lambda: titles(driver) == ["Subject 1"], "those put away")
        assert "Threads put away" in driver.drawn()
        await driver.pilot.press("a")
        await driver.until(lambda: "None put away" in driver.drawn(), "none is left")
        await driver.pilot.press("v")
        await driver.until(lambda: len(titles(driver)) == 3, "all again")
        assert titles(driver)[0] == "Subject 1"


async def test_a_thread_put_away_opens_like_any_other() -> None:
    away = replace(threads(1)[0], archived=True)
    async with running(FakeWorkspace(threads=(away,))) as driver:
        await in_the_list(driver)
        assert titles(driver) == []
        await driver.pilot.press("v")
        await driver.until(lambda: titles(driver) == ["Subject 1"], "it is listed")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.thread_id == "thread_1", "it is open")


# Pages and filter


async def test_more_threads_are_read_as_the_reader_moves_down() -> None:
    async with running(FakeWorkspace(threads=threads(250))) as driver:
        await in_the_list(driver)
        assert len(titles(driver)) == 100
        await driver.pilot.press("end")
        await driver.until(lambda: len(titles(driver)) == 200, "the next page")
        assert driver.screen.thread_list.cursor_key == "thread_100"
        await driver.pilot.press("end")
        await driver.until(lambda: len(titles(driver)) == 250, "the last page")


async def test_the_filter_finds_titles_that_were_never_scrolled_to() -> None:
    async with running(FakeWorkspace(threads=threads(5000))) as driver:
        await in_the_list(driver)
        await driver.pilot.press("/", *"ject 4321")
        await driver.until(lambda: titles(driver) == ["Subject 4321"], "it is found")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.thread_id == "thread_4321", "and open")


async def test_a_filter_is_not_looked_up_for_every_key() -> None:
    async with running(FakeWorkspace(threads=threads(300))) as driver:
        await in_the_list(driver)
        await driver.pilot.press("/", *"subject 29")
        await driver.until(lambda: len(titles(driver)) == 11, "29 and 290 to 299")
        asked = [each["query"] for each in driver.workspace.threads.pages if each["query"]]
        assert asked[-1] == "subject 29"
        assert len(asked) < len("subject 29")


async def test_a_thread_beyond_the_list_opens_by_its_id() -> None:
    async with running(FakeWorkspace(threads=threads(300)), thread_id="thread_299") as driver:
        await driver.until(lambda: driver.thread_id == "thread_299", "it is open")
        assert "Subject 299" in driver.drawn()


async def test_an_id_of_no_thread_is_told() -> None:
    async with running(FakeWorkspace(threads=threads(1)), thread_id="thread_gone") as driver:
        await driver.until(driver.said, "a sentence")
        assert driver.said()[0].startswith("There is no thread thread_gone here.")


# Several at once


async def test_a_run_that_ends_in_another_thread_marks_it_until_it_is_opened() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.say("a long question")
        session = driver.session
        await driver.open("thread_2")
        assert aside(driver, "thread_1").startswith("● ")
        session.write("done")
        session.finish()
        session.end()
        await driver.until(lambda: aside(driver, "thread_1").startswith("* "), "news")
        await driver.open("thread_1")
        await driver.until(lambda: aside(driver, "thread_1")[0] != "*", "it was seen")


async def test_a_run_that_fails_and_one_that_waits_are_marked() -> None:
    workspace = FakeWorkspace(threads=threads(3))
    async with running(workspace) as driver:
        sessions: dict[str, FakeSession] = {}
        for thread_id in ("thread_1", "thread_2"):
            await driver.open(thread_id)
            await driver.say("a question")
            sessions[thread_id] = driver.session
        await driver.open("thread_3")
        sessions["thread_1"].end("failed", "The run failed: no.")
        sessions["thread_2"].emit(ApprovalNeeded((a_request(thread_id="thread_2"),)))
        await driver.until(lambda: aside(driver, "thread_1").startswith("× "), "failed")
        await driver.until(lambda: aside(driver, "thread_2").startswith("! "), "waits")


async def test_what_another_program_wrote_is_news() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    async with running(workspace) as driver:
        await driver.open("thread_1")
        workspace.threads.items[1] = replace(workspace.threads.items[1], active_at=SOON)
        driver.screen.threads_changed()
        await driver.until(lambda: aside(driver, "thread_2").startswith("* "), "news")


async def test_rows_stay_where_they_are_while_somebody_moves_among_them() -> None:
    workspace = FakeWorkspace(threads=threads(3))
    async with running(workspace) as driver:
        await in_the_list(driver)
        await driver.pilot.press("home", "down")
        items = workspace.threads.items
        # Another program writes in the third thread, and makes a new one.
        moved = replace(items[2], active_at=SOON)
        new = Thread("thread_new", "Brand new", SOON, SOON)
        workspace.threads.items = [new, moved, items[0], items[1]]
        driver.screen.threads_changed()
        await driver.until(lambda: len(titles(driver)) == 4, "the new one is there")
        assert titles(driver) == ["Brand new", "Subject 1", "Subject 2", "Subject 3"]
        assert driver.screen.thread_list.cursor_key == "thread_2"
        await driver.pilot.press("alt+m")
        await driver.until(lambda: focused_id(driver.app) == "composer", "away from the list")
        driver.screen.threads_changed()
        await driver.until(lambda: titles(driver)[1] == "Subject 3", "in order again")


async def test_ages_grow_without_a_key() -> None:
    item = Thread("thread_1", "Young", 0, int(time.time()))
    async with running(FakeWorkspace(threads=(item,))) as driver:
        assert aside(driver, "thread_1") == "now"
        older = replace(item, active_at=int(time.time()) - 300)
        driver.screen.shelf.replace(older)
        driver.screen.keep_threads_honest()
        assert aside(driver, "thread_1") == "5m"


# Titles


async def answer(driver: Driver, question: str = "What do otters eat?") -> None:
    await driver.say(question)
    driver.session.write("Fish.")
    driver.session.finish()
    driver.session.end()


async def test_the_model_names_a_new_thread_after_its_first_answer() -> None:
    workspace = FakeWorkspace()
    workspace.threads.titles["thread_1"] = "The diet of otters"
    async with running(workspace) as driver:
        await answer(driver)
        await driver.until(lambda: titles(driver) == ["The diet of otters"], "it has a name")
        assert "The diet of otters" in str(driver.screen.transcript.border_title)
        await answer(driver, "And herons?")
        await driver.settle()
        assert workspace.threads.asked_for_titles == ["thread_1"]


async def test_a_thread_that_has_a_name_is_not_named() -> None:
    named = replace(threads(1)[0], titled=True)
    async with running(FakeWorkspace(threads=(named,))) as driver:
        await driver.open("thread_1")
        await answer(driver)
        await driver.settle()
        assert driver.workspace.threads.asked_for_titles == []


async def test_names_by_the_model_can_be_switched_off() -> None:
    workspace = FakeWorkspace(settings=Settings(model_titles=False))
    async with running(workspace) as driver:
        await answer(driver)
        await driver.settle()
        assert workspace.threads.asked_for_titles == []


async def test_a_model_that_finds_no_title_disturbs_nobody() -> None:
    workspace = FakeWorkspace()
    asked = asyncio.Event()

    async def refuse(thread_id: str) -> str | None:
        asked.set()
        raise ServiceError("The model gave the thread no title: down.")

    workspace.threads.make_title = refuse  # type: ignore[method-assign]  # as a model that is down
    async with running(workspace) as driver:
        await answer(driver)
        await driver.until(asked.is_set, "it was asked")
        await driver.settle()
        assert driver.said() == []


# Renaming


async def test_a_thread_renamed_in_the_list_keeps_its_state() -> None:
    item = Thread("thread_1", "Old", NOW, NOW, "requires_action", "asst_1")
    async with running(FakeWorkspace(threads=(item,))) as driver:
        await in_the_list(driver)
        await driver.pilot.press("f2")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the dialog")
        await driver.pilot.press("end", *" name", "enter")
        await driver.until(lambda: titles(driver) == ["Old name"], "the new title")
        assert aside(driver, "thread_1").startswith("! ")


# Forks


def a_talk() -> FakeWorkspace:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.messages["thread_1"] = [
        a_message("m1", "First question", own=True),
        a_message("m2", "First answer"),
        a_message("m3", "Second question", own=True),
        a_message("m4", "Second ans", status="incomplete", incomplete_reason="run_cancelled"),
    ]
    return workspace


async def in_the_talk(driver: Driver, steps_up: int = 0) -> None:
    await driver.open("thread_1")
    await driver.pilot.press("alt+v")
    await driver.until(lambda: focused_id(driver.app) == "transcript", "the conversation")
    if steps_up:
        await driver.pilot.press(*["alt+up"] * (steps_up + 1))


async def test_a_fork_is_made_at_the_marked_message_and_shown() -> None:
    async with running(a_talk()) as driver:
        await in_the_talk(driver, 2)
        assert driver.screen.transcript.cursor == "m2"
        await driver.pilot.press("f")
        await driver.until(lambda: driver.thread_id == "thread_2", "the fork")
        await driver.until(lambda: driver.entry("copy of m2"), "its messages")
        assert driver.entry("copy of m3") is None
        assert titles(driver)[0] == "Subject 1 (fork)"
        assert len(driver.workspace.threads.messages["thread_1"]) == 4


async def test_a_key_pressed_twice_makes_one_fork() -> None:
    async with running(a_talk()) as driver:
        await in_the_talk(driver)
        service = driver.workspace.threads
        fork, go_on, begun = service.fork, asyncio.Event(), 0

        async def slow(thread: Thread, message_id: str, *, keep: bool = True) -> Thread:
            # As on a server: what was asked for is done, whether or not one goes on waiting.
            nonlocal begun
            begun += 1
            made = await fork(thread, message_id, keep=keep)
            await go_on.wait()
            return made

        service.fork = slow  # type: ignore[method-assign]  # the test's own pace
        await driver.pilot.press("f")
        await driver.until(lambda: begun, "the first is on its way")
        await driver.pilot.press("f", "r")
        await driver.settle()
        go_on.set()
        await driver.until(lambda: driver.thread_id == "thread_2", "the fork")
        assert begun == 1
        assert [each.id for each in service.items] == ["thread_2", "thread_1"]
        assert "A fork is being made already." in driver.said()


async def test_an_earlier_question_comes_back_into_the_box_in_a_fork() -> None:
    async with running(a_talk()) as driver:
        await driver.pilot.press(*"draft")
        await in_the_talk(driver, 2)
        await driver.pilot.press("e")
        await driver.until(lambda: driver.thread_id == "thread_2", "the fork")
        await driver.until(lambda: driver.screen.composer.text == "First question", "its text")
        assert driver.workspace.threads.messages["thread_2"] == []
        assert len(driver.workspace.threads.messages["thread_1"]) == 4
        assert driver.workspace.runs.sent == []


async def test_another_answer_is_asked_for_in_a_fork_and_the_old_one_stays() -> None:
    async with running(a_talk()) as driver:
        await in_the_talk(driver, 2)
        await driver.pilot.press("r")
        await driver.until(lambda: "thread_2" in driver.workspace.runs.sessions, "it runs there")
        assert driver.thread_id == "thread_2"
        assert [each.id for each in driver.workspace.threads.messages["thread_2"]] == ["copy of m1"]
        assert len(driver.workspace.threads.messages["thread_1"]) == 4


async def test_an_answer_that_was_stopped_goes_on() -> None:
    async with running(a_talk()) as driver:
        await in_the_talk(driver)
        await driver.pilot.press("+")
        await driver.until(lambda: "thread_1" in driver.workspace.runs.sessions, "it runs")
        assert "Go on exactly where it stops" in driver.workspace.runs.instructions[0]


async def test_an_answer_that_is_whole_does_not_go_on() -> None:
    workspace = a_talk()
    workspace.threads.messages["thread_1"].pop()
    async with running(workspace) as driver:
        await in_the_talk(driver)
        await driver.pilot.press("+")
        await driver.settle()
        assert workspace.runs.sessions == {}


async def test_a_fork_that_fails_says_so_and_stays_where_it_is() -> None:
    async with running(a_talk()) as driver:
        await in_the_talk(driver)
        driver.workspace.threads.error = ServiceError("Could not fork the thread: no.")
        await driver.pilot.press("f")
        await driver.until(driver.said, "a sentence")
        assert driver.said() == ["Could not fork the thread: no."]
        assert driver.thread_id == "thread_1"
        assert driver.entry("m4") is not None
