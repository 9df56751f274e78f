"""The conversation as lines of text."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.events import ApprovalNeeded, StepChanged
from services.records import (
    Answer,
    Approve,
    Deny,
    ServiceError,
    ToolCall,
    ToolStep,
    Usage,
)
from tests.tui.fake_workspace import NOW, FakeSession, FakeWorkspace, a_message, a_request
from tests.tui.support import threads
from tests.waiting import until
from tui.commands import BY_ID
from tui.plain import decision
from tui.plain.carrying_out import Doing
from tui.plain.commands import WORDS, Said, help_lines, understood
from tui.plain.front import PlainFront
from tui.plain.voice import Voice


class Typist:
    """Lines that a test types when it wants to; knows what it was asked."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.forgotten = 0

    async def line(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return await self.lines.get()

    def forget(self) -> None:
        self.forgotten += 1

    def remember(self, lines: Sequence[str]) -> None:
        self.history = list(lines)

    def type(self, *lines: str | None) -> None:
        for line in lines:
            self.lines.put_nowait(line)


class Desk:
    def __init__(self, workspace: FakeWorkspace) -> None:
        self.workspace = workspace
        self.out = io.StringIO()
        self.typist = Typist()
        self.front = PlainFront(workspace, Voice(self.out), self.typist)  # type: ignore[arg-type]

    @property
    def told(self) -> str:
        return self.out.getvalue()

    async def until_told(self, words: str) -> None:
        await until(lambda: words in self.told)

    async def asked(self, times: int) -> None:
        """So many lines were asked for."""
        await until(lambda: len(self.typist.prompts) >= times)

    @property
    def session(self) -> FakeSession:
        return next(iter(self.workspace.runs.sessions.values()))


@asynccontextmanager
async def talking(workspace: FakeWorkspace | None = None) -> AsyncIterator[Desk]:
    """The program, until it ends; a test that leaves it running ends its input."""
    desk = Desk(workspace or FakeWorkspace())
    running = asyncio.create_task(desk.front.run())
    try:
        await desk.asked(1)
        yield desk
        desk.typist.type(None)
        assert await asyncio.wait_for(running, 10) == 0
    finally:
        running.cancel()


async def test_an_answer_is_told_in_order_between_lines_that_say_what_happens() -> None:
    async with talking() as desk:
        desk.typist.type("What is a thread?")
        await desk.until_told("Sent.")
        desk.session.write("A thread is a conv")
        desk.session.write("ersation. It ke")
        await desk.until_told("A thread is a conversation. ")
        assert "It ke" not in desk.told  # no half words
        desk.session.write("eps its messages")
        desk.session.finish()
        desk.session.end(usage=Usage(1200, 30))
        await desk.until_told("End of the answer. 1,200 tokens in, 30 out.")
        told = desk.told.splitlines()
        at = told.index("Research Assistant:")
        assert told[at + 1] == "A thread is a conversation. It keeps its messages"
        assert told[at + 2].startswith("End of the answer")


async def test_nothing_moves_the_cursor_or_draws_a_box() -> None:
    async with talking(FakeWorkspace(threads=threads(3))) as desk:
        desk.typist.type("hello", "/help", "/threads")
        await desk.until_told("Sent.")
        desk.session.write("# Head\n\n| a | b |\n|---|---|\n\x1b[2Jgone \x9b5n")
        desk.session.finish()
        desk.session.end()
        await desk.until_told("Subject 3")
        assert "\x1b" not in desk.told
        assert "\x9b" not in desk.told
        assert "\r" not in desk.told
        assert not set(desk.told) & set("─│┌┐└┘╭╮╰╯━┃◐▸")


async def test_a_tool_call_is_told_when_it_begins_and_when_it_is_over() -> None:
    async with talking() as desk:
        desk.typist.type("weather?")
        await desk.until_told("Sent.")
        call = ToolCall("call_1", "function", "getWeather", '{"city": "Paris"}')
        step = ToolStep("step_1", "run_1", (call,), "in_progress", NOW)
        desk.session.emit(StepChanged(step), StepChanged(step))
        await desk.until_told("Calling function getWeather.")
        done = ToolCall("call_1", "function", "getWeather", "{}", output="21 degrees")
        desk.session.emit(StepChanged(ToolStep("step_1", "run_1", (done,), "completed", NOW)))
        await desk.until_told("Function getWeather gave back: 21 degrees.")
        assert desk.told.count("Calling function") == 1
        desk.session.end()


# -- decisions -----------------------------------------------------------------------------------


@asynccontextmanager
async def deciding(**more: Any) -> AsyncIterator[Desk]:
    async with talking() as desk:
        desk.typist.type("weather?")
        await desk.until_told("Sent.")
        request = a_request(thread_id=desk.session.thread_id, **more)
        desk.session.emit(ApprovalNeeded((request,)))
        await until(lambda: desk.typist.prompts[-1] == "Decision: ")
        yield desk
        if desk.session.active:
            desk.session.end()


async def test_a_decision_is_told_whole_before_it_is_asked_for() -> None:
    async with deciding(warnings=("It writes files.",)) as desk:
        for words in ("get_weather", '"city": "Paris"', "Warning: It writes files.", "as you"):
            assert words in desk.told
        assert desk.typist.forgotten == 1  # nothing typed before may answer it
        desk.typist.type("run")
        await until(lambda: desk.session.decisions)
        ((call_id, decided),) = desk.session.decisions
        assert call_id == "call_1"
        assert decided == Approve("print of call_1")


@pytest.mark.parametrize("line", ["", "y", "r", "1", "yes please run", "runn", "run it", "ok"])
async def test_only_a_whole_word_decides(line: str) -> None:
    async with deciding() as desk:
        desk.typist.type(line)
        await desk.until_told("Nothing was decided.")
        assert desk.session.decisions == []


async def test_a_denial_takes_its_reason_along() -> None:
    async with deciding() as desk:
        desk.typist.type("deny not that city")
        await until(lambda: desk.session.decisions)
        assert desk.session.decisions[0][1] == Deny("not that city")


async def test_a_call_that_cannot_run_here_is_answered_by_hand() -> None:
    async with deciding(runs_here=False) as desk:
        assert "Type one of: answer" in desk.told
        desk.typist.type("run", "answer 21 degrees")
        await until(lambda: desk.session.decisions)
        assert "It cannot run here." in desk.told
        assert desk.session.decisions[0][1] == Answer("print of call_1", "21 degrees")


async def test_a_decision_put_off_is_come_back_to_without_repeating_the_answer() -> None:
    async with talking() as desk:
        desk.typist.type("weather?")
        await desk.until_told("Sent.")
        desk.session.write("I shall ask. ")
        desk.session.emit(ApprovalNeeded((a_request(thread_id=desk.session.thread_id),)))
        await until(lambda: desk.typist.prompts[-1] == "Decision: ")
        desk.typist.type("later", "and now?", "/decide")
        await desk.until_told("waits for your decision first")
        await until(lambda: desk.typist.prompts.count("Decision: ") == 2)
        desk.typist.type("deny")
        await until(lambda: desk.session.decisions)
        desk.session.write("Then not.")
        desk.session.finish()
        desk.session.end()
        await desk.until_told("Then not.")
        assert desk.told.count("I shall ask.") == 1


async def test_stop_ends_the_run_with_what_was_written() -> None:
    async with deciding() as desk:
        desk.typist.type("stop")
        await until(lambda: desk.session.cancelled)
        await desk.until_told("Stopped.")


def test_hidden_characters_of_a_call_are_told_as_escapes() -> None:
    request = a_request(canonical='{"path": "a\u202eb"}', tool="rm\u200b")
    told = "\n".join(decision.told(request, "x"))
    assert "\\u{202E}" in told
    assert "rm\\u{200B}" in told


# -- commands ------------------------------------------------------------------------------------


def test_every_word_stands_for_a_command_of_the_table_and_is_carried_out() -> None:
    doing = Doing(FakeWorkspace(), Voice(io.StringIO()))  # type: ignore[arg-type]
    assert {id for id, _ in WORDS.values()} == set(doing._commands)
    assert set(doing._commands) <= set(BY_ID)
    told = "\n".join(help_lines())
    for word, (id, _) in WORDS.items():
        assert f"/{word}" in told
        assert BY_ID[id].title in told


@pytest.mark.parametrize(
    ("typed", "id", "rest"),
    [
        ("new", "thread.new", ""),
        ("thread.new", "thread.new", ""),
        ("New thread", "thread.new", ""),
        ("rename  A better title", "thread.rename", "A better title"),
        ("open 3", "thread.open", "3"),
        ("QUIT", "app.quit", ""),
    ],
)
def test_a_command_is_called_by_word_id_or_title(typed: str, id: str, rest: str) -> None:
    assert understood(typed) == Said(BY_ID[id], rest)


def test_a_command_of_the_full_screen_says_so_and_an_unknown_one_says_how_to_go_on() -> None:
    assert "full screen" in str(understood("app.theme"))
    assert "/help" in str(understood("nonsense"))
    assert "/help" in str(understood(""))


async def test_threads_are_opened_by_their_number_and_read() -> None:
    workspace = FakeWorkspace(threads=threads(3))
    workspace.threads.messages["thread_2"] = [
        a_message("msg_1", "Why?", own=True, thread_id="thread_2"),
        a_message("msg_2", "Because.", thread_id="thread_2"),
    ]
    async with talking(workspace) as desk:
        desk.typist.type("/threads", "/open 2")
        await desk.until_told("Because.")
        assert "2. Subject 2" in desk.told
        told = desk.told
        assert told.index("Why?") < told.index("Because.")
        desk.typist.type("/open 9")
        await desk.until_told("Say which")


async def test_a_thread_that_waits_asks_when_it_is_opened() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    session = FakeSession("thread_1", "asst_1", None)
    session.emit(ApprovalNeeded((a_request(),)))
    workspace.runs.resumable["thread_1"] = session
    async with talking(workspace) as desk:
        desk.typist.type("/open 1")
        await desk.until_told("Decision needed, call 1 of 1.")
        desk.typist.type("later")
        await desk.until_told("The call waits.")


async def test_what_fails_is_a_sentence_and_the_conversation_goes_on() -> None:
    async with talking() as desk:
        desk.typist.type("/rename X", "/new")
        await desk.until_told("This thread begins with its first message")
        await desk.until_told("A new thread.")


async def test_without_a_connection_it_says_how_to_go_on_and_loses_nothing() -> None:
    workspace = FakeWorkspace()
    workspace.open_error = ServiceError("The engine did not start.")
    async with talking(workspace) as desk:
        assert "The engine did not start. /connect tries again." in desk.told
        desk.typist.type("/threads")
        await desk.until_told("There is no connection.")
        workspace.open_error = None
        desk.typist.type("/connect", "hello")
        await desk.until_told("Sent.")
        desk.session.end()


async def test_a_line_that_ends_in_a_backslash_goes_on() -> None:
    async with talking() as desk:
        desk.typist.type("one\\", "two")
        await desk.until_told("Sent.")
        assert desk.workspace.runs.sent[0][-1] == "one\ntwo"
        desk.session.end()


async def test_two_slashes_send_a_text_that_begins_with_one() -> None:
    async with talking() as desk:
        desk.typist.type("//etc is a folder")
        await desk.until_told("Sent.")
        assert desk.workspace.runs.sent[0][-1] == "/etc is a folder"
        desk.session.end()


# -- the voice -----------------------------------------------------------------------------------


def test_long_text_without_a_sentence_is_told_in_pieces_at_spaces() -> None:
    out = io.StringIO()
    voice = Voice(out)
    voice.add("word " * 60)
    assert out.getvalue()
    assert out.getvalue().endswith(" ")
    voice.finish()
    assert out.getvalue() == "word " * 60 + "\n"


def test_a_line_never_begins_in_the_middle_of_another() -> None:
    out = io.StringIO()
    voice = Voice(out)
    voice.add("Half a sent")
    voice.line("Stopping.")
    assert out.getvalue() == "Half a sent\nStopping.\n"
