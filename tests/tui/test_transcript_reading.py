"""The cursor over blocks, what can be done with one, and selecting by keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.fake_workspace import FakeWorkspace, a_message
from tests.tui.support import Driver, running, threads
from tests.tui.test_transcript import SIZE, Screenful, find, lines, message, of, own
from tests.waiting import until
from tui.screens.block_view import BlockCanvas
from tui.transcript import Transcript
from tui.transcript.block_parts import codes_in

TEXT = """\
A paragraph with **bold** words.

- one
- two

```py
def f():
    return 1
```

| Name | Value |
|:-----|------:|
| a \\| b | 1 |
| c | 2 |

> A quote.

1. Do this:
   ```sh
   ls -l
   ```
"""


def barred(transcript: Transcript) -> list[str]:
    """The lines that the cursor is on."""
    return [line[2:] for line in lines(transcript) if line.startswith("▌")]


async def test_the_cursor_goes_from_a_message_into_its_blocks_and_out_again() -> None:
    async with Screenful([own(0, "Hello?"), message(1, TEXT)]).run_test(size=(60, 40)) as pilot:
        transcript = of(pilot)
        await pilot.press("alt+up")
        assert "Helper" in barred(transcript)[0]
        await pilot.press("j")
        assert barred(transcript) == ["A paragraph with bold words."]
        await pilot.press("j")
        assert barred(transcript) == ["• one", "• two"]
        await pilot.press("j")
        assert barred(transcript) == [" py", " def f():", "     return 1"]
        await pilot.press("k", "k", "k")
        assert "Helper" in barred(transcript)[0]
        await pilot.press("k")
        assert barred(transcript) == ["Hello?"]
        await pilot.press("k")
        assert barred(transcript)[0].startswith("You")


@pytest.mark.parametrize(
    ("presses", "copied"),
    [
        (1, "A paragraph with **bold** words."),
        (2, "- one\n- two"),
        (3, "def f():\n    return 1"),
        (4, "| Name | Value |\n| :--- | ---: |\n| a \\| b | 1 |\n| c | 2 |"),
        (5, "> A quote."),
    ],
)
async def test_a_block_is_copied_as_it_was_written(presses: int, copied: str) -> None:
    app = Screenful([message(1, TEXT)])
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.press("alt+up", *["j"] * presses, "c")
        await until(lambda: app.copied == [copied])


async def test_the_code_of_a_message_is_copied_piece_by_piece() -> None:
    app = Screenful([message(1, TEXT)])
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.press("y", "y", "y")
        await until(lambda: app.copied == ["def f():\n    return 1", "ls -l", *app.copied[:1]])


def test_code_is_found_wherever_it_is_nested() -> None:
    text = "> ```\n> in a quote\n> ```\n\n- a\n\n  ~~~py\n  x = '```'\n  ~~~\n\n```\nnever closed"
    assert codes_in(text) == ["in a quote", "x = '```'", "never closed"]


async def test_a_click_marks_the_block_that_it_hits() -> None:
    async with Screenful([message(1, TEXT)]).run_test(size=(60, 40)) as pilot:
        transcript = of(pilot)
        await pilot.click(Transcript, offset=(6, find(transcript, "two")))
        assert barred(transcript) == ["• one", "• two"]
        await pilot.click(Transcript, offset=(6, find(transcript, "Helper")))
        assert "Helper" in barred(transcript)[0]


async def test_markdown_is_shown_as_written_and_rendered_again() -> None:
    async with Screenful([message(1, "*One*"), message(2, "*Two*")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot.press("w")
        assert [line.strip() for line in lines(transcript) if "T" in line or "O" in line] == [
            "One",
            "▌ *Two*",
        ]
        await pilot.press("w", "W")
        assert any("*One*" in line for line in lines(transcript))
        transcript.put(message(3, "*Three*"))
        assert any("*Three*" in line for line in lines(transcript))
        await pilot.press("W")
        assert not any("*" in line for line in lines(transcript))


async def test_text_that_streams_is_shown_as_written_too() -> None:
    async with Screenful([message(1, "*a", state="streaming")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot.press("w")
        transcript.add_text("m1", "b*")
        transcript.entry("m1")
        assert any("*ab*" in line for line in lines(transcript))
        await pilot.press("w")
        assert any(line.endswith("ab") for line in lines(transcript))


# Selecting by keys


async def test_keys_select_from_the_marked_block_downwards_and_copy_it() -> None:
    app = Screenful([own(0, "Hello?"), message(1, TEXT)])
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.press("alt+up", "j", "shift+down", "shift+down", "shift+down", "shift+end")
        selected = pilot.app.screen.get_selected_text() or ""
        assert selected.startswith("A paragraph with bold words.\n\n• one")
        await pilot.press("c")
        await until(lambda: app.copied and app.copied[0].startswith("A paragraph"))


async def test_keys_select_over_pages_and_by_character() -> None:
    entries = [message(number) for number in range(100)]
    async with Screenful(entries).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot.press("shift+pageup", "shift+pageup")
        selected = pilot.app.screen.get_selected_text() or ""
        assert selected.endswith("Answer 99.")
        assert "Answer 90." in selected
        assert transcript.window.top < 299 - transcript.size.height
        await pilot.press("shift+home")
        selected = pilot.app.screen.get_selected_text() or ""
        assert "Answer 0." in selected
        await pilot.press("alt+down", "shift+down", "shift+left", "shift+left")
        assert pilot.app.screen.get_selected_text()


# In the app


def with_answer(text: str, **more: object) -> FakeWorkspace:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.messages["thread_1"] = [a_message("m1", text, **more)]
    return workspace


async def at_block(driver: Driver, presses: int) -> None:
    await driver.open("thread_1")
    await driver.pilot.press("alt+v")
    await driver.until(lambda: driver.screen.transcript.has_focus)
    await driver.pilot.press("alt+up", *["j"] * presses)


async def test_a_block_is_saved_under_a_fitting_name_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text("mine")
    async with running(with_answer(TEXT)) as driver:
        await at_block(driver, 3)
        await driver.pilot.press("s")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the question")
        field = driver.app.screen.query_one(Input)
        assert field.value == str(tmp_path / "code-2.py")
        await driver.pilot.press("enter")
        await driver.until(lambda: (tmp_path / "code-2.py").exists(), "saved")
        assert (tmp_path / "code-2.py").read_text() == "def f():\n    return 1\n"
        await driver.until(lambda: any("code-2.py" in said for said in driver.said()))
        await driver.pilot.press("j", "s")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the question")
        assert driver.app.screen.query_one(Input).value.endswith("table.csv")
        await driver.pilot.press("enter")
        await driver.until(lambda: (tmp_path / "table.csv").exists(), "saved")
        assert (tmp_path / "table.csv").read_bytes() == b"Name,Value\r\na | b,1\r\nc,2\r\n"


async def test_another_file_is_replaced_only_after_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "mine.txt"
    other.write_text("mine")
    async with running(with_answer("Text.")) as driver:
        await at_block(driver, 1)
        for answer, expected in (("n", "mine"), ("y", "Text.\n")):
            await driver.pilot.press("s")
            await driver.until(lambda: len(driver.app.screen_stack) == 2, "the question")
            driver.app.screen.query_one(Input).value = str(other)
            await driver.pilot.press("enter")
            await driver.until(lambda: "Replace" in driver.drawn(), "it is there already")
            await driver.pilot.press(answer)
            await driver.until(lambda: len(driver.app.screen_stack) == 1)
            await driver.until(lambda text=expected: other.read_text() == text)


async def test_a_folder_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(with_answer("Text.")) as driver:
        await at_block(driver, 0)
        await driver.pilot.press("s")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the question")
        driver.app.screen.query_one(Input).value = "nowhere/x.md"
        await driver.pilot.press("enter")
        await driver.until(lambda: any("There is no folder" in said for said in driver.said()))


@pytest.mark.parametrize("size", [(40, 20), (80, 24), (120, 36)])
async def test_a_wide_table_is_shown_alone_and_scrolled(size: tuple[int, int]) -> None:
    cells = " | ".join("x" * 30 for _ in range(8))
    table = f"| {cells} |\n|{'---|' * 8}\n| {cells} |"
    async with running(with_answer(table), size=size) as driver:
        await at_block(driver, 1)
        await driver.pilot.press("m")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "maximised")
        canvas = driver.app.screen.query_one(BlockCanvas)
        await driver.until(lambda: canvas.virtual_size.width > 8 * 30, "drawn")
        await driver.until(lambda: "╭──" in driver.drawn())
        await driver.pilot.press(*["l"] * 5)
        await driver.until(lambda: canvas.scroll_offset.x > 0, "scrolled")
        driver.app.action_toggle_light_dark()
        await driver.settle()
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)


async def test_what_arrives_below_is_told_with_the_key_that_leads_there() -> None:
    workspace = with_answer("Long.\n\n" * 60)
    async with running(workspace) as driver:
        transcript = driver.screen.transcript
        await at_block(driver, 0)
        await driver.pilot.press("home")
        await driver.until(lambda: "more below · Alt+E" in str(transcript.border_subtitle))
        transcript.prepend([message(7, "Older.")])
        transcript.put(message(2, "News."))
        await driver.until(lambda: "1 new below" in str(transcript.border_subtitle))
        assert not transcript.follows
        await driver.pilot.press("alt+e")
        await driver.until(lambda: transcript.follows)
        await driver.until(lambda: not str(transcript.border_subtitle))


async def test_copying_says_what_was_done_and_no_more() -> None:
    async with running(with_answer(TEXT)) as driver:
        await at_block(driver, 3)
        await driver.pilot.press("c")
        await driver.until(lambda: driver.said())
        (said,) = driver.said()
        assert "Sent the code to the terminal's clipboard" in said
        assert "No terminal confirms" in said
        assert driver.app.clipboard == "def f():\n    return 1"
