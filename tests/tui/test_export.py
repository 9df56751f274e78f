"""Exporting the thread: a name, a format, and never over a file unasked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual.widgets import Input

from services.records import FileThere, ServiceError, Thread
from tests.tui.fake_workspace import FakeWorkspace
from tests.tui.support import Driver, running, threads
from tui.screens.export import ExportScreen


@dataclass
class FakeExports:
    folder: Path = Path("/home/me/notes")
    there: set[str] = field(default_factory=set)
    written: list[tuple[str, str, str]] = field(default_factory=list)
    error: ServiceError | None = None

    def name_for(self, title: str, format: str) -> str:
        return f"{title}.{ {'markdown': 'md'}.get(format, format) }"

    async def thread(
        self, thread: Thread, name: str, format: str, *, replace: bool = False
    ) -> Path:
        if self.error is not None:
            raise self.error
        if name in self.there and not replace:
            raise FileThere(f"There is a file {name} already in {self.folder}.")
        self.written.append((thread.id, name, format))
        return self.folder / name


def a_workspace() -> FakeWorkspace:
    workspace = FakeWorkspace(threads=threads(2))
    workspace.exports = FakeExports()
    return workspace


async def begin(driver: Driver) -> FakeExports:
    await driver.open("thread_1")
    await driver.pilot.press("alt+x")
    await driver.until(lambda: isinstance(driver.app.screen, ExportScreen), "the dialog")
    await driver.settle()
    exports = driver.workspace.exports
    assert isinstance(exports, FakeExports)
    return exports


async def test_enter_writes_markdown_under_the_title() -> None:
    async with running(a_workspace()) as driver:
        exports = await begin(driver)
        assert "In /home/me/notes" in driver.drawn()
        await driver.pilot.press("enter")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "done")
        assert exports.written == [("thread_1", "Subject 1.md", "markdown")]
        assert driver.said() == ["Exported to /home/me/notes/Subject 1.md"]


@pytest.mark.parametrize(("steps", "format"), [(1, "markdown"), (2, "json"), (3, "html")])
async def test_each_format_has_a_button_that_keys_reach(steps: int, format: str) -> None:
    async with running(a_workspace()) as driver:
        exports = await begin(driver)
        await driver.pilot.press(*["down"] * steps, "enter")
        await driver.until(lambda: exports.written, "written")
        ending = "md" if format == "markdown" else format
        assert exports.written == [("thread_1", f"Subject 1.{ending}", format)]


async def test_the_ending_of_a_name_says_the_format() -> None:
    async with running(a_workspace()) as driver:
        exports = await begin(driver)
        driver.app.screen.query_one(Input).value = "mine.json"
        await driver.pilot.press("enter")
        await driver.until(lambda: exports.written, "written")
        assert exports.written == [("thread_1", "mine.json", "json")]


async def test_a_name_without_an_ending_is_asked_about() -> None:
    async with running(a_workspace()) as driver:
        exports = await begin(driver)
        driver.app.screen.query_one(Input).value = "mine"
        await driver.pilot.press("enter")
        await driver.until(lambda: "End the name in .md" in driver.drawn(), "told")
        assert exports.written == []
        await driver.pilot.press("down", "down", "down", "enter")
        await driver.until(lambda: exports.written, "written")
        assert exports.written == [("thread_1", "mine.html", "html")]


async def test_a_file_is_replaced_only_when_it_is_said_twice() -> None:
    async with running(a_workspace()) as driver:
        exports = await begin(driver)
        exports.there = {"Subject 1.md", "other.md"}
        await driver.pilot.press("enter")
        await driver.until(lambda: "already in" in driver.drawn(), "asked")
        assert exports.written == []
        field = driver.app.screen.query_one(Input)
        field.value = "other.md"
        await driver.pilot.press("enter")
        await driver.until(lambda: "other.md already in" in driver.drawn(), "asked again")
        assert exports.written == []
        await driver.pilot.press("enter")
        await driver.until(lambda: exports.written, "replaced")
        assert exports.written == [("thread_1", "other.md", "markdown")]


async def test_an_export_that_fails_says_so_and_can_be_tried_again() -> None:
    async with running(a_workspace()) as driver:
        exports = await begin(driver)
        exports.error = ServiceError("The thread was not exported: the disk is full.")
        await driver.pilot.press("enter")
        await driver.until(lambda: "the disk is full" in driver.drawn(), "told")
        exports.error = None
        await driver.pilot.press("enter")
        await driver.until(lambda: exports.written, "written")


async def test_escape_writes_nothing() -> None:
    async with running(a_workspace(), size=(40, 20)) as driver:
        exports = await begin(driver)
        assert "Markdown" in driver.drawn()
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "back")
        assert exports.written == []
