from __future__ import annotations

import json
from typing import Any

import pytest

from services.inspection import ModelRequest, RunReport, Step, StepCall, ThreadFigures
from services.records import Run, ServiceError, Usage
from tests.tui.fake_workspace import NOW, FakeWorkspace
from tests.tui.support import Driver, running, threads
from tui.screens.inspection_text import bar, details_of, lines_of, seconds_text
from tui.screens.inspector import Inspector
from tui.widgets.text_pane import TextPane


def a_run(id: str = "run_1", **more: Any) -> Run:
    fields: dict[str, Any] = {
        "status": "completed",
        "model": "gpt-4o",
        "created_at": NOW,
        "started_at": NOW,
        "ended_at": NOW + 40,
        "usage": Usage(1240, 310, 300, 64),
    }
    return Run(id, "thread_1", "asst_1", **(fields | more))


STEPS = (
    Step(
        "step_1",
        "completed",
        NOW,
        NOW + 30,
        calls=(StepCall("function", "get_weather", "call_1", '{\n  "city": "Paris"\n}', "Rain."),),
        usage=Usage(240, 10),
    ),
    Step("step_2", "completed", NOW + 30, NOW + 40, message_id="msg_1"),
)
BODY = {"model": "llama3.3", "messages": [{"role": "system", "content": "Be brief.\nBe kind."}]}
REQUESTS = (
    ModelRequest(1, "llama3.3", "ollama", {"first": True}, NOW, Usage(240, 10), 0.5),
    ModelRequest(2, "llama3.3", "ollama", BODY, NOW + 30, Usage(1000, 300), 9.5),
)


def a_workspace(*reports: RunReport) -> FakeWorkspace:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.inspection.reports = {report.run.id: report for report in reports}
    workspace.inspection.sums = ThreadFigures(3, Usage(5000, 600), 75)
    return workspace


async def inspect(driver: Driver) -> Inspector:
    await driver.open("thread_1")
    await driver.pilot.press("alt+i")
    await driver.until(lambda: isinstance(driver.app.screen, Inspector), "the inspector")
    screen = driver.app.screen
    assert isinstance(screen, Inspector)
    await driver.until(lambda: screen._report is not None, "the run")
    await driver.settle()
    return screen


async def test_a_run_is_told_in_full() -> None:
    async with running(a_workspace(RunReport(a_run(), STEPS, REQUESTS))) as driver:
        await inspect(driver)
        await driver.until(lambda: "This thread so far" in driver.drawn(), "the thread's figures")
        drawn = driver.drawn()
        for shown in (
            "Run 1 of 1 · ✓ completed · 10 s",
            "1,240 in (300 cached), 310 out (64 reasoning)",
            "gpt-4o → llama3.3",
            "get_weather",
            "request 2",
            "Research Assistant",
            "5,000 in, 600 out",
        ):
            assert shown in drawn, shown


async def test_a_step_shows_its_call_and_what_came_of_it() -> None:
    async with running(a_workspace(RunReport(a_run(), STEPS, REQUESTS))) as driver:
        screen = await inspect(driver)
        await driver.pilot.press("down")
        await driver.until(lambda: '"city": "Paris"' in driver.drawn(), "the arguments")
        assert "Rain." in driver.drawn()
        assert "240 in, 10 out" in driver.drawn()
        await driver.pilot.press("enter")
        await driver.until(lambda: screen.query_one(TextPane).has_focus, "the details")


async def test_the_request_that_went_to_the_model_is_shown_and_copied_whole() -> None:
    copied: list[str] = []
    async with running(a_workspace(RunReport(a_run(), STEPS, REQUESTS))) as driver:
        await inspect(driver)
        driver.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await driver.pilot.press("r")
        await driver.until(lambda: '"first": true' in driver.drawn(), "the first request")
        await driver.pilot.press("r")
        await driver.until(lambda: '"role": "system"' in driver.drawn(), "the second")
        assert "↪ Be kind." in driver.drawn(), "a line end in a text breaks the line"
        await driver.pilot.press("c")
        await driver.until(lambda: copied, "it is copied")
        assert json.loads(copied[0]) == BODY


async def test_earlier_runs_are_a_key_away() -> None:
    newest, oldest = a_run("run_2"), a_run("run_1", status="failed", error="No such model.")
    workspace = a_workspace(RunReport(newest, STEPS, ()), RunReport(oldest, (), None))
    async with running(workspace) as driver:
        await inspect(driver)
        assert "Run 2 of 2" in driver.drawn()
        await driver.until(lambda: "are not kept any more" in driver.drawn(), "why there is none")
        await driver.pilot.press("left")
        await driver.until(lambda: "Run 1 of 2" in driver.drawn(), "the earlier one")
        assert "No such model." in driver.drawn()
        assert "does not tell what it asks" in driver.drawn()
        await driver.pilot.press("p", "right")
        await driver.until(lambda: "Run 2 of 2" in driver.drawn(), "and back")
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "the conversation")


async def test_a_run_that_goes_on_does_not_say_that_its_requests_are_gone() -> None:
    run = a_run(status="in_progress", ended_at=None, usage=None)
    async with running(a_workspace(RunReport(run, (), ()))) as driver:
        await inspect(driver)
        await driver.until(lambda: "What the model was asked" in driver.drawn(), "its requests")
        assert "once the model has answered it" in " ".join(driver.drawn().split())
        assert "not kept any more" not in driver.drawn()


async def test_what_cannot_be_read_is_said() -> None:
    workspace = a_workspace()
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("alt+i")
        await driver.until(lambda: "no run in this thread" in driver.drawn(), "a sentence")
        workspace.inspection.error = ServiceError("The server is gone.")
        await driver.pilot.press("f9")
        await driver.until(lambda: "The server is gone." in driver.drawn(), "the reason")


@pytest.mark.parametrize("size", [(40, 20), (80, 24), (120, 36)])
async def test_the_inspector_fits_the_terminal(size: tuple[int, int]) -> None:
    async with running(a_workspace(RunReport(a_run(), STEPS, REQUESTS)), size=size) as driver:
        await inspect(driver)
        assert "get_weather" in driver.drawn()
        assert "30 s" in driver.drawn()
        assert ("━━━━━━" in driver.drawn()) or size[0] == 40


async def test_nothing_of_a_run_reaches_the_terminal_raw() -> None:
    hostile = "\x1b]52;c;AAAA\x07[@click=app.quit]x[/]"
    call = StepCall("function", hostile, hostile, hostile, hostile)
    step = Step(hostile, "failed", NOW, NOW, calls=(call,), error=hostile)
    request = ModelRequest(1, hostile, hostile, {"a": hostile})
    report = RunReport(a_run(model=hostile, error=hostile), (step,), (request,))
    async with running(a_workspace(report)) as driver:
        await inspect(driver)
        for key in ("down", "down"):
            await driver.pilot.press(key)
            await driver.settle()
            assert "\x1b" not in driver.drawn()
            assert "@click" in driver.drawn()


async def test_a_long_request_costs_what_is_on_the_screen() -> None:
    body = {"messages": [{"role": "user", "content": "word " * 40_000} for _ in range(20)]}
    report = RunReport(a_run(), STEPS, (ModelRequest(1, "m", "e", body),))
    async with running(a_workspace(report)) as driver:
        screen = await inspect(driver)
        await driver.pilot.press("r")
        pane = screen.query_one(TextPane)
        await driver.until(lambda: pane.line_count > 10_000, "all of it")
        pane.focus()
        await driver.pilot.press("end")
        await driver.until(lambda: "}" in driver.drawn(), "its end")
        assert len(pane._pieces) < 100
        assert len(screen.query("*")) < 15


# What is told


@pytest.mark.parametrize(
    ("ends", "drawn"),
    [
        ((0, 10), "━━━━━━━━━━"),
        ((5, 10), "·····━━━━━"),
        ((0, 0), "━·········"),
        ((10, 10), "·········━"),
        ((-5, 99), "━━━━━━━━━━"),
    ],
)
def test_a_bar_lies_where_its_time_lies(ends: tuple[float, float], drawn: str) -> None:
    assert bar(ends, (0, 10), 10) == drawn


def test_a_run_without_any_length_still_has_bars() -> None:
    assert bar((3, 3), (3, 3), 5) == "━····"


def test_a_run_that_goes_on_is_drawn_until_now() -> None:
    run = a_run(status="in_progress", ended_at=None, usage=None)
    running_step = Step("step_1", "in_progress", NOW + 1)
    lines = lines_of(RunReport(run, (running_step,)), now=NOW + 5)
    assert lines[0].span == (NOW, NOW + 5)
    assert lines[1].span == (NOW + 1, NOW + 5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_code_and_passages_are_told_as_what_they_are() -> None:
    calls = (
        StepCall("code_interpreter", "code_interpreter", "call_1", "print(1)", "1\n"),
        StepCall("file_search", "file_search", "call_2", "", "0.9  report.pdf"),
    )
    report = RunReport(a_run(), (Step("s", "completed", NOW, calls=calls),))
    parts = dict(details_of(report, "step/0", "", None))
    assert parts["Code"] == "print(1)"
    assert parts["Call 2 of 2: file search"] == "call_2"
