"""The message box: drafts, what was sent before, folded pastes, keys of a text editor."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, TextArea

from services.outgoing import Outgoing
from services.records import ServiceError
from services.writing import Writing
from tests.tui.fake_workspace import FakeWorkspace
from tests.tui.support import Driver, running, threads
from tests.waiting import until

LONG = "\n".join(f"line {n}" for n in range(84))


async def kept(home: Path) -> Writing:
    """What an app that starts now would find."""
    writing = Writing(home / "data", "default")
    await writing.open()
    return writing


async def paste(driver: Driver, text: str) -> None:
    before = driver.screen.composer.text
    driver.screen.composer.post_message(events.Paste(text))
    await driver.until(lambda: driver.screen.composer.text != before, "it is pasted")


async def test_every_thread_has_a_draft_of_its_own() -> None:
    async with running(FakeWorkspace(threads=threads(2))) as driver:
        composer = driver.screen.composer
        await driver.pilot.press(*"new")
        await driver.open("thread_1")
        assert composer.text == ""
        await driver.pilot.press(*"first")
        await driver.open("thread_2")
        assert composer.text == ""
        await driver.open("thread_1")
        assert composer.text == "first"
        await driver.pilot.press("ctrl+n")
        await driver.until(lambda: composer.text == "new", "the new thread's draft")
        await driver.pilot.press("ctrl+z")
        assert "first" not in composer.text


async def test_a_draft_is_on_disk_within_moments_and_after_a_switch(home: Path) -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.pilot.press(*"not lost")

        async def there() -> bool:
            return (await kept(home)).outbox(None).message.text == "not lost"

        await until(there)


async def test_a_draft_is_there_again_in_the_next_session(home: Path) -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.open("thread_1")
        await driver.pilot.press(*"half a sent")
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.pilot.press(*"x")
        await driver.open("thread_1")
        assert driver.screen.composer.text == "half a sent"
        await driver.pilot.press("e")
        assert driver.screen.composer.text == "half a sente"


async def test_a_draft_survives_the_end_by_an_error_of_our_own(home: Path) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    async def type_and_break() -> None:
        async with running() as driver:
            await driver.pilot.press(*"words")
            driver.app.call_later(broken)
            await driver.until(lambda: not driver.app.is_running)

    with pytest.raises(RuntimeError, match="a bug"):
        await type_and_break()
    assert (await kept(home)).outbox(None).message.text == "words"


async def test_a_message_on_its_way_is_kept_until_it_is_stored(home: Path) -> None:
    workspace = FakeWorkspace()
    workspace.runs.gate = asyncio_never
    async with running(workspace) as driver:
        await driver.pilot.press(*"on its way", "enter")

        async def there() -> bool:
            found = await kept(home)
            return found.outbox("thread_1").message.text == "on its way"

        await until(there)


async def asyncio_never() -> None:
    import asyncio

    await asyncio.Event().wait()


async def test_a_message_that_failed_goes_back_to_its_own_thread() -> None:
    import asyncio

    workspace = FakeWorkspace(threads=threads(2))
    gate = asyncio.Event()
    workspace.runs.gate = gate.wait
    workspace.runs.error = ServiceError("No.")
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.pilot.press(*"for one", "enter")
        await driver.open("thread_2")
        gate.set()
        await driver.until(driver.said, "it is said")
        assert driver.screen.composer.text == ""
        await driver.open("thread_1")
        assert driver.screen.composer.text == "for one"


# -- what was sent before ------------------------------------------------------------------------


async def after_sending(driver: Driver, *texts: str) -> None:
    for text in texts:
        await driver.say(text)
        driver.session.end()
        await driver.until(lambda: not driver.screen.flow.busy, "the run is over")


async def test_up_and_down_walk_and_the_draft_is_not_lost() -> None:
    async with running() as driver:
        await after_sending(driver, "one", "two")
        composer = driver.screen.composer
        await driver.pilot.press(*"my draft", "up")
        assert composer.text == "two"
        await driver.pilot.press("up")
        assert composer.text == "one"
        await driver.pilot.press("!", "up")
        assert composer.text == "one!"
        await driver.pilot.press("down", "down")
        assert composer.text == "my draft"


async def test_edits_on_the_walk_are_kept_while_walking() -> None:
    async with running() as driver:
        await after_sending(driver, "one", "two")
        await driver.pilot.press("up", "!", "up", "down")
        assert driver.screen.composer.text == "two!"
        assert driver.workspace.writing.sent[0].text == "two"


async def test_up_inside_a_message_moves_the_cursor() -> None:
    async with running() as driver:
        await after_sending(driver, "sent")
        composer = driver.screen.composer
        await driver.pilot.press(*"a", "ctrl+j", *"b", "up")
        assert composer.text == "a\nb"
        assert composer.cursor_location[0] == 0
        await driver.pilot.press("up")
        assert composer.text == "sent"


async def test_up_counts_lines_as_they_are_wrapped() -> None:
    async with running(size=(60, 24)) as driver:
        await after_sending(driver, "sent")
        composer = driver.screen.composer
        composer.insert("word " * 40)
        await driver.pilot.press("up")
        assert composer.text.startswith("word")


async def test_the_history_is_there_in_the_next_session_and_in_every_thread() -> None:
    async with running() as driver:
        await after_sending(driver, "from before")
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.until(lambda: driver.workspace.writing.sent, "the history is read")
        await driver.open("thread_1")
        await driver.pilot.press("up")
        assert driver.screen.composer.text == "from before"


async def test_a_draft_on_disk_is_the_draft_while_walking(home: Path) -> None:
    async with running() as driver:
        await after_sending(driver, "sent")
        await driver.pilot.press(*"mine", "up")
        assert driver.screen.composer.text == "sent"
    assert (await kept(home)).outbox("thread_1").message.text == "mine"


async def test_ctrl_r_finds_what_was_sent_by_its_words() -> None:
    async with running() as driver:
        await after_sending(driver, "the red house", "a blue house", "the green tree")
        await driver.pilot.press(*"draft")
        driver.screen.composer.clear()
        await driver.pilot.press("ctrl+r")
        await driver.until(lambda: driver.app.screen.query(Input), "the search is open")
        await driver.pilot.press(*"house")
        await driver.until(
            lambda: len(driver.app.screen.query_one("#sent-found").rows) == 2, "two are found"
        )
        await driver.pilot.press("ctrl+r", "enter")
        await driver.until(lambda: driver.screen.composer.text == "the red house", "it is taken")
        await driver.pilot.press("ctrl+z")
        assert driver.screen.composer.text == ""


async def test_leaving_the_search_leaves_the_text() -> None:
    async with running() as driver:
        await after_sending(driver, "sent")
        await driver.pilot.press(*"sent", "ctrl+r")
        await driver.until(lambda: driver.app.screen.query(Input), "the search is open")
        assert driver.app.screen.query_one(Input).value == "sent"
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "it is closed")
        assert driver.screen.composer.text == "sent"


# -- folded pastes -------------------------------------------------------------------------------


async def test_a_long_paste_is_a_token_and_goes_out_whole() -> None:
    async with running() as driver:
        await driver.pilot.press(*"see ")
        await paste(driver, LONG)
        assert driver.screen.composer.text == "see [Pasted 84 lines #1]"
        await driver.pilot.press(*" please", "enter")
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        assert driver.workspace.runs.sent[0][2] == f"see {LONG} please"


async def test_a_short_paste_is_text() -> None:
    async with running() as driver:
        await paste(driver, "a\nb\nc")
        assert driver.screen.composer.text == "a\nb\nc"
        await paste(driver, "x" * 3_000)
        assert driver.screen.composer.text == "a\nb\nc[Pasted 3,000 characters #1]"


async def test_a_token_opens_by_key_and_closes_by_undo() -> None:
    async with running() as driver:
        await paste(driver, LONG)
        await driver.pilot.press("ctrl+o")
        assert driver.screen.composer.text == LONG
        await driver.pilot.press("ctrl+z")
        assert driver.screen.composer.text == "[Pasted 84 lines #1]"
        assert driver.screen.composer.written.expanded == LONG


@pytest.mark.parametrize(
    "keys",
    [("backspace",), ("ctrl+w",), ("ctrl+u",), ("home", "delete"), ("home", "ctrl+k"),
     ("left", "delete"), ("shift+left", "delete")],
    ids="+".join,
)  # fmt: skip
async def test_deleting_a_part_of_a_token_deletes_it_whole(keys: tuple[str, ...]) -> None:
    async with running() as driver:
        await paste(driver, LONG)
        await driver.pilot.press(*keys)
        assert driver.screen.composer.text == ""
        await driver.pilot.press("ctrl+z")
        assert driver.screen.composer.written.expanded == LONG


async def test_nothing_can_be_typed_into_a_token() -> None:
    async with running() as driver:
        composer = driver.screen.composer
        await driver.pilot.press("a")
        await paste(driver, LONG)
        await driver.pilot.press("b", "left", "left", "x")
        assert composer.written.expanded == f"ax{LONG}b"
        composer.move_cursor((0, 8))
        await driver.pilot.press("y")
        assert LONG in composer.written.expanded


async def test_two_pastes_are_told_apart() -> None:
    async with running() as driver:
        await paste(driver, LONG)
        await paste(driver, LONG.upper())
        assert driver.screen.composer.text == "[Pasted 84 lines #1][Pasted 84 lines #2]"
        assert driver.screen.composer.written.expanded == LONG + LONG.upper()


async def test_a_folded_draft_is_whole_in_the_next_session() -> None:
    async with running() as driver:
        await paste(driver, LONG)
    async with running() as driver:
        await driver.until(lambda: driver.screen.composer.text, "the draft is back")
        assert driver.screen.composer.text == "[Pasted 84 lines #1]"
        assert driver.screen.composer.written.expanded == LONG


async def test_the_editor_gets_the_whole_text_and_leaves_the_rest_folded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    async def edit(app: object, text: str) -> str:
        seen.append(text)
        return f"{text} and more"

    monkeypatch.setattr("tui.screens.editor.edit", edit)
    async with running() as driver:
        await paste(driver, LONG)
        await driver.pilot.press("ctrl+g")
        await driver.until(lambda: "more" in driver.screen.composer.text, "it came back")
        assert seen == [LONG]
        assert driver.screen.composer.text == "[Pasted 84 lines #1] and more"


# -- keys ----------------------------------------------------------------------------------------


async def test_no_key_of_a_text_editor_is_taken_away() -> None:
    ours = {"up", "down", "pageup", "pagedown", "ctrl+c", "super+c"}
    async with running() as driver:
        composer = driver.screen.composer
        for binding in TextArea.BINDINGS:
            for key in binding.key.split(","):
                if key in ours:
                    continue  # these do more than TextArea's where that has nothing to do
                active = driver.app.screen.active_bindings.get(key)
                assert active is not None, key
                assert active.binding.action == binding.action, key
                assert active.node is composer, key


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("ctrl+a", "x"), "xone two"),
        (("ctrl+a", "ctrl+e", "x"), "one twox"),
        (("ctrl+left", "x"), "one xtwo"),
        (("alt+b", "x"), "one xtwo"),
        (("ctrl+a", "alt+f", "x"), "onex two"),
        (("ctrl+w",), "one "),
        (("alt+b", "alt+d"), "one "),
        (("ctrl+u",), ""),
        (("ctrl+a", "ctrl+k"), ""),
        (("ctrl+u", "ctrl+z"), "one two"),
        (("ctrl+u", "ctrl+z", "ctrl+y"), ""),
        (("home", "delete"), "ne two"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_the_keys_of_a_text_editor_do_what_they_do(keys: tuple[str, ...], text: str) -> None:
    async with running() as driver:
        driver.screen.composer.insert("one two")
        await driver.pilot.press(*keys)
        assert driver.screen.composer.text == text


async def test_wide_characters_and_composed_ones_are_typed_as_they_are() -> None:
    async with running() as driver:
        for character in "漢字かな한글e\u0301👩‍💻":
            driver.app.post_message(events.Key(character, character))
        await driver.until(
            lambda: driver.screen.composer.text == "漢字かな한글e\u0301👩‍💻", "all of it is there"
        )


async def test_keys_that_come_in_one_burst_act_in_their_order() -> None:
    async with running() as driver:
        for key in ("o", "l", "d", "ctrl+u", "n", "w", "left", "e"):
            driver.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await driver.until(lambda: driver.screen.composer.text == "new", "in their order")


async def test_words_typed_right_after_enter_are_the_next_message() -> None:
    async with running() as driver:
        for key in "one":
            driver.app.post_message(events.Key(key, key))
        driver.app.post_message(events.Key("enter", "\r"))
        for key in "two":
            driver.app.post_message(events.Key(key, key))
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        await driver.until(lambda: driver.screen.composer.text == "two", "the rest stays")
        assert driver.workspace.runs.sent[0][2] == "one"


async def test_a_message_is_its_text_and_folds() -> None:
    assert not Outgoing("  \n")
    assert Outgoing(" x ")
