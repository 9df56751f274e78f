from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.widgets._toast import Toast

from services.events import MessageStarted, UsageReported
from services.records import Conversation, Run, RunNotStarted, ServiceError, Thread, Usage
from tests.tui.fake_workspace import NOW, FakeSession, FakeWorkspace, a_message
from tests.tui.support import focused_id, running, threads
from tui.screens.entries import STOPPED_BY_USER, figures


async def test_the_first_paint_takes_keys_before_anything_is_opened() -> None:
    workspace = FakeWorkspace()
    workspace.open_gate = asyncio.Event()
    async with running(workspace, wait=False) as driver:
        assert focused_id(driver.app) == "composer"
        await driver.pilot.press(*"hello")
        assert driver.screen.composer.text == "hello"
        assert "Message" in str(driver.screen.composer.placeholder)[:7]
        assert driver.screen.header.state == "starting"


async def test_a_message_sent_before_the_connection_is_ready_waits_for_it() -> None:
    workspace = FakeWorkspace()
    workspace.open_gate = asyncio.Event()
    async with running(workspace, wait=False) as driver:
        await driver.pilot.press(*"hello", "enter")
        await driver.settle()
        assert workspace.runs.sent == []
        workspace.open_gate.set()
        await driver.until(lambda: workspace.runs.sent, "it is sent")
        assert workspace.runs.sent == [("thread_1", "asst_1", "hello")]
        assert workspace.opens == 1


async def test_enter_sends_and_ctrl_j_breaks_the_line() -> None:
    async with running() as driver:
        await driver.pilot.press("a", "ctrl+j", "b", "enter")
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        assert driver.workspace.runs.sent[0][2] == "a\nb"
        assert driver.screen.composer.text == ""


async def test_the_answer_is_written_as_it_comes() -> None:
    async with running() as driver:
        await driver.say("What is it?")
        driver.session.write("It is ")
        driver.session.write("a test.")
        await driver.until(lambda: driver.text("msg_answer") == "It is a test.", "streamed")
        assert driver.screen.header.state == "answering"
        assert driver.entry("msg_answer").state == "streaming"
        driver.session.finish()
        driver.session.emit(UsageReported(Usage(1240, 310)))
        driver.session.end(usage=Usage(1240, 310))
        await driver.until(lambda: driver.screen.header.state == "ready", "the run ended")
        assert driver.entry("msg_answer").state == "done"
        assert driver.entry("msg_question_1").own
        assert "1,240 in · 310 out · " in driver.screen.footer.figures


def test_figures_say_what_is_known() -> None:
    assert figures(Usage(1240, 310), 3.14) == "1,240 in · 310 out · 3.1 s"
    assert figures(None, None) == ""
    assert figures(Usage(1, 2), None) == "1 in · 2 out"
    assert figures(Usage(0, 0), 1.5) == "1.5 s", "an endpoint that counts nothing"


async def test_on_a_narrow_line_the_keys_come_before_the_figures() -> None:
    async with running(size=(40, 20)) as driver:
        driver.screen.footer.figures = "1,240 in · 310 out · 3.1 s"
        assert "f1 help" in driver.screen.footer.render().plain


async def test_what_is_typed_while_nothing_has_the_focus_is_for_the_message() -> None:
    async with running() as driver:
        driver.screen.set_focus(None)
        await driver.pilot.press("h", "i")
        await driver.until(lambda: driver.screen.composer.text == "hi", "it is in the box")
        # One on its way to the screen while the box gets the focus.
        driver.screen.post_message(events.Key("x", "x"))
        await driver.until(lambda: driver.screen.composer.text == "hix", "it is not lost")
        driver.screen.set_focus(None)
        driver.app.post_message(events.Paste(" there\x1b"))
        await driver.until(lambda: "there" in driver.screen.composer.text, "the paste too")
        assert "\x1b" not in driver.screen.composer.text


async def test_page_keys_in_a_short_message_scroll_the_conversation() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    tall = "\n\n".join(["paragraph"] * 90)
    workspace.threads.messages["thread_1"] = [a_message("m1", tall)]
    async with running(workspace) as driver:
        await driver.open("thread_1")
        transcript, composer = driver.screen.transcript, driver.screen.composer
        composer.focus()
        end = transcript.scroll_y
        await driver.pilot.press("pageup")
        await driver.until(lambda: transcript.scroll_y < end, "a page up")
        await driver.pilot.press("pagedown")
        await driver.until(lambda: transcript.scroll_y == end, "back at the end")
        composer.text = "line\n" * 60
        composer.move_cursor(composer.document.end)
        await driver.settle()
        end = transcript.scroll_y
        await driver.pilot.press("pageup")
        await driver.until(lambda: composer.cursor_location[0] < 60, "the cursor moved instead")
        assert transcript.scroll_y == end


async def test_the_title_of_a_long_thread_is_not_taken_from_its_newest_messages() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.pages_of = 1
    workspace.threads.messages["thread_1"] = [a_message("m1", "one"), a_message("m2", "two")]
    opened = workspace.threads.open

    async def untitled(thread_id: str, **more: Any) -> Conversation:
        conversation = await opened(thread_id, **more)
        return replace(conversation, thread=replace(conversation.thread, title="two"))

    workspace.threads.open = untitled  # type: ignore[method-assign]  # as the wire derives it
    async with running(workspace) as driver:
        await driver.open("thread_1")
        assert str(driver.screen.transcript.border_title) == "Subject 1"


async def test_a_run_of_another_app_does_not_stay_marked_after_its_end() -> None:
    busy = Thread("thread_1", "Theirs", NOW, NOW, "in_progress", "asst_1")
    workspace = FakeWorkspace(threads=(busy,))
    async with running(workspace) as driver:
        assert driver.screen.shelf.threads[0].busy
        workspace.threads.items[0] = replace(busy, run_status="completed")
        driver.screen.keep_threads_honest()
        await driver.until(lambda: not driver.screen.shelf.threads[0].busy, "it is seen")


async def test_escape_stops_the_answer_and_keeps_what_was_written() -> None:
    async with running() as driver:
        await driver.say("Tell me")
        driver.session.write("Once upon a time")
        await driver.until(lambda: driver.text("msg_answer"), "it writes")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.screen.header.state == "ready", "it stopped")
        assert driver.session.cancelled
        kept = driver.entry("msg_answer")
        assert (kept.text, kept.state, kept.note) == (
            "Once upon a time",
            "stopped",
            STOPPED_BY_USER,
        )


async def test_a_stopped_answer_that_the_server_stored_has_the_same_note() -> None:
    async with running() as driver:
        await driver.say("Tell me")
        driver.session.write("Once")
        driver.session.finish(status="incomplete", incomplete_reason="run_cancelled")
        driver.session.end("cancelled")
        await driver.until(lambda: driver.screen.header.state == "ready", "it stopped")
        assert driver.entry("msg_answer").note == STOPPED_BY_USER


async def test_escape_before_anything_was_written_says_so() -> None:
    async with running() as driver:
        await driver.say("Tell me")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.screen.header.state == "ready", "it stopped")
        assert "Stopped before anything" in driver.text("run/run of thread_1")


async def test_a_failed_send_puts_the_text_back_and_says_why() -> None:
    workspace = FakeWorkspace()
    workspace.runs.error = ServiceError("The model endpoint did not answer. Nothing was sent.")
    async with running(workspace) as driver:
        await driver.pilot.press(*"my words", "enter")
        await driver.until(lambda: driver.entry("send/1"), "the sentence is shown")
        assert driver.text("send/1") == workspace.runs.error.sentence
        assert driver.screen.composer.text == "my words"
        assert driver.entry("sending/1") is None
        workspace.runs.error = None
        await driver.pilot.press("enter")
        await driver.until(lambda: workspace.runs.sent, "the second try is sent")
        assert len(workspace.threads.items) == 1


async def test_a_message_whose_run_could_not_start_stays_in_the_conversation() -> None:
    workspace = FakeWorkspace()
    workspace.runs.error = RunNotStarted("The assistant is gone. Your message is in the thread.")
    async with running(workspace) as driver:
        await driver.pilot.press(*"my words", "enter")
        await driver.until(lambda: driver.entry("sending/1/run"), "the sentence is shown")
        assert driver.text("sending/1/run").endswith("F9 runs it again.")
        assert driver.screen.composer.text == ""
        entry = driver.entry("sending/1")
        assert (entry.text, entry.note) == ("my words", "")


async def test_what_was_typed_during_a_failed_send_stays_behind_it() -> None:
    workspace = FakeWorkspace()
    gate = asyncio.Event()
    workspace.runs.gate = gate.wait
    workspace.runs.error = ServiceError("No.")
    async with running(workspace) as driver:
        await driver.pilot.press(*"one", "enter", *"two")
        gate.set()
        await driver.until(lambda: driver.entry("send/1"), "it failed")
        assert driver.screen.composer.text == "one\n\ntwo"


async def test_a_failed_connection_is_said_and_the_next_message_tries_again() -> None:
    workspace = FakeWorkspace()
    workspace.open_error = ServiceError("The data folder cannot be written.")
    async with running(workspace, wait=False) as driver:
        await driver.until(lambda: driver.screen.header.state == "offline", "it failed")
        assert "cannot be written" in driver.text("connection")
        await driver.pilot.press(*"hello", "enter")
        await driver.until(lambda: driver.entry("send/1"), "the send failed too")
        assert driver.screen.composer.text == "hello"
        workspace.open_error = None
        await driver.pilot.press("enter")
        await driver.until(lambda: workspace.runs.sent, "it is sent")
        assert driver.entry("connection") is None


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_a_toast_does_not_cover_the_message_box(size: tuple[int, int]) -> None:
    async with running(size=size, toasts=True) as driver:
        await driver.pilot.press(*"/zzzz", "enter")
        await driver.until(lambda: driver.app.screen.query(Toast), "it is shown")
        await driver.settle()
        composer = driver.screen.composer.region
        for toast in driver.app.screen.query(Toast):
            assert not toast.region.overlaps(composer)
            assert toast.region.height > 0


async def test_a_failed_run_says_why_and_how_to_run_again() -> None:
    async with running() as driver:
        await driver.say("first")
        session = driver.session
        session.end("failed", "The model endpoint closed the connection.")
        key = f"run/{session.run.id}"
        await driver.until(lambda: driver.entry(key), "it is said")
        assert driver.entry(key).severity == "error"
        assert "closed the connection. F9 runs it again." in driver.text(key)
        await driver.pilot.press("f9")
        await driver.until(lambda: driver.session is not session, "another run")
        assert len(driver.workspace.runs.sent) == 1


async def test_a_failed_run_is_said_again_when_its_thread_is_opened() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    workspace.threads.messages["thread_2"] = [a_message("m1", "Hello", own=True)]
    workspace.threads.last_runs["thread_2"] = Run(
        "run_9", "thread_2", "asst_1", "failed", "m", NOW, error="No such model"
    )
    async with running(workspace) as driver:
        await driver.open("thread_2")
        assert driver.text("m1") == "Hello"
        assert driver.text("run/run_9") == ("The last run failed: No such model. F9 runs it again.")


async def test_older_messages_come_when_they_are_wanted() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.pages_of = 2
    tall = "\n\n".join(["paragraph"] * 60)
    workspace.threads.messages["thread_1"] = [a_message(f"m{n}", tall) for n in range(5)]
    async with running(workspace) as driver:
        await driver.open("thread_1")
        transcript = driver.screen.transcript
        assert transcript.older
        assert driver.entry("m0") is None
        transcript.scroll_home(animate=False)
        await driver.until(lambda: driver.entry("m1"), "two older")
        assert driver.entry("m0") is None
        transcript.scroll_home(animate=False)
        await driver.until(lambda: driver.entry("m0"), "the oldest")
        assert not transcript.older
        assert workspace.threads.opened == [
            ("thread_1", None), ("thread_1", "m3"), ("thread_1", "m1"),
        ]  # fmt: skip


async def test_a_run_goes_on_while_another_thread_is_shown_and_is_whole_on_return() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.say("go")
        session = driver.session
        session.write("one ")
        await driver.open("thread_2")
        session.write("two")
        await driver.settle()
        assert driver.entry("msg_answer") is None
        assert driver.screen.shelf.thread("thread_1").run_status == "in_progress"
        await driver.open("thread_1")
        await driver.until(lambda: driver.text("msg_answer") == "one two", "it is whole")
        await driver.open("thread_2")
        session.end()
        await driver.until(
            lambda: driver.screen.shelf.thread("thread_1").run_status != "in_progress",
            "the list knows it ended",
        )


async def test_a_run_from_before_a_restart_is_followed() -> None:
    waiting = Thread("thread_1", "Old", NOW, NOW, "requires_action", "asst_1")
    workspace = FakeWorkspace(threads=(waiting,))
    run = Run("run_1", "thread_1", "asst_1", "requires_action", "m", NOW)
    workspace.threads.last_runs["thread_1"] = run
    session = workspace.runs.resumable["thread_1"] = FakeSession("thread_1", "asst_1", None)
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.until(lambda: driver.screen.flow.active, "it is followed")
        session.emit(MessageStarted(a_message("late", "", status="in_progress")))
        await driver.until(lambda: driver.entry("late"), "its events arrive")


async def test_a_new_thread_is_made_by_its_first_message_only() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("ctrl+n")
        await driver.until(lambda: driver.thread_id is None, "an empty page")
        assert len(workspace.threads.items) == 1
        await driver.say("hello")
        assert len(workspace.threads.items) == 2
        assert driver.thread_id == "thread_2"


async def test_the_last_thread_is_opened_on_request() -> None:
    workspace = FakeWorkspace(threads=threads(3))
    async with running(workspace, resume=True) as driver:
        await driver.until(lambda: driver.thread_id == "thread_1", "the newest is open")
    async with running(workspace, thread_id="thread_3") as driver:
        await driver.until(lambda: driver.thread_id == "thread_3", "the named one is open")


async def test_a_thread_named_at_start_that_is_not_there_is_said() -> None:
    async with running(thread_id="thread_x") as driver:
        await driver.until(driver.said, "a sentence")
        assert "thread_x" in driver.said()[0]


async def test_without_an_assistant_the_first_message_makes_one() -> None:
    workspace = FakeWorkspace(assistants=())
    async with running(workspace) as driver:
        await driver.say("hello")
        assert workspace.assistants.drafts[0].model == "llama3.3"
        assert driver.screen.header.assistant == "Assistant"


async def test_a_large_paste_arrives_whole_and_without_controls() -> None:
    async with running() as driver:
        pasted = "line of text\n" * 80_000 + "\x1b]0;title\x07end"
        driver.screen.composer.post_message(events.Paste(pasted))
        composer = driver.screen.composer
        await driver.until(lambda: composer.text, "it arrived")
        assert composer.text == "[Pasted 80,001 lines #1]"
        sent = composer.written.expanded
        assert len(sent) >= 1_000_000
        assert sent.endswith("end")
        assert "\x1b" not in sent


async def test_ctrl_c_destroys_nothing() -> None:
    async with running() as driver:
        await driver.pilot.press(*"draft", "ctrl+c", "ctrl+c")
        await driver.until(driver.said, "a hint")
        assert driver.screen.composer.text == "draft"
        assert "Ctrl+Q" in driver.said()[0]
        assert driver.app.is_running
