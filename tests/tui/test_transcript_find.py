"""Find in the conversation: what counts as a match, where one is taken, what is marked."""

from __future__ import annotations

from dataclasses import replace

from rich.style import Style
from textual import events
from textual.pilot import Pilot

from services.records import Message
from tests.tui.fake_workspace import FakeWorkspace, a_message
from tests.tui.support import Driver, running, threads
from tests.tui.test_transcript import SIZE, Screenful, lines, message, messages, of, own
from tui.screens.find_bar import FindBar
from tui.screens.find_desk import PAGES
from tui.transcript import Entry, MessageEntry, StepEntry, Transcript
from tui.transcript.finder import Finder
from tui.transcript.matching import count_slices, pattern_of


def marked(transcript: Transcript, style: Style) -> list[str]:
    """What of the view is in this style, line by line."""
    found = (
        "".join(
            segment.text
            for segment in transcript.render_line(y)
            if segment.style and segment.style.bgcolor == style.bgcolor
        )
        for y in range(transcript.size.height)
    )
    return [text for text in found if text]


async def look(pilot: Pilot[None], query: str) -> Finder:
    finder = of(pilot).look_for(query)
    assert finder is not None
    await finder.count()
    return finder


async def test_matches_are_marked_and_the_current_one_differently() -> None:
    async with Screenful([message(1, "Some **tea**, more TEA."), own(2, "tea?")]).run_test(
        size=SIZE
    ) as pilot:
        transcript = of(pilot)
        finder = await look(pilot, "tea")
        assert finder.total == 3
        assert finder.begin()
        palette = transcript.window.palette
        assert marked(transcript, palette.current) == ["tea"]
        assert marked(transcript, palette.found) == ["teaTEA"]
        assert finder.position == 3
        transcript.stop_finding()
        assert marked(transcript, palette.current) == []


async def test_a_match_goes_on_in_the_next_line_and_across_emphasis() -> None:
    text = f"{'word ' * 10}the *quick\nbrown* fox jumps"
    async with Screenful([message(1, text)]).run_test(size=SIZE) as pilot:
        finder = await look(pilot, "the quick   brown fox")
        assert finder.begin()
        assert finder.total == 1
        shown = "".join(marked(of(pilot), of(pilot).window.palette.current))
        assert shown.replace(" ", "") == "thequickbrownfox"


async def test_decoration_is_no_match() -> None:
    text = "- one\n- two\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    async with Screenful([message(1, text)]).run_test(size=SIZE) as pilot:
        for query in ("•", "Helper", "10:02"):
            finder = await look(pilot, query)
            assert not finder.begin(), query
        for query in ("two", "x = 1"):
            finder = await look(pilot, query)
            assert finder.begin(), query


async def test_what_is_far_away_is_counted_without_being_drawn_and_gone_to() -> None:
    entries: list[Entry] = messages(5_000)
    for number in (3, 2_000, 4_500):
        entries[number] = message(number, f"A needle in answer {number}.")
    async with Screenful(entries).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        drawn = transcript.window.drawn
        finder = await look(pilot, "needle")
        assert transcript.window.drawn == drawn
        assert finder.begin()
        assert (finder.position, finder.total) == (3, 3)
        seen = []
        for _ in range(3):
            transcript.show_found()
            seen += [line for line in lines(transcript) if "needle" in line]
            further = finder.step(-1)
        assert not further
        assert [line.strip() for line in seen] == [
            "A needle in answer 4500.",
            "A needle in answer 2000.",
            "A needle in answer 3.",
        ]
        assert finder.wrap(-1)
        assert finder.position == 3
        assert finder.step(1) is False
        assert transcript.window.drawn < 500


async def test_a_match_in_a_folded_step_opens_it() -> None:
    step = StepEntry("s", "function look", "done", '{"at": "sea"}\n\nA ship.', "at=sea")
    async with Screenful([step, *messages(30)]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        finder = await look(pilot, "ship")
        assert finder.begin()
        transcript.show_found()
        assert any("A ship." in line for line in lines(transcript))


async def test_a_match_beyond_what_is_shown_of_a_very_long_text_is_shown() -> None:
    text = "word " * 30_000 + "needle " + "word " * 30_000
    async with Screenful([message(1, text)]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        finder = await look(pilot, "needle")
        assert finder.begin()
        transcript.show_found()
        assert any("needle" in line for line in lines(transcript))
        assert finder.total == 1


async def test_an_answer_that_grows_is_looked_through_as_far_as_it_is() -> None:
    async with Screenful([message(1, "A needle.", state="streaming")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        finder = await look(pilot, "needle")
        finder.begin()
        transcript.add_text("m1", " Another needle.")
        transcript.entry("m1")
        assert await finder.count() == 2
        assert finder.step(1)
        assert finder.position == 2


def test_a_match_on_the_seam_of_two_slices_counts_once() -> None:
    pattern = pattern_of("needle")
    assert pattern is not None
    text = "x" * 199_997 + "needle" + "y" * 300_000 + " **nee**dle"
    entry = MessageEntry("k", "A", False, "", text)
    assert sum(count_slices(entry, pattern)) == 2
    assert sum(count_slices(replace(entry, text=""), pattern)) == 0
    assert pattern_of("  ") is None


# In the app


def subtitle(driver: Driver) -> str:
    bar = driver.screen.find_bar
    return "" if bar is None else str(bar.border_subtitle)


def with_messages(
    count: int, pages_of: int | None = None, needles: tuple[int, ...] = (5, 15, 25, 35)
) -> FakeWorkspace:
    workspace = FakeWorkspace(threads=threads(1))
    stored: list[Message] = [
        a_message(f"m{n}", f"Answer {n}." + (" A needle." if n in needles else ""))
        for n in range(count)
    ]
    workspace.threads.messages["thread_1"] = list(stored)
    workspace.threads.pages_of = pages_of
    return workspace


async def test_the_bar_finds_goes_both_ways_and_closes_where_one_is() -> None:
    async with running(with_messages(40)) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("ctrl+f", *"needle")
        await driver.until(lambda: "4 of 4" in subtitle(driver), "the newest match")
        assert "Answer 35. A needle." in driver.drawn()
        await driver.pilot.press("up")
        await driver.until(lambda: "3 of 4" in subtitle(driver))
        await driver.pilot.press("enter", "enter")
        await driver.until(lambda: "1 of 4 · from the top" in subtitle(driver))
        await driver.pilot.press("alt+p")
        await driver.until(lambda: "4 of 4 · from the end" in subtitle(driver))
        await driver.pilot.press("alt+p")
        await driver.until(lambda: "3 of 4" in subtitle(driver))
        top = driver.screen.transcript.window.top
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.screen.find_bar is None, "the bar is closed")
        assert driver.screen.transcript.finder is None
        assert driver.screen.transcript.cursor == "m25"
        await driver.until(lambda: driver.screen.transcript.has_focus)
        assert abs(driver.screen.transcript.window.top - top) <= 3
        await driver.pilot.press("ctrl+f")
        await driver.until(lambda: driver.screen.find_bar is not None)
        bar = driver.screen.query_one(FindBar)
        await driver.until(lambda: bar.field.value == "needle", "it remembers")


async def test_what_is_typed_at_once_after_the_key_is_looked_for_and_not_sent() -> None:
    async with running(with_messages(40)) as driver:
        await driver.open("thread_1")
        driver.screen.set_focus(driver.screen.composer)
        driver.app.post_message(events.Key("ctrl+f", None))
        for key in "needle":
            driver.app.post_message(events.Key(key, key))
        driver.app.post_message(events.Key("enter", "\r"))
        await driver.until(lambda: " of 4" in subtitle(driver), "it is looked for")
        assert driver.screen.query_one(FindBar).field.value == "needle"
        assert driver.screen.composer.text == ""
        assert not driver.workspace.runs.sent


async def test_older_messages_are_loaded_when_the_way_leads_there() -> None:
    async with running(with_messages(40, pages_of=14, needles=(5, 15))) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("ctrl+f", *"needle")
        await driver.until(lambda: "not in the messages loaded" in subtitle(driver))
        assert driver.workspace.threads.opened == [("thread_1", None)]
        await driver.pilot.press("up")
        await driver.until(lambda: "1 of 1+" in subtitle(driver))
        assert driver.screen.transcript.cursor == "m15"
        await driver.pilot.press("up")
        await driver.until(lambda: "1 of 2" in subtitle(driver))
        assert driver.screen.transcript.cursor == "m5"


async def test_how_far_it_looked_is_said() -> None:
    workspace = with_messages(12 * (PAGES + 2), pages_of=12)
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.pilot.press("ctrl+f", *"nowhere", "up")
        await driver.until(lambda: f"not in {12 * PAGES} older rows" in subtitle(driver))
        await driver.pilot.press("up")
        await driver.until(lambda: "no match in the whole thread" in subtitle(driver))


async def test_hostile_text_in_the_field_does_nothing() -> None:
    async with running(with_messages(3)) as driver:
        await driver.open("thread_1")
        driver.screen.find("[@click=app.quit]x\x1b[2J(((")
        await driver.settle()
        assert driver.app.is_running
