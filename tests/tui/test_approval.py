from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual import events

from services.events import ApprovalNeeded, ApprovalSettled
from services.records import Answer, ApprovalRequest, Approve, Deny, ServiceError
from tests.tui.fake_workspace import FakeWorkspace, a_request
from tests.tui.support import Driver, focused_id, running, threads
from tui.screens.approval_view import ApprovalView
from tui.text import visible
from tui.widgets.approval_text import countdown, size_of
from tui.widgets.entry_field import EntryField
from tui.widgets.literal_view import LiteralView, broken

GRACE = 0.6


async def asked(driver: Driver, *requests: ApprovalRequest, quiet: bool = True) -> None:
    """A run that asks; with ``quiet`` the grace is over."""
    await driver.say("What is the weather?")
    driver.session.emit(ApprovalNeeded(requests or (a_request(),)))
    await drawn(driver)
    if quiet:
        driver.clock.pass_(GRACE)


async def drawn(driver: Driver) -> None:
    await driver.until(
        lambda: driver.screen.decision and driver.card._quiet_since < float("inf"),
        "the card is drawn",
    )
    await driver.settle()


def decisions(driver: Driver) -> list[object]:
    return [decision for _call, decision in driver.session.decisions]


async def test_the_card_shows_who_asks_for_what_with_which_arguments() -> None:
    async with running() as driver:
        await asked(driver, a_request(position=2, of=3, warnings=("a strange host",)))
        shown = driver.drawn()
        for part in (
            "Research Assistant asks to call get_weather",
            "your functions",
            "The weather of a city.",
            '"city": "Paris"',
            "call 2 of 3",
            "! a strange host",
            "21 bytes",
        ):
            assert part in shown
        assert driver.screen.header.state == "waiting"


async def test_the_focus_is_on_deny() -> None:
    async with running() as driver:
        await asked(driver)
        assert focused_id(driver.app) == "choose-deny"
        await driver.pilot.press("enter")
        await driver.until(lambda: decisions(driver), "a decision")
        assert decisions(driver) == [Deny()]


async def test_y_runs_once_exactly_what_was_shown() -> None:
    async with running() as driver:
        await asked(driver)
        await driver.pilot.press("y")
        await driver.until(lambda: decisions(driver), "a decision")
        assert driver.session.decisions == [("call_1", Approve("print of call_1"))]
        await driver.until(lambda: driver.screen.decision is None, "the card is gone")
        assert focused_id(driver.app) == "composer"


async def test_n_denies() -> None:
    async with running() as driver:
        await asked(driver)
        await driver.pilot.press("n")
        await driver.until(lambda: decisions(driver), "a decision")
        assert decisions(driver) == [Deny()]


async def test_r_denies_with_the_reason_that_is_typed() -> None:
    async with running() as driver:
        await asked(driver)
        await driver.pilot.press("r", *"not yet", "enter")
        await driver.until(lambda: decisions(driver), "a decision")
        assert decisions(driver) == [Deny("not yet")]


@pytest.mark.parametrize("key", ["y", "n", "r", "enter", "space"])
async def test_keys_in_the_first_moments_decide_nothing_then_or_later(key: str) -> None:
    async with running() as driver:
        await asked(driver, quiet=False)
        await driver.pilot.press(key)
        driver.clock.pass_(GRACE - 0.01)
        await driver.pilot.press(key)
        driver.clock.pass_(GRACE * 2)
        await driver.settle()
        assert decisions(driver) == []
        assert not driver.card.typing
        await driver.pilot.press("n")
        await driver.until(lambda: decisions(driver), "after a pause it decides")


async def test_somebody_typing_a_sentence_decides_nothing() -> None:
    async with running() as driver:
        await asked(driver, quiet=False)
        for letter in "yes any of nine":
            await driver.pilot.press("space" if letter == " " else letter)
            driver.clock.pass_(0.25)
        await driver.settle()
        assert decisions(driver) == []


async def test_a_click_in_the_first_moments_decides_nothing() -> None:
    async with running() as driver:
        await asked(driver, quiet=False)
        await driver.pilot.click("#choose-once")
        await driver.settle()
        assert decisions(driver) == []
        driver.clock.pass_(GRACE)
        await driver.pilot.click("#choose-once")
        await driver.until(lambda: decisions(driver), "later it does")


async def test_a_draft_in_the_message_box_is_untouched() -> None:
    async with running() as driver:
        await driver.say("What is the weather?")
        await driver.pilot.press(*"my draft")
        driver.session.emit(ApprovalNeeded((a_request(),)))
        await drawn(driver)
        await driver.pilot.press(*"yn")
        driver.clock.pass_(GRACE)
        await driver.pilot.press("n")
        await driver.until(lambda: decisions(driver), "a decision")
        assert driver.screen.composer.text == "my draft"


async def test_paste_never_decides() -> None:
    async with running() as driver:
        await asked(driver)
        driver.app.post_message(events.Paste("y\ny\n"))
        await driver.settle()
        assert decisions(driver) == []
        assert driver.screen.composer.text == ""


async def test_two_calls_are_decided_one_after_the_other_each_with_its_grace() -> None:
    async with running() as driver:
        await asked(
            driver,
            a_request("call_1", of=2),
            a_request("call_2", of=2, position=2, tool="get_news"),
        )
        await driver.pilot.press("y")
        await driver.until(
            lambda: driver.screen.decision and driver.screen.decision.call_id == "call_2",
            "the next",
        )
        await drawn(driver)
        await driver.pilot.press("y")
        await driver.settle()
        assert len(decisions(driver)) == 1
        driver.clock.pass_(GRACE)
        await driver.pilot.press("n")
        await driver.until(lambda: len(decisions(driver)) == 2, "both are decided")
        assert driver.session.decisions == [
            ("call_1", Approve("print of call_1")),
            ("call_2", Deny()),
        ]


async def test_escape_parks_the_card_and_f4_brings_it_back() -> None:
    async with running() as driver:
        await asked(driver)
        await driver.pilot.press("escape")
        await driver.until(lambda: focused_id(driver.app) == "composer", "back in the box")
        assert "get_weather waits for your decision" in driver.drawn()
        assert not driver.session.cancelled
        await driver.pilot.press(*"ny")
        assert driver.screen.composer.text == "ny"
        await driver.pilot.press("f4")
        await drawn(driver)
        await driver.pilot.press("y")
        await driver.settle()
        assert decisions(driver) == []
        driver.clock.pass_(GRACE)
        await driver.pilot.press("y")
        await driver.until(lambda: decisions(driver), "a decision")


async def test_a_parked_decision_is_not_lost_to_one_more_escape() -> None:
    async with running() as driver:
        await asked(driver)
        await driver.pilot.press("escape", "escape")
        await driver.until(driver.said, "a warning")
        assert not driver.session.cancelled
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.session.cancelled, "the second one stops the run")


async def test_a_function_that_cannot_run_here_is_answered_by_hand() -> None:
    async with running() as driver:
        await asked(driver, a_request(runs_here=False))
        assert "Cannot run here" in driver.drawn()
        await driver.pilot.press("y")
        await driver.until(lambda: driver.card.typing, "a field for the result")
        await driver.pilot.press(*"18 degrees", "ctrl+j", *"dry", "enter")
        await driver.until(lambda: decisions(driver), "a decision")
        assert decisions(driver) == [Answer("print of call_1", "18 degrees\ndry")]


async def test_arguments_that_are_no_json_cannot_run() -> None:
    async with running() as driver:
        await asked(driver, a_request(canonical=None, arguments='{"city": '))
        assert "not valid JSON" in driver.drawn()
        await driver.pilot.press("y")
        await driver.until(lambda: driver.card.typing, "only an answer by hand")
        await driver.pilot.press("escape")
        assert not driver.card.typing
        await driver.pilot.press("n")
        await driver.until(lambda: decisions(driver), "denying works")
        assert decisions(driver) == [Deny()]


async def test_long_arguments_run_only_after_their_end_was_shown() -> None:
    long = "{\n" + ",\n".join(f'  "field {n}": {n}' for n in range(200)) + "\n}"
    async with running() as driver:
        await asked(driver, a_request(canonical=long))
        assert "lines 1-8 of 202" in driver.drawn()
        await driver.pilot.press("y")
        await driver.settle()
        assert decisions(driver) == []
        view = driver.card.query_one(LiteralView)
        view.focus()
        await driver.pilot.press("end")
        await driver.until(lambda: driver.card.seen, "the end was shown")
        await driver.pilot.press("y")
        await driver.until(lambda: decisions(driver), "now it runs")


async def test_choices_stay_on_the_screen_however_long_the_arguments_are() -> None:
    long = "\n".join("x" * 300 for _ in range(500))
    for size in ((120, 36), (80, 24), (40, 24)):
        async with running(size=size) as driver:
            await asked(driver, a_request(canonical=long, warnings=("first", "second")))
            shown = driver.drawn()
            for choice in ("Deny n", "Run once y", "say why r", "Full view f"):
                assert choice in shown, size


async def test_the_full_view_shows_everything_and_its_end_counts_as_seen() -> None:
    long = "{\n" + ",\n".join(f'  "field {n}": {n}' for n in range(60)) + "\n}"
    async with running() as driver:
        await asked(driver, a_request(canonical=long, description="d" * 600))
        await driver.pilot.press("f")
        await driver.until(lambda: isinstance(driver.app.screen, ApprovalView), "the view")
        await driver.settle()
        await driver.pilot.press("y", "n", "end")
        view = driver.app.screen.query_one(LiteralView)
        await driver.until(lambda: view.end_shown, "the end")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.card.seen, "it counts")
        assert decisions(driver) == []


async def test_hidden_characters_are_visible_in_names_and_arguments() -> None:
    request = a_request(
        tool="get\u200bweather", canonical='{\n  "city": "Par\u202eis \\\\"\n}', origin="a\x1b[2Jb"
    )
    async with running() as driver:
        await asked(driver, request)
        shown = driver.drawn()
        assert "get\\u{200B}weather" in shown
        assert "Par\\u{202E}is" in shown
        assert "\\u{5C}" in shown
        assert "\x1b" not in shown


async def test_a_call_settled_elsewhere_takes_the_card_away() -> None:
    async with running() as driver:
        await asked(driver)
        driver.session.pending = ()
        driver.session.emit(ApprovalSettled("call_1"))
        await driver.until(lambda: driver.screen.decision is None, "the card is gone")
        assert "Decision needed" not in driver.drawn()


async def test_a_decision_that_comes_too_late_changes_nothing() -> None:
    async with running() as driver:
        await asked(driver)
        driver.session.pending = ()
        await driver.pilot.press("y")
        await driver.until(driver.said, "a sentence")
        assert decisions(driver) == []


async def test_a_decision_that_fails_keeps_the_call_waiting() -> None:
    async with running() as driver:
        await asked(driver)
        driver.session.fail_decisions = ServiceError("The server did not take the decision.")
        await driver.pilot.press("y")
        await driver.until(driver.said, "a sentence")
        assert driver.screen.decision is not None


async def test_a_thread_elsewhere_that_waits_is_marked_and_said() -> None:
    workspace = FakeWorkspace(threads=threads(2))
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.say("go")
        session = driver.session
        await driver.open("thread_2")
        session.emit(ApprovalNeeded((a_request(),)))
        await driver.until(driver.said, "it is said")
        assert driver.said()[-1] == "Subject 1 waits for a decision."
        assert driver.screen.decision is None
        row = next(row for row in driver.screen.thread_list.rows if row.key == "thread_1")
        assert row.aside.startswith("!")


async def test_the_field_for_the_result_is_no_message_box() -> None:
    async with running() as driver:
        await asked(driver, a_request(runs_here=False))
        await driver.pilot.press("y", *"18", "enter")
        await driver.until(lambda: decisions(driver), "a decision")
        assert len(driver.workspace.runs.sent) == 1
        assert driver.card.query_one(EntryField).text == "18"


def test_the_countdown_ends() -> None:
    request = a_request(expires_at=1000)
    assert countdown(request, 400.0) == "expires in 10:00"
    assert countdown(request, 991.5) == "expires in 0:08"
    assert countdown(request, 1000.0) == "expired"
    assert countdown(a_request(), 0.0) == ""


def test_sizes_are_told() -> None:
    assert size_of("a") == "1 byte"
    assert size_of("é" * 10) == "20 bytes"
    assert size_of("x" * 18_000) == "18 kB"


@pytest.mark.parametrize("room", [8, 9, 20, 61])
def test_a_line_is_broken_around_escapes_and_loses_nothing(room: int) -> None:
    line = visible('"ls notes\u200b\u202e#\u202c; echo 宽宽宽 OWNED\u2066\u2066' + "x" * 40 + '"')
    pieces = broken(line, room)
    assert "".join(pieces) == line
    for piece in pieces:
        assert cell_len(piece) <= room
        assert piece.count("\\u{") == piece.count("}")


def test_an_escape_wider_than_the_view_is_still_whole_in_sum() -> None:
    assert "".join(broken("a\\u{202E}b", 4)) == "a\\u{202E}b"


async def test_the_arguments_scroll_from_the_choices() -> None:
    async with running() as driver:
        await asked(driver, a_request(canonical="\n".join(map(str, range(90)))))
        assert focused_id(driver.app) == "choose-deny"
        view = driver.card.query_one(LiteralView)
        assert not driver.card.seen
        await driver.pilot.press("pagedown")
        await driver.until(lambda: view.scroll_offset.y > 0, "a page on")
        await driver.pilot.press("end")
        await driver.until(lambda: driver.card.seen, "the end")
        assert focused_id(driver.app) == "choose-deny"
        await driver.pilot.press("right")
        assert focused_id(driver.app) == "choose-once"


async def test_arguments_that_a_low_screen_cuts_off_count_as_not_seen() -> None:
    async with running(size=(40, 8)) as driver:
        await asked(driver, a_request(canonical='{\n  "a": 1\n}'))
        view = driver.card.query_one(LiteralView)
        await driver.pilot.press("end")
        await driver.settle()
        on_screen = driver.drawn()
        assert driver.card.seen == ("}" in on_screen)
        if not driver.card.seen:
            await driver.pilot.press("y")
            await driver.settle()
            assert decisions(driver) == []
        await driver.pilot.press("f")
        await driver.until(lambda: isinstance(driver.app.screen, ApprovalView), "the full view")
        await driver.pilot.press("end")
        full = driver.app.screen.query_one(LiteralView)
        await driver.until(lambda: full.end_shown, "its end")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.card.seen, "seen there")
        assert not view.end_shown
        driver.clock.pass_(GRACE)
        await driver.pilot.press("y")
        await driver.until(lambda: decisions(driver), "it is decided")
