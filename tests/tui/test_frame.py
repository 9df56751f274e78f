"""The frame around the conversation: footer, help, palette, jump mode."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from services.records import Settings
from tests.tui.fake_workspace import FakeWorkspace, a_message
from tests.tui.support import Driver, running, threads
from tui.commands import BY_ID, COMMANDS
from tui.screens.help import HelpScreen, fits, help_text
from tui.screens.jump import JumpLabel, JumpScreen
from tui.widgets.row_list import RowList
from tui.widgets.status_footer import fitting

# -- the footer ----------------------------------------------------------------------------------


def footer(driver: Driver) -> str:
    return driver.screen.footer.render().plain


async def go(driver: Driver, place: str) -> None:
    driver.screen.go_to(place)
    await driver.until(lambda: driver.screen.query_one(f"#{place}").has_focus, place)
    await driver.settle()


async def test_the_footer_follows_the_focus() -> None:
    async with running(FakeWorkspace(threads=threads(3)), size=(160, 36)) as driver:
        await go(driver, "threads")
        assert footer(driver).strip().startswith("/ filter")
        await go(driver, "assistants")
        told = footer(driver)
        assert "new assistant" in told
        assert "filter" not in told
        await go(driver, "composer")
        assert "new assistant" not in footer(driver)


async def test_in_the_conversation_the_footer_tells_what_can_be_done_with_a_message() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.messages["thread_1"] = [a_message("msg_1", "Hello")]
    async with running(workspace, size=(160, 36)) as driver:
        await driver.open("thread_1")
        await go(driver, "transcript")
        assert "copy" in footer(driver)
        assert "full screen" in footer(driver)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 250])
async def test_the_footer_is_never_wider_than_the_screen_and_always_tells_help(width: int) -> None:
    async with running(FakeWorkspace(threads=threads(3)), size=(width, 20)) as driver:
        for place in ("threads", "transcript", "composer"):
            await go(driver, place)
            told = footer(driver)
            assert len(told) <= width
            assert "f1 help" in told
            assert "^p commands" in told


async def test_what_waits_for_the_user_comes_first() -> None:
    async with running() as driver:
        await driver.say("hello")
        await driver.settle()
        assert footer(driver).strip().startswith("esc stop")
        driver.session.end()


async def test_a_key_of_the_users_own_is_in_the_footer_and_one_taken_away_is_not() -> None:
    workspace = FakeWorkspace(settings=Settings(keymap={"thread.new": "f12", "app.jump": ""}))
    async with running(workspace) as driver:
        assert "f12 new" in footer(driver)
        assert "jump" not in footer(driver)


def test_what_does_not_fit_is_left_out_from_the_middle() -> None:
    items = [(key, "word", key) for key in "abcdef"]
    assert [key for key, _, _ in fitting(items, 31)] == ["a", "b", "e", "f"]
    assert [key for key, _, _ in fitting(items, 200)] == list("abcdef")
    assert [key for key, _, _ in fitting(items, 8)] == ["f"]
    assert fitting(items, 2) == []


# -- help ----------------------------------------------------------------------------------------


def told_by_help(driver: Driver) -> str:
    return str(driver.app.screen.query_one("#help-text", Static).render())


async def opened_help(driver: Driver) -> None:
    await driver.pilot.press("f1")
    await driver.until(lambda: isinstance(driver.app.screen, HelpScreen), "help")
    await driver.until(lambda: "Quit" in told_by_help(driver), "it is drawn")


async def test_help_is_filtered_by_what_is_typed() -> None:
    async with running() as driver:
        await opened_help(driver)
        await driver.pilot.press(*"undo")
        await driver.until(lambda: "Quit" not in told_by_help(driver), "it is filtered")
        assert "Bring the deleted thread back" in told_by_help(driver)
        await driver.pilot.press("escape")
        await driver.until(lambda: "Quit" in told_by_help(driver), "the filter is gone")
        assert isinstance(driver.app.screen, HelpScreen)
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "help is closed")


async def test_help_begins_with_the_place_that_has_the_focus() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        await go(driver, "threads")
        await opened_help(driver)
        assert told_by_help(driver).startswith("Where you are: in the thread list")


async def test_help_scrolls_while_the_filter_has_the_focus() -> None:
    async with running(size=(80, 20)) as driver:
        await opened_help(driver)
        scroll = driver.app.screen.query_one("VerticalScroll")
        await driver.pilot.press("pagedown", "down")
        await driver.until(lambda: scroll.scroll_offset.y > 1, "it scrolled")


def test_help_finds_commands_by_any_word_key_or_id() -> None:
    quits = BY_ID["app.quit"]
    for wanted in ("", "quit", "Ctrl+Q", "app.quit", "leave kept"):
        assert fits(quits, {}, wanted), wanted
    assert not fits(quits, {}, "quit thread.new")
    assert "No command fits" in help_text({}, 80, "xyzzy").plain


@pytest.mark.parametrize("width", [34, 76, 98])
def test_help_names_every_id_for_the_settings(width: int) -> None:
    told = help_text({}, width).plain
    assert all(command.id in told for command in COMMANDS)


# -- the palette ---------------------------------------------------------------------------------


async def listed(driver: Driver, typed: str = "") -> list[str]:
    await driver.pilot.press("ctrl+p")
    await driver.until(lambda: len(driver.app.screen.query(OptionList)) == 1, "the palette")
    if typed:
        await driver.pilot.press(*typed)
    options = driver.app.screen.query_one(OptionList)
    await driver.until(lambda: options.option_count, "something is listed")
    await driver.settle()
    return [str(option.prompt) for option in options.options]


async def test_the_palette_offers_what_was_used_last_first() -> None:
    async with running() as driver:
        driver.workspace.recent.note("thread.search")
        driver.workspace.recent.note("app.theme")
        found = await listed(driver)
        assert found[0].startswith("Choose a theme")
        assert found[1].startswith("Search all threads")


async def test_what_the_palette_carries_out_is_remembered_for_the_next_start(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    workspace = FakeWorkspace()
    async with running(workspace) as driver:
        await listed(driver, "new thread")
        await driver.pilot.press("enter")
        await driver.until(lambda: workspace.recent.ids == ("thread.new",), "it is noted")
    await workspace.recent.save()
    again = FakeWorkspace()
    await again.recent.load()
    assert again.recent.ids == ("thread.new",)


async def test_the_palette_finds_by_scattered_letters_and_shows_the_key() -> None:
    async with running() as driver:
        found = await listed(driver, "nwthrd")
        assert any(each.startswith("New thread") and "Ctrl+N" in each for each in found)


async def test_the_palette_says_at_once_what_a_command_needs() -> None:
    async with running() as driver:
        found = await listed(driver, "deny with")
        assert any("Needs a decision that is asked for." in each for each in found)


# -- jump mode -----------------------------------------------------------------------------------


async def jump(driver: Driver) -> dict[str, tuple[int, int]]:
    """The letters on the screen and where they are."""
    await driver.pilot.press("alt+j")
    await driver.until(lambda: isinstance(driver.app.screen, JumpScreen), "jump mode")
    await driver.settle()
    return {
        label.target.letter: (label.region.x, label.region.y)
        for label in driver.app.screen.query(JumpLabel)
    }


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize(
    ("letter", "place"),
    [
        ("a", "assistants"), ("t", "threads"), ("v", "transcript"),
        ("m", "composer"), ("l", "files"),
    ],
)  # fmt: skip
async def test_a_letter_goes_to_its_place_at_any_width(width: int, letter: str, place: str) -> None:
    async with running(FakeWorkspace(threads=threads(3)), size=(width, 24)) as driver:
        await jump(driver)
        assert f" {letter} " in driver.drawn()
        await driver.pilot.press(letter)
        await driver.until(lambda: driver.screen.query_one(f"#{place}").has_focus, place)
        assert driver.screen.composer.text == ""


async def test_letters_are_on_the_corners_of_their_places() -> None:
    async with running() as driver:
        for letter, at in (await jump(driver)).items():
            widget = {"a": "assistants", "t": "threads", "v": "transcript", "m": "composer"}.get(
                letter
            )
            if widget:
                region = driver.screen.query_one(f"#{widget}").region
                assert at == (region.x, region.y)


async def test_escape_leaves_jump_mode_with_the_focus_where_it_was() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        await go(driver, "threads")
        await jump(driver)
        await driver.pilot.press("z")  # no place has it: nothing happens
        assert isinstance(driver.app.screen, JumpScreen)
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "over")
        assert driver.screen.thread_list.has_focus


async def test_jump_mode_works_in_a_dialog() -> None:
    async with running(FakeWorkspace(threads=threads(1)), size=(80, 24)) as driver:
        await go(driver, "assistants")
        await driver.pilot.press("n")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the form")
        form = driver.app.screen
        await driver.settle()
        letters = await jump(driver)
        assert len(letters) > 2
        before = form.focused
        jumping = driver.app.screen
        assert isinstance(jumping, JumpScreen)
        other = next(
            one for one in jumping.targets if getattr(one.go, "func", None) != before
            and one.letter == list(letters)[-1]
        )  # fmt: skip
        await driver.pilot.press(other.letter)
        await driver.until(lambda: driver.app.screen is form, "back in the form")
        await driver.until(lambda: form.focused is not before, "another field")


async def test_a_click_on_a_letter_goes_there() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        letters = await jump(driver)
        x, y = letters["t"]
        await driver.pilot.click(offset=(x + 1, y))
        await driver.until(lambda: driver.screen.thread_list.has_focus, "the threads")


async def test_a_resize_ends_jump_mode() -> None:
    async with running() as driver:
        await jump(driver)
        await driver.pilot.resize_terminal(60, 20)
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "over")


# -- any size ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(40, 10), (40, 24), (80, 10), (250, 60), (20, 5)])
async def test_it_can_be_used_at_any_size(size: tuple[int, int]) -> None:
    async with running(FakeWorkspace(threads=threads(3)), size=size) as driver:
        await driver.say("hello")
        driver.session.write("Hi.")
        driver.session.finish()
        driver.session.end()
        await driver.until(lambda: "Hi." in driver.drawn(), "the answer is in view")
        await opened_help(driver)
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "closed")


async def test_a_storm_of_resizes_ends_in_a_screen_of_the_last_size() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        for width in (40, 250, 79, 80, 110, 41, 200, 100):
            await driver.pilot.resize_terminal(width, 10 + width % 30)
        await driver.until(lambda: driver.screen.size.width == 100, "the last size")
        lines = driver.drawn().split("\n")
        assert all(len(line) <= 100 for line in lines)
        assert driver.screen.composer.has_focus
        await driver.pilot.press("x")
        assert driver.screen.composer.text == "x"


async def test_with_the_mouse_alone_a_list_and_the_footer_can_be_used() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        rows = driver.screen.thread_list
        assert isinstance(rows, RowList)
        await driver.pilot.click(rows, offset=(3, 2))
        await driver.until(lambda: driver.thread_id == "thread_2", "the second thread is shown")
        at = footer(driver).index("f1 help")
        await driver.pilot.click(driver.screen.footer, offset=(at + 2, 0))
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen), "help")
        assert driver.app.screen.query_one(Input).has_focus
