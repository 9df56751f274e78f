"""Keys in every focus: no clash, nothing lost, and what a user's own keymap may do."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.binding import Binding

from services.events import ApprovalNeeded
from services.records import Settings
from tests.tui.fake_workspace import FakeWorkspace, a_request
from tests.tui.support import Driver, running, threads
from tui.command import NO_KEY
from tui.commands import BY_ID, COMMANDS, keys_of
from tui.keys import OTHER_KEYS, SHARED, dealt, meet, named

MEANT = {
    # In a field the keys of a text editor are the field's.
    "composer": {"message.unfold"},
    # A decision, the queue and the files have keys of their own, and leave by Esc to the box.
    "queue": {"run.cancel", "pane.leave"},
    "attachments": {"run.cancel", "pane.leave"},
}
"""Commands of a place around whose keys something inside takes, because it has to."""


def shadowed(driver: Driver) -> list[str]:
    """Commands that cannot be reached by their key in this focus, though their place is around."""
    found = []
    chain = driver.app.screen._modal_binding_chain
    first: dict[str, Binding] = {}
    for _node, bindings in chain:
        for key, bound in bindings.key_to_bindings.items():
            for binding in bound:
                held = first.setdefault(key, binding)
                ids = frozenset({held.id or "", binding.id or ""})
                if held.action in (binding.action, "screen.copy_text", "copy") or (
                    binding.id not in BY_ID or ids in SHARED
                ):
                    continue
                if not binding.priority or held.priority:
                    found.append(f"{key}: {held.id or held.action} hides {binding.id}")
    return found


async def every_focus(driver: Driver) -> list[tuple[str, list[str]]]:
    """What is hidden in each place that can have the focus."""
    found = []
    for widget in list(driver.screen.focus_chain):
        driver.screen.set_focus(widget)
        await driver.settle()
        meant = MEANT.get(widget.id or "", set())
        hidden = [each for each in shadowed(driver) if each.rpartition(" ")[2] not in meant]
        found.append((widget.id or type(widget).__name__, hidden))
    return found


async def fully_open(driver: Driver) -> None:
    """A conversation with a decision that waits, so that everything there is has a place."""
    await driver.say("hello")
    driver.session.emit(ApprovalNeeded((a_request(thread_id=driver.thread_id or ""),)))
    await driver.until(lambda: driver.screen.card is not None and driver.card.request, "asked")


async def test_no_key_hides_another_command_in_any_focus() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        await fully_open(driver)
        places = await every_focus(driver)
        assert {"assistants", "threads", "transcript", "composer", "files"} <= {
            name for name, _ in places
        }
        assert [each for each in places if each[1]] == []


async def test_no_key_hides_another_command_after_rebinding() -> None:
    own = {"run.cancel": "f12", "thread.new": "ctrl+t", "transcript.copy": "Y", "app.help": ""}
    workspace = FakeWorkspace(settings=Settings(keymap=own), threads=threads(3))
    async with running(workspace) as driver:
        await fully_open(driver)
        assert [each for each in await every_focus(driver) if each[1]] == []
        driver.screen.set_focus(driver.screen.thread_list)
        bound = {binding.id: key for key, (_, binding, *_) in driver.screen.active_bindings.items()}
        assert bound["run.cancel"] == "f12"
        assert bound["pane.leave"] == "escape"  # shares Esc with what was given another key
        assert "f1" not in driver.screen.active_bindings


# -- a user's keymap -----------------------------------------------------------------------------


def test_without_a_keymap_nothing_is_dealt() -> None:
    assert dealt({}).keymap == {}
    assert dealt({}).problems == ()


def test_a_key_of_the_users_own_is_taken_from_the_command_that_had_it() -> None:
    keys = dealt({"thread.rename": "ctrl+n"})
    assert keys_of(BY_ID["thread.rename"], keys.keymap) == ("ctrl+n",)
    assert keys_of(BY_ID["thread.new"], keys.keymap) == ()
    (told,) = keys.problems
    assert "Rename the thread" in told
    assert "New thread" in told


def test_nothing_is_said_when_the_other_command_is_given_a_key_too() -> None:
    keys = dealt({"thread.rename": "ctrl+n", "thread.new": ""})
    assert keys.problems == ()
    assert keys.keymap["thread.new"] == NO_KEY


def test_of_two_commands_with_one_key_the_first_has_it_and_both_are_named() -> None:
    keys = dealt({"thread.rename": "ctrl+t", "thread.new": "ctrl+t"})
    assert keys_of(BY_ID["thread.rename"], keys.keymap) == ("ctrl+t",)
    assert keys_of(BY_ID["thread.new"], keys.keymap) == ("ctrl+n",)
    (told,) = keys.problems
    assert "thread.rename" in told
    assert "thread.new" in told


def test_two_places_that_never_meet_may_share_a_key() -> None:
    keys = dealt({"thread.archive": "z", "assistant.edit": "z"})
    assert keys.problems == ()


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("ctrl+m", "Enter"),
        ("ctrl+i", "Tab"),
        ("ctrl+h", "Backspace"),
        ("ctrl+[", "Esc"),
        ("cmd+x", "no key"),
        ("ctrl+nowhere", "no key"),
    ],
)
def test_a_key_that_no_terminal_sends_is_refused_and_the_default_stays(
    written: str, why: str
) -> None:
    keys = dealt({"thread.new": written})
    assert keys_of(BY_ID["thread.new"], keys.keymap) == ("ctrl+n",)
    assert why in keys.problems[0]


def test_a_letter_cannot_be_taken_from_what_is_written() -> None:
    keys = dealt({"app.palette": "p", "message.newline": "space"})
    assert keys_of(BY_ID["app.palette"], keys.keymap) == ("ctrl+p",)
    assert len(keys.problems) == 2


def test_a_command_that_does_not_exist_is_told() -> None:
    assert "no.such" in dealt({"no.such": "f9"}).problems[0]


def test_keys_may_be_written_as_people_do() -> None:
    assert named("Ctrl+N") == "ctrl+n"
    assert named("Esc") == "escape"
    assert named("PgUp") == "pageup"
    assert named("G") == "G"
    assert named("?") == "question_mark"
    assert named("F12") == "f12"
    assert named("+") == "plus"
    assert named("ctrl+/") == "ctrl+slash"


@pytest.mark.parametrize("sign", string.punctuation.replace(",", ""))
def test_signs_are_named_as_the_terminal_sends_them(sign: str) -> None:
    sent = [each for each in XTermParser().feed(sign) if isinstance(each, events.Key)]
    assert named(sign) in [each.key for each in sent]


_ids = st.sampled_from([command.id for command in COMMANDS])
_keys = st.sampled_from(
    ["", "f12", "ctrl+t", "ctrl+n", "ctrl+m", "alt+1", "j", "y", "escape", "Q", "enter", "x+y", "?"]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_ids, _keys, max_size=6))
def test_after_any_rebinding_no_two_commands_have_one_key(wanted: dict[str, str]) -> None:
    keymap = dealt(wanted).keymap
    held = [(each, set(keys_of(each, keymap))) for each in COMMANDS]
    for at, (one, keys) in enumerate(held):
        assert not keys & set(OTHER_KEYS)
        for other, others in held[at + 1 :]:
            assert not (meet(one, other) and keys & others), (one.id, other.id, wanted)


async def test_what_the_user_asked_for_in_vain_is_told_at_start_and_in_no_dialog() -> None:
    keymap = {"app.help": "f12", "app.theme": "f12", "thread.new": "ctrl+m"}
    async with running(FakeWorkspace(settings=Settings(keymap=keymap))) as driver:
        said = " ".join(driver.said())
        assert "app.help" in said
        assert "app.theme" in said
        assert "Enter on most terminals" in said
        assert len(driver.app.screen_stack) == 1
        assert driver.screen.composer.has_focus


# -- letters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["threads", "assistants", "transcript", "files"])
async def test_a_letter_without_a_command_begins_a_message(place: str) -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        driver.screen.go_to(place)
        await driver.until(lambda: driver.screen.query_one(f"#{place}").has_focus, "there")
        await driver.pilot.press(*"hj k")
        await driver.until(lambda: driver.screen.composer.text == "hj k", "it is in the box")
        assert driver.screen.composer.has_focus


async def test_a_letter_with_a_command_is_never_text_even_when_it_cannot_be_done() -> None:
    async with running() as driver:
        driver.screen.go_to("transcript")
        await driver.until(lambda: driver.screen.transcript.has_focus, "there")
        await driver.pilot.press("r")
        await driver.until(driver.said, "it says what it needs")
        assert "needs a question" in driver.said()[0]
        assert driver.screen.composer.text == ""


async def test_at_40_columns_a_letter_brings_the_box_back() -> None:
    async with running(FakeWorkspace(threads=threads(3)), size=(40, 20)) as driver:
        driver.screen.go_to("threads")
        await driver.until(lambda: driver.screen.thread_list.has_focus, "there")
        await driver.pilot.press("H", "i")
        await driver.until(lambda: driver.screen.composer.text == "Hi", "it is in the box")
        assert driver.screen.composer.is_on_screen


async def test_on_a_decision_a_stray_letter_goes_nowhere() -> None:
    async with running() as driver:
        await fully_open(driver)
        await driver.until(lambda: driver.card.has_focus_within, "the card")
        driver.clock.pass_(10)
        await driver.pilot.press("h", "q", "x")
        assert driver.screen.composer.text == ""
        assert driver.card.request is not None
        assert driver.session.decisions == []


async def test_what_is_pasted_on_a_list_goes_into_the_message() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        driver.screen.go_to("threads")
        await driver.until(lambda: driver.screen.thread_list.has_focus, "there")
        driver.app.post_message(events.Paste("delete everything"))
        await driver.until(lambda: driver.screen.composer.text == "delete everything", "pasted")


# -- movement ------------------------------------------------------------------------------------


async def test_lists_move_by_letters() -> None:
    async with running(FakeWorkspace(threads=threads(60))) as driver:
        rows = driver.screen.thread_list
        driver.screen.go_to("threads")
        await driver.until(lambda: rows.has_focus, "there")
        await driver.pilot.press("j", "j", "k")
        assert rows.cursor == 1
        await driver.pilot.press("ctrl+d")
        half = rows.cursor - 1
        assert half > 1
        await driver.pilot.press("ctrl+u")
        assert rows.cursor == 1
        await driver.pilot.press("G")
        assert rows.cursor == len(rows.rows) - 1
        await driver.pilot.press("g")
        assert rows.cursor == 0


@pytest.mark.parametrize("key", ["j", "k", "g", "G"])
async def test_a_text_field_keeps_the_letters_of_movement(key: str) -> None:
    async with running() as driver:
        await driver.pilot.press(key)
        assert driver.screen.composer.text == key
