"""The terminal's title, and a sign when nobody looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual import events

from services.events import ApprovalNeeded
from services.records import Notify, Settings
from tests.tui.fake_workspace import FakeWorkspace, a_request
from tests.tui.support import Clock, Driver, running
from tui.attention import QUIET, RESTORE_TITLE, SAVE_TITLE, Attention, has_title, sign_of


class Terminal:
    def __init__(self, notify: Notify = "bell", *, title: bool = False) -> None:
        self.written: list[str] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.clock = Clock()
        self.attention = Attention(
            self.written.append,
            lambda seconds, call: self.later.append((seconds, call)),
            self.clock,
            notify=notify,
            title=title,
        )
        self.attention.away = True


def test_a_run_that_ends_out_of_sight_gives_one_sign() -> None:
    terminal = Terminal()
    for status in ("queued", "in_progress", "completed", "completed"):
        terminal.attention.thread_changed("thread_1", "Subject", status)
    assert terminal.written == ["\x07"]


def test_nothing_is_given_while_the_terminal_is_in_front() -> None:
    terminal = Terminal()
    terminal.attention.came_back()
    terminal.attention.thread_changed("thread_1", "Subject", "completed")
    assert terminal.written == []


def test_a_run_that_the_user_stopped_gives_no_sign() -> None:
    terminal = Terminal()
    terminal.attention.thread_changed("thread_1", "Subject", "in_progress")
    terminal.attention.thread_changed("thread_1", "Subject", "cancelled")
    assert terminal.written == []


def test_many_at_once_are_told_together_and_never_in_a_flood() -> None:
    terminal = Terminal("osc9")
    for number in range(50):
        terminal.attention.thread_changed(f"thread_{number}", f"Subject {number}", "completed")
    assert terminal.written == ["\x1b]9;Understudy: Subject 0 has an answer\x07"]
    ((seconds, call),) = terminal.later
    assert 0 < seconds <= QUIET
    terminal.clock.pass_(seconds)
    call()
    assert terminal.written[1:] == ["\x1b]9;Understudy: Subject 49 has an answer, and 48 more\x07"]


def test_whoever_comes_back_is_told_nothing_of_what_came_meanwhile() -> None:
    terminal = Terminal()
    terminal.attention.thread_changed("thread_1", "A", "completed")
    terminal.attention.thread_changed("thread_2", "B", "requires_action")
    terminal.attention.came_back()
    for _, call in terminal.later:
        call()
    assert len(terminal.written) == 1


def test_what_a_thread_is_called_cannot_end_the_sequence() -> None:
    terminal = Terminal("osc777")
    terminal.attention.thread_changed("thread_1", "a;b\x07\x1b\\\x9cc\nd", "failed")
    (written,) = terminal.written
    inner = written.removeprefix("\x1b]777;notify;Understudy;").removesuffix("\x07")
    assert not set(inner) & set("\x07\x1b\x9c\n;")


def test_off_is_off() -> None:
    terminal = Terminal("off")
    terminal.attention.thread_changed("thread_1", "A", "requires_action")
    assert terminal.written == []


@pytest.mark.parametrize(
    ("environment", "sign"),
    [
        ({"TERM": "xterm-256color"}, "bell"),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, "osc9"),
        ({"TERM_PROGRAM": "WezTerm"}, "osc9"),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "/tmp/tmux"}, "bell"),
        ({"TERM": "foot"}, "osc777"),
    ],
)
def test_without_a_setting_the_terminal_decides(environment: dict[str, str], sign: Notify) -> None:
    assert sign_of("auto", environment) == sign
    assert sign_of("osc777", environment) == "osc777"


# -- the title -----------------------------------------------------------------------------------


def titles(terminal: Terminal) -> list[str]:
    return [each[4:-1] for each in terminal.written if each.startswith("\x1b]2;")]


def test_the_title_tells_how_things_stand_and_only_when_it_changes() -> None:
    terminal = Terminal("off", title=True)
    attention = terminal.attention
    attention.shows("Q3 report")
    attention.thread_changed("thread_1", "Q3 report", "in_progress")
    attention.thread_changed("thread_1", "Q3 report", "in_progress")
    attention.thread_changed("thread_2", "Other", "requires_action")
    attention.thread_changed("thread_2", "Other", "completed")
    attention.thread_changed("thread_1", "Q3 report", "completed")
    assert titles(terminal) == [
        "Q3 report - Understudy",
        "● working: Q3 report - Understudy",
        "! decide: Q3 report - Understudy",
        "● working: Q3 report - Understudy",
        "Q3 report - Understudy",
    ]


def test_the_title_that_was_there_is_kept_once_and_given_back() -> None:
    terminal = Terminal("off", title=True)
    assert terminal.attention.farewell() == ""
    terminal.attention.shows("A")
    terminal.attention.shows("B")
    assert terminal.written.count(SAVE_TITLE) == 1
    assert terminal.written[0] == SAVE_TITLE
    assert terminal.attention.farewell() == RESTORE_TITLE


def test_a_title_is_no_way_into_the_terminal() -> None:
    terminal = Terminal("off", title=True)
    terminal.attention.shows("x\x07\x1b]52;c;aGk=\x07")
    (title,) = titles(terminal)
    assert not set(title) & set("\x07\x1b")


def test_consoles_without_a_title_are_sent_none() -> None:
    assert not has_title({"TERM": "linux"})
    assert not has_title({})
    assert has_title({"TERM": "screen-256color"})


# -- in the app ----------------------------------------------------------------------------------


def listening(driver: Driver, notify: Notify = "bell") -> list[str]:
    written: list[str] = []
    attention = driver.app.attention
    attention._write = written.append
    attention._notify = notify
    attention._may_title = True
    return written


async def test_an_answer_that_comes_while_the_terminal_is_away_rings_once() -> None:
    async with running() as driver:
        written = listening(driver)
        await driver.say("hello")
        driver.app.post_message(events.AppBlur())
        await driver.until(lambda: driver.app.attention.away, "away")
        driver.session.write("Hi.")
        driver.session.finish()
        driver.session.end()
        await driver.until(lambda: "\x07" in written, "it rings")
        await driver.settle()
        assert written.count("\x07") == 1


async def test_a_decision_is_in_the_title_until_it_is_made() -> None:
    async with running() as driver:
        written = listening(driver, "off")
        await driver.say("hello")
        await driver.until(lambda: any("● working" in each for each in written), "working")
        driver.session.emit(ApprovalNeeded((a_request(thread_id=driver.thread_id or ""),)))
        await driver.until(lambda: any("! decide" in each for each in written), "decide")
        driver.session.end()
        await driver.until(lambda: "decide" not in written[-1], "over")
        assert "working" not in written[-1]


async def test_with_the_setting_off_nothing_rings_at_all() -> None:
    workspace = FakeWorkspace(settings=Settings(notify="off"))
    async with running(workspace) as driver:
        rung: list[str] = []
        driver.app._driver.write = rung.append  # type: ignore[union-attr, assignment, method-assign]
        driver.app.bell()
        assert rung == []
