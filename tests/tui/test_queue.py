"""Messages that wait for the answer that is being written."""

from __future__ import annotations

import pytest

from services.records import RunNotStarted, ServiceError
from tests.tui.fake_workspace import FakeWorkspace, a_request
from tests.tui.support import Driver, running, threads


async def queue(driver: Driver, *texts: str) -> None:
    """Types and sends while a run is active."""
    for text in texts:
        before = len(driver.screen.outbox.queue)
        driver.screen.composer.insert(text)
        await driver.pilot.press("enter")
        await driver.until(lambda n=before: len(driver.screen.outbox.queue) > n, "it is queued")


def waiting(driver: Driver) -> list[str]:
    return [message.text for message in driver.screen.outbox.queue]


def sent(driver: Driver) -> list[str]:
    return [text for _, _, text in driver.workspace.runs.sent]


async def test_enter_during_an_answer_queues_and_the_queue_goes_out_one_by_one() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second", "third")
        assert driver.screen.composer.text == ""
        assert sent(driver) == ["first"]
        assert "1  second" in driver.drawn()
        assert "2  third" in driver.drawn()
        driver.session.end()
        await driver.until(lambda: sent(driver) == ["first", "second"], "the next is sent")
        assert waiting(driver) == ["third"]
        await driver.until(lambda: driver.screen.flow.active, "its run has begun")
        driver.session.end()
        await driver.until(lambda: sent(driver)[-1] == "third", "and the last")
        assert "third, sent after" not in driver.drawn()


async def test_a_message_can_be_queued_while_a_decision_waits() -> None:
    from services.events import ApprovalNeeded

    async with running() as driver:
        await driver.say("first")
        driver.session.emit(ApprovalNeeded((a_request(thread_id="thread_1"),)))
        await driver.until(lambda: driver.screen.flow.pending, "it waits")
        await queue(driver, "second")


async def test_a_stopped_answer_pauses_the_queue_and_says_so() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.screen.outbox.paused, "it is paused")
        assert "you stopped the answer" in driver.said()[-1]
        assert "Queue paused: you stopped the answer" in driver.drawn()
        assert sent(driver) == ["first"]
        await driver.pilot.press("enter")
        await driver.until(lambda: sent(driver) == ["first", "second"], "Enter goes on")


@pytest.mark.parametrize("status", ["failed", "expired", "incomplete"])
async def test_a_run_that_ends_badly_pauses_the_queue(status: str) -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second")
        driver.session.end(status, "It went wrong.")
        await driver.until(lambda: driver.screen.outbox.paused, "it is paused")
        assert waiting(driver) == ["second"]


async def test_what_is_written_during_a_pause_goes_out_at_once() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second")
        driver.session.end("failed", "No.")
        await driver.until(lambda: driver.screen.outbox.paused, "it is paused")
        await driver.say("wait, this first")
        assert sent(driver)[-1] == "wait, this first"
        assert waiting(driver) == ["second"]


async def test_a_queued_message_that_cannot_be_sent_is_first_again() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second", "third")
        driver.workspace.runs.error = ServiceError("The server is gone.")
        driver.session.end()
        await driver.until(lambda: driver.screen.outbox.paused, "it is paused")
        assert waiting(driver) == ["second", "third"]
        assert driver.screen.composer.text == ""


async def test_a_queued_message_without_a_run_is_in_the_thread_and_the_rest_waits() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second", "third")
        driver.workspace.runs.error = RunNotStarted("The assistant is gone.")
        driver.session.end()
        await driver.until(lambda: driver.screen.outbox.paused, "it is paused")
        assert waiting(driver) == ["third"]


async def test_a_queued_message_is_edited_in_the_box_and_locked_meanwhile() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second", "third")
        await driver.pilot.press(*"draft", "alt+q", "enter")
        composer = driver.screen.composer
        await driver.until(lambda: composer.has_focus, "it is in the box")
        assert composer.text == "second"
        assert "Queued message 1" in str(composer.border_subtitle)
        driver.session.end()
        await driver.until(lambda: not driver.screen.flow.active, "the answer is over")
        await driver.settle()
        assert sent(driver) == ["first"]
        await driver.pilot.press("!", "enter")
        await driver.until(lambda: sent(driver) == ["first", "second!"], "it goes out at once")
        assert composer.text == "draft"


async def test_escape_leaves_a_queued_message_as_it_was_and_stops_nothing() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second")
        await driver.pilot.press("alt+q", "enter")
        await driver.until(lambda: driver.screen.composer.text == "second", "it is in the box")
        await driver.pilot.press("!", "escape")
        assert driver.screen.composer.text == ""
        assert waiting(driver) == ["second"]
        assert not driver.session.cancelled
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.session.cancelled, "now it stops the run")


async def test_the_queue_is_reordered_dropped_and_cleared_by_keyboard() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "a", "b", "c")
        await driver.pilot.press("alt+q", "alt+down")
        await driver.until(lambda: waiting(driver) == ["b", "a", "c"], "it is later")
        await driver.pilot.press("alt+up")
        await driver.until(lambda: waiting(driver) == ["a", "b", "c"], "and earlier")
        await driver.pilot.press("down", "delete")
        await driver.until(lambda: waiting(driver) == ["a", "c"], "one is dropped")
        await driver.pilot.press("c")
        await driver.until(lambda: not waiting(driver), "all are")
        await driver.until(lambda: driver.screen.composer.has_focus, "back to the box")
        await driver.pilot.press("up", "up")
        assert driver.screen.composer.text == "b"


async def test_the_queue_of_a_thread_goes_on_while_another_is_shown() -> None:
    async with running(FakeWorkspace(threads=threads(2))) as driver:
        await driver.open("thread_1")
        await driver.say("first")
        session = driver.session
        await queue(driver, "second")
        await driver.open("thread_2")
        assert "second" not in driver.drawn()
        session.end()
        await driver.until(lambda: sent(driver) == ["first", "second"], "it is sent")
        assert driver.workspace.runs.sent[-1][0] == "thread_1"
        await driver.open("thread_1")
        assert driver.text("msg_question_2") == "second"


async def test_a_queued_message_is_for_the_assistant_that_was_chosen_then() -> None:
    async with running() as driver:
        await driver.say("first")
        await queue(driver, "second")
        driver.screen.catalogue.choose("asst_2")
        driver.session.end()
        await driver.until(lambda: len(sent(driver)) == 2, "it is sent")
        assert driver.workspace.runs.sent[-1][1] == "asst_1"


async def test_the_queue_is_there_in_the_next_session_and_waits_to_be_told() -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.open("thread_1")
        await driver.say("first")
        await queue(driver, "second")
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.until(
            lambda: driver.workspace.writing.outbox("thread_1").queue, "the queue is read"
        )
        await driver.open("thread_1")
        assert sent(driver) == []
        assert "from before the app was closed" in driver.drawn()
        await driver.pilot.press("enter")
        await driver.until(lambda: sent(driver) == ["second"], "Enter goes on")


@pytest.mark.parametrize("size", [(40, 20), (80, 24), (120, 36)])
async def test_the_queue_and_the_box_are_on_the_screen_together(size: tuple[int, int]) -> None:
    async with running(size=size) as driver:
        await driver.say("first")
        await queue(driver, *(f"message {n}" for n in range(9)))
        screen = driver.screen.region
        assert driver.screen.composer.region.bottom <= screen.bottom
        assert driver.screen.queue_list is not None
        assert driver.screen.queue_list.region.height == 7
        assert driver.screen.transcript.region.height >= 3
