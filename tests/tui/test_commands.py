from __future__ import annotations

import itertools

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.widgets import Input, OptionList, TextArea

from services.records import Settings
from tests.tui.fake_workspace import FakeWorkspace
from tests.tui.support import running
from tui.commands import BY_ID, COMMANDS, Command, keys_of, keys_text, readable
from tui.keys import OTHER_KEYS, meet
from tui.screens.assistant_form import AssistantForm
from tui.screens.help import help_text
from tui.screens.inspector import Inspector
from tui.widgets.approval_card import ApprovalCard
from tui.widgets.attachment_list import AttachmentList
from tui.widgets.queue_list import QueueList

NO_TEXT = (
    "assistants", "threads", "approval", "transcript", "queue", "attachments", "inspector",
)  # fmt: skip
"""Places where nothing is written."""


def text_keys() -> set[str]:
    keys = {
        key
        for widget in (TextArea, Input)
        for binding in widget.BINDINGS
        for key in binding.key.split(",")
    }
    return keys | {"ctrl+b", "tab", "shift+tab"}


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(COMMANDS)


def test_no_two_commands_share_a_key_in_one_place() -> None:
    clashes = [
        (one.id, other.id)
        for one, other in itertools.combinations(COMMANDS, 2)
        if meet(one, other) and set(keys_of(one, {})) & set(keys_of(other, {}))
    ]
    assert clashes == []


def test_keys_that_edit_text_are_never_taken_where_text_is_written() -> None:
    allowed = {"app.copy": {"ctrl+c", "super+c"}, "message.send": {"enter"}}
    for command in COMMANDS:
        if command.where in NO_TEXT:
            continue
        taken = set(keys_of(command, {})) & text_keys() - allowed.get(command.id, set())
        assert not taken, command.id


def test_keys_that_mean_something_else_to_terminals_are_never_bound() -> None:
    desktops = {"f10", "f11"}  # the menu of a window, and its full screen
    multiplexers = {"ctrl+a", "ctrl+b"}  # what screen and tmux begin their own keys with
    stopping = {"ctrl+z", "ctrl+backslash"}
    digits = {f"alt+{digit}" for digit in "0123456789"}
    for command in COMMANDS:
        taken = set(keys_of(command, {}))
        assert not taken & (set(OTHER_KEYS) | desktops | multiplexers | stopping | digits), (
            command.id
        )


def test_a_letter_is_only_a_key_where_nothing_is_typed() -> None:
    for command in COMMANDS:
        if any(len(key) == 1 for key in keys_of(command, {})):
            assert command.where in NO_TEXT, command.id


_PLAIN = {
    "enter": "\r",
    "escape": "\x1b",
    "space": " ",
    "slash": "/",
    "delete": "\x1b[3~",
    "alt+up": "\x1b[1;3A",
    "alt+down": "\x1b[1;3B",
    "shift+up": "\x1b[1;2A",
    "shift+down": "\x1b[1;2B",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f8": "\x1b[19~",
    "f9": "\x1b[20~",
    "left": "\x1b[D",
    "right": "\x1b[C",
    "plus": "+",
}
"""What a terminal without a keyboard protocol sends for a key."""


def sent_by_a_plain_terminal(key: str) -> str | None:
    if key in _PLAIN:
        return _PLAIN[key]
    if len(key) == 1:
        return key
    modifier, _, letter = key.partition("+")
    if len(letter) == 1 and modifier == "ctrl":
        return chr(ord(letter) & 0x1F)
    return f"\x1b{letter}" if len(letter) == 1 and modifier == "alt" else None


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.keys], ids=lambda one: one.id)
def test_every_command_has_a_key_that_a_plain_terminal_can_send(command: Command) -> None:
    understood = set()
    for key in keys_of(command, {}):
        if (sent := sent_by_a_plain_terminal(key)) is None:
            continue
        parser = XTermParser()
        messages = [*parser.feed(sent), *parser.feed("")]
        pressed = [message.key for message in messages if isinstance(message, events.Key)]
        understood |= {key} & set(pressed)
    assert understood


async def test_a_key_with_alt_types_nothing_into_the_message() -> None:
    async with running() as driver:
        await driver.pilot.press("x")
        for message in [*(parser := XTermParser()).feed("\x1ba"), *parser.feed("")]:
            driver.app.post_message(message)
        await driver.until(lambda: driver.screen.assistant_list.has_focus, "the assistants")
        assert driver.screen.composer.text == "x"


@pytest.mark.parametrize(
    ("id", "key"),
    [
        ("message.send", "enter"),
        ("message.newline", "ctrl+j,shift+enter"),
        ("run.cancel", "escape"),
        ("thread.new", "ctrl+n"),
        ("app.palette", "ctrl+p"),
        ("message.editor", "ctrl+g"),
        ("app.help", "f1"),
        ("app.quit", "ctrl+q"),
        ("approval.once", "y"),
        ("approval.deny", "n"),
        ("approval.deny_reason", "r"),
        ("approval.full", "f"),
    ],
)
def test_the_keys_promised_to_users_stay(id: str, key: str) -> None:
    assert BY_ID[id].keys == key


def test_keys_are_written_for_people() -> None:
    assert readable("ctrl+n") == "Ctrl+N"
    assert readable("shift+enter") == "Shift+Enter"
    assert readable("f1") == "F1"
    assert readable("y") == "y"
    assert keys_text(BY_ID["app.quit"], {"app.quit": "f10"}) == "F10"


@pytest.mark.parametrize("width", [40, 94])
def test_help_has_every_command_at_any_width(width: int) -> None:
    told = help_text({}, width).plain
    for command in COMMANDS:
        assert command.title in told
        assert command.help.split()[0] in told
    assert all(len(line) <= width for line in told.split("\n")) or width == 40


async def test_every_command_with_a_key_is_bound_where_the_table_says() -> None:
    async with running() as driver:
        screen = driver.screen
        form = AssistantForm(driver.workspace, None, lambda draft: None)
        nodes = {
            "app": driver.app,
            "workspace": screen,
            "composer": screen.composer,
            "queue": QueueList(),
            "attachments": AttachmentList(),
            "transcript": screen.transcript,
            "assistants": screen.assistant_list,
            "threads": screen.thread_list,
            "approval": ApprovalCard(),
            "form": form,
            "inspector": Inspector(driver.workspace, "thread_1", {}),
        }
        for command in COMMANDS:
            if command.keys:
                assert {
                    key
                    for key, binding in nodes[command.where]._bindings
                    if binding.id == command.id
                } == set(keys_of(command, {})), command.id
            space, _, name = command.action.rpartition(".")
            owner = {"screen": screen, "app": driver.app}.get(space, nodes[command.where])
            assert hasattr(owner, f"action_{name.partition('(')[0]}"), command.id


async def test_the_palette_lists_every_command() -> None:
    async with running() as driver:
        await driver.pilot.press("ctrl+p")
        await driver.until(
            lambda: (
                len(driver.app.screen.query(OptionList)) == 1
                and driver.app.screen.query_one(OptionList).option_count >= len(COMMANDS)
            ),
            "all commands are listed",
        )
        listed = "\n".join(
            str(option.prompt) for option in driver.app.screen.query_one(OptionList).options
        )
        for command in COMMANDS:
            assert command.title in listed


async def test_the_palette_says_what_a_command_needs_that_makes_no_sense_now() -> None:
    async with running() as driver:
        await driver.pilot.press("ctrl+p")
        await driver.pilot.press(*"deny with")
        listed = lambda: driver.app.screen.query_one(OptionList)  # noqa: E731
        await driver.until(lambda: listed().option_count == 1, "one command is left")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.said(), "a toast")
        assert "needs a decision" in driver.said()[0]


async def test_a_user_changes_a_key_by_command_id() -> None:
    workspace = FakeWorkspace(settings=Settings(keymap={"app.help": "f11", "no.such": "f12"}))
    async with running(workspace) as driver:
        await driver.pilot.press("f1")
        assert len(driver.app.screen_stack) == 1
        await driver.pilot.press("f11")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "help is open")
        assert "F11" in str(driver.app.screen.query_one("#help-text").render())
