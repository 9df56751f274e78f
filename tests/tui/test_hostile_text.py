"""Names, titles, errors, tool names and arguments that would like to be more than text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

import tui
from services.events import ApprovalNeeded, StepChanged
from services.records import (
    Assistant,
    Attachment,
    ConnectionState,
    SearchHit,
    ServiceError,
    Thread,
    ToolCall,
    ToolStep,
)
from tests.tui.fake_workspace import NOW, FakeWorkspace, a_message, a_request
from tests.tui.support import Driver, running
from tui.screens.search import SearchScreen

CLICK = "[@click=app.quit]press[/]"
HOSTILE = (
    CLICK,
    "[/nope] [red]x[/blue] [link='x]",
    "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x00",
    "a\u202eb\u200bc\U000e0041",
    "[" * 50,
    "[ @click=app.quit]x[/]",
)


def no_controls(drawn: str) -> bool:
    return not any(
        (ord(letter) < 32 and letter != "\n") or 0x7F <= ord(letter) < 0xA0 or letter == "\u202e"
        for letter in drawn
    )


async def walk_over(driver: Driver) -> None:
    """Click every second cell of the screen; nothing in a text may act."""
    width, height = driver.app.size
    for y in range(height):
        for x in range(0, width, 7):
            meta = driver.app.screen.get_style_at(x, y).meta
            assert "@click" not in meta, (x, y, meta)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_every_field_is_inert(text: str) -> None:
    workspace = FakeWorkspace(
        assistants=(Assistant("asst_1", text, text, text, text),),
        threads=(Thread("thread_1", text, NOW, NOW, None, "asst_1"),),
    )
    workspace.connection = ConnectionState(text, text, True, text, text)
    attachment = Attachment(text, ("file_search",))
    workspace.threads.messages["thread_1"] = [
        a_message("m1", text, own=True, attachments=(attachment,)),
        a_message("m2", text),
    ]
    hit = SearchHit(
        "thread_1", text, "m1", text, NOW, f"words {text}", ((0, 5), (6, 6 + len(text)))
    )
    workspace.threads.hits = (hit,)
    async with running(workspace, size=(140, 40)) as driver:
        assert no_controls(driver.drawn())
        await driver.open("thread_1")
        await driver.say(text or "x")
        driver.session.emit(
            StepChanged(
                ToolStep(
                    "s1", "run_1", (ToolCall("c1", "function", text, text, text),), "failed", NOW,
                    error=text,
                )
            )
        )  # fmt: skip
        driver.session.write(text)
        driver.session.emit(
            ApprovalNeeded(
                (
                    a_request(
                        tool=text, description=text, arguments=text, canonical=text, origin=text,
                        warnings=(text,),
                    ),
                )
            )
        )  # fmt: skip
        await driver.until(lambda: driver.screen.decision, "the card")
        await driver.settle()
        assert no_controls(driver.drawn())
        await walk_over(driver)
        await driver.pilot.press("f")
        await driver.settle()
        assert no_controls(driver.drawn())
        await walk_over(driver)
        await driver.pilot.press("escape")
        driver.session.end("failed", text)
        await driver.until(lambda: not driver.screen.flow.active, "it ended")
        driver.screen.say(text, "error")
        await driver.settle()
        assert no_controls(driver.drawn())
        driver.screen.action_delete_thread()
        await driver.until(lambda: workspace.deletions.pending, "it is deleted")
        await driver.settle()
        assert no_controls(driver.drawn())
        driver.screen.action_undo_delete()
        await driver.until(lambda: driver.thread_id == "thread_1", "it is back")
        await driver.settle()
        assert no_controls("".join(driver.said()))
        driver.screen.action_search_threads()
        await driver.until(lambda: isinstance(driver.app.screen, SearchScreen), "the search")
        await driver.settle()
        driver.app.screen.query_one(Input).value = "words"
        results = driver.app.screen.query_one(OptionList)
        await driver.until(lambda: results.option_count, "a result")
        await driver.settle()
        assert no_controls(driver.drawn())
        await walk_over(driver)
        await driver.pilot.press("escape")
        driver.screen.action_edit_assistant()
        await driver.settle()
        assert no_controls(driver.drawn())
        await driver.pilot.press("escape")
        await driver.settle()
        await driver.pilot.press("ctrl+p", *"thread")
        await driver.settle()
        assert no_controls(driver.drawn())
        assert driver.app.is_running


async def test_hostile_errors_are_shown_as_text() -> None:
    workspace = FakeWorkspace()
    workspace.runs.error = ServiceError(f"{CLICK} \x1b[31m")
    async with running(workspace) as driver:
        await driver.pilot.press(*"x", "enter")
        await driver.until(lambda: driver.entry("send/1"), "the notice")
        await driver.settle()
        assert no_controls(driver.drawn())
        assert CLICK in driver.drawn()


WIDGETS = {"Static", "Label", "Button", "OptionList", "SelectionList"}
FROM_CONTENT = {"content", "Content", "assemble", "help_text"}


def _is_content(node: ast.expr) -> bool:
    """A literal, or an expression that makes ``Content``."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        return name in FROM_CONTENT
    return False


def _no_markup(call: ast.Call) -> bool:
    return any(
        keyword.arg == "markup"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
        for keyword in call.keywords
    )


def markup_risks(source: str) -> list[str]:
    """Calls that could hand a text to something that reads markup."""
    risks = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).split("[")[0].rsplit(".", 1)[-1]
            is_widget = name in WIDGETS and not _no_markup(node)
            if is_widget and not all(_is_content(argument) for argument in node.args):
                risks.append(f"{node.lineno}: {name}")
            if name == "notify" and not _no_markup(node):
                risks.append(f"{node.lineno}: notify")
            if name == "from_markup":
                risks.append(f"{node.lineno}: from_markup")
        if isinstance(node, ast.Assign):
            for target in node.targets:
                named = isinstance(target, ast.Attribute) and target.attr
                if named in ("tooltip", "placeholder", "label") and not _is_content(node.value):
                    risks.append(f"{node.lineno}: {named}")
    return risks


FOLDER = Path(tui.__file__).parent


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER))
)
def test_no_widget_is_given_text_that_could_be_markup(path: Path) -> None:
    found = markup_risks(path.read_text(encoding="utf-8"))
    # The transcript's own placeholder is drawn by itself, not by a markup parser.
    assert [risk for risk in found if "placeholder" not in risk or "entry_field" in str(path)] == []


def test_the_check_for_markup_finds_what_it_is_for() -> None:
    assert markup_risks("Static(title)") == ["1: Static"]
    assert markup_risks("self.notify(text)") == ["1: notify"]
    assert markup_risks("w.tooltip = name") == ["1: tooltip"]
    assert markup_risks("Static(title, markup=False); Static('x'); Static(content(x))") == []
