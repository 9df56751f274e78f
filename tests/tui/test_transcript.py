"""The transcript on a screen: following, scrolling, folding, copying, hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widgets import Input

from tests.waiting import until
from tui.transcript import Entry, MessageEntry, NoticeEntry, StepEntry, Transcript

SIZE = (60, 20)


class Screenful(App[None]):
    """A transcript above a field, and what it asked for."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        super().__init__()
        self.entries = list(entries)
        self.copied: list[str] = []
        self.older_wanted = 0

    def compose(self) -> ComposeResult:
        yield Transcript(placeholder="Nothing was said yet.")
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Transcript).show(self.entries)
        self.query_one(Transcript).focus()

    def on_transcript_copy_requested(self, event: Transcript.CopyRequested) -> None:
        self.copied.append(event.text)

    def on_transcript_older_wanted(self) -> None:
        self.older_wanted += 1


def message(number: int, text: str = "", **more: Any) -> MessageEntry:
    body = text or f"Answer {number}."
    return replace(MessageEntry(f"m{number}", "Helper", False, "10:02", body), **more)


def own(number: int, text: str) -> MessageEntry:
    return MessageEntry(f"m{number}", "You", True, "10:01", text)


def messages(count: int, first: int = 0) -> list[Entry]:
    return [message(number) for number in range(first, first + count)]


def lines(transcript: Transcript) -> list[str]:
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


def find(transcript: Transcript, text: str) -> int:
    """The line of the view that holds ``text``."""
    return next(y for y, line in enumerate(lines(transcript)) if text in line)


def of(pilot: Pilot[None]) -> Transcript:
    return pilot.app.query_one(Transcript)


async def test_nothing_to_show_is_said_so() -> None:
    async with Screenful().run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        assert any("Nothing was said yet." in line for line in lines(transcript))
        transcript.put(message(1))
        assert not any("Nothing was said yet." in line for line in lines(transcript))
        transcript.clear()
        transcript.placeholder = "[b]Ask\x1b[2J[/b]"
        assert any("[b]Ask␛[2J[/b]" in line for line in lines(transcript))


async def test_a_thread_opens_at_its_end_and_draws_only_that() -> None:
    async with Screenful(messages(10_000)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        assert transcript.follows
        assert "Answer 9999." in lines(transcript)[-1]
        assert transcript.window.drawn < 60
        assert transcript.max_scroll_y == transcript.scroll_offset.y


async def test_the_readers_own_words_are_shown_as_typed() -> None:
    text = "What *are* the `key` points?\n# not a heading\n  indented"
    async with Screenful([own(1, text), message(2, "*Em*")]).run_test(size=SIZE) as pilot:
        shown = lines(of(pilot))
        assert shown[:4] == [
            f"▎ You{' ' * 48}10:01",
            "▎ What *are* the `key` points?",
            "▎ # not a heading",
            "▎   indented",
        ]
        assert shown[6] == "  Em"


async def test_it_sticks_to_the_end_until_the_reader_leaves_it() -> None:
    async with Screenful([*messages(40), message(99, "", state="streaming")]).run_test(
        size=SIZE
    ) as pilot:
        transcript = of(pilot)
        transcript.add_text("m99", " One.\n\nTwo.")
        assert lines(transcript)[-1] == "  Two."
        await pilot.press("up")
        assert not transcript.follows
        before = lines(transcript)
        transcript.add_text("m99", "\n\nThree.\n\nFour.")
        await until(lambda: "Four." in transcript.entry("m99").text)  # type: ignore[union-attr]
        assert lines(transcript)[:-1] == before[:-1]
        assert not transcript.follows
        await pilot.press("end")
        assert transcript.follows
        assert lines(transcript)[-1] == "  Four."


async def test_the_wheel_leaves_the_end_and_finds_it_again() -> None:
    async with Screenful(messages(40)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot._post_mouse_events([MouseScrollUp], Transcript)
        await until(lambda: not transcript.follows)
        for _ in range(3):
            await pilot._post_mouse_events([MouseScrollDown], Transcript)
        await until(lambda: transcript.follows)


async def test_keys_scroll_by_line_page_and_to_the_ends() -> None:
    async with Screenful(messages(100)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        end = transcript.scroll_offset.y
        await pilot.press("up", "up", "down")
        assert transcript.scroll_offset.y == end - 1
        await pilot.press("pageup")
        assert transcript.scroll_offset.y == end - 1 - (transcript.size.height - 1)
        await pilot.press("home")
        assert transcript.scroll_offset.y == 0
        assert "Answer 0." in lines(transcript)[1]


async def test_streamed_text_is_joined_within_a_frame() -> None:
    async with Screenful([message(1, "", state="streaming")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        settled = 0

        def count() -> None:
            nonlocal settled
            settled += 1

        transcript.settled = count  # type: ignore[method-assign]
        for number in range(200):
            transcript.add_text("m1", f" word{number}")
        assert settled == 1  # the first one at once
        assert any("word0" in line for line in lines(transcript))
        await until(lambda: any("word199" in line for line in lines(transcript)))
        assert settled == 2


async def test_an_answer_that_ends_is_the_same_text() -> None:
    async with Screenful([message(1, "Begun", state="streaming")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        transcript.add_text("m1", " and ended.\n\n- one\n- two")
        entry = transcript.entry("m1")
        assert isinstance(entry, MessageEntry)
        assert entry.text == "Begun and ended.\n\n- one\n- two"
        transcript.put(message(1, entry.text, note="Stopped by you; the text so far is kept."))
        assert lines(transcript)[1:7] == [
            "  Begun and ended.",
            "",
            "  • one",
            "  • two",
            "",
            "  Stopped by you; the text so far is kept.",
        ]
        transcript.put(message(1, "Another text."))
        assert lines(transcript)[1:3] == ["  Another text.", ""]


async def test_text_for_a_message_that_is_not_there_is_refused() -> None:
    async with Screenful([NoticeEntry("n", "x")]).run_test(size=SIZE) as pilot:
        for key in ("nobody", "n"):
            with pytest.raises(KeyError):
                of(pilot).add_text(key, "x")


async def test_older_entries_are_asked_for_once_and_do_not_move_the_view() -> None:
    app = Screenful(messages(50, first=100))
    async with app.run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        transcript.older = True
        await pilot.press("home", "home", "up")
        await until(lambda: app.older_wanted == 1)
        before = lines(transcript)
        transcript.prepend(messages(100))
        await pilot.pause()
        assert lines(transcript)[1:] == before[:-1]
        assert app.older_wanted == 1
        await pilot.press("home")
        await until(lambda: app.older_wanted == 2)
        transcript.older = False
        await pilot.press("down", "home")
        await pilot.pause()
        assert app.older_wanted == 2


async def test_a_step_opens_and_closes_by_key() -> None:
    steps: list[Entry] = [
        own(1, "Search"),
        StepEntry("s1", "function search", "done", '{"q": 1}\n[b]out[/b]', "3 rows", "0.2 s"),
        StepEntry("s2", "function other", "running"),
        message(2),
    ]
    async with Screenful(steps).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        assert lines(transcript)[3] == f"  ▸ ✓ function search  3 rows{' ' * 24}0.2 s"
        assert lines(transcript)[4] == "    ◌ function other"
        await pilot.press("alt+up", "alt+up", "alt+up")
        assert transcript.cursor == "s1"
        await pilot.press("enter")
        assert [line.rstrip() for line in lines(transcript)[3:6]] == [
            f"▌ ▾ ✓ function search  3 rows{' ' * 24}0.2 s",
            '▌    {"q": 1}',
            "▌    [b]out[/b]",
        ]
        await pilot.press("space")
        assert lines(transcript)[4] == "    ◌ function other"


async def test_a_step_opens_and_closes_by_click() -> None:
    steps = [StepEntry("s1", "function search", "failed", "details here"), message(2)]
    async with Screenful(steps).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot.click(Transcript, offset=(10, 0))
        assert "details here" in lines(transcript)[1]
        await pilot.click(Transcript, offset=(10, 1))  # its text does nothing
        assert "details here" in lines(transcript)[1]
        await pilot.click(Transcript, offset=(10, 0))
        assert lines(transcript)[1] == ""


async def test_the_cursor_brings_its_entry_into_view() -> None:
    async with Screenful(messages(200)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot.press(*["alt+up"] * 12)
        assert transcript.cursor == "m188"
        assert any("Answer 188." in line for line in lines(transcript))
        assert not transcript.follows
        await pilot.press(*["alt+down"] * 13)
        assert transcript.cursor == "m199"
        assert transcript.follows


async def test_copying_asks_for_the_selection_the_cursor_or_the_last_message() -> None:
    app = Screenful([own(1, "first\x1b[2J"), message(2, "**second**")])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await until(lambda: app.copied == ["**second**"])
        await pilot.press("alt+up", "alt+up", "c")
        await until(lambda: app.copied[1:] == ["first[2J"])


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> str:
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)
    await pilot.pause()
    return pilot.app.screen.get_selected_text() or ""


async def test_dragging_selects_text_over_blocks() -> None:
    text = "One *two* three.\n\n- first item of a list that is wrapped at the end of the line\n- b"
    async with Screenful([message(1, text)]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        y = find(transcript, "One")
        selected = await drag(pilot, (6, y), (58, y + 4))
        assert selected == (
            "two three.\n\n• first item of a list that is wrapped at the end of the line\n• b"
        )
        style = transcript.screen.get_component_rich_style("screen--selection")
        marked = [
            s.text
            for s in transcript.render_line(y)
            if s.style and s.style.bgcolor == style.bgcolor
        ]
        assert "".join(marked) == "two three."


async def test_code_is_selected_without_its_frame() -> None:
    code = "```py\nif x:\n    pass\n```"
    async with Screenful([message(1, code)]).run_test(size=SIZE) as pilot:
        y = find(of(pilot), "if x:")
        assert await drag(pilot, (0, y), (40, y + 1)) == "if x:\n    pass"


async def test_a_selection_stays_with_its_text_when_older_entries_come() -> None:
    async with Screenful(messages(60)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        y = find(transcript, "Answer 55.")
        assert await drag(pilot, (2, y), (8, y)) == "Answer"
        transcript.prepend(messages(50, first=1_000))
        transcript.action_page_up()
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "Answer"


async def test_a_double_click_selects_the_message() -> None:
    entries = [message(1, "One.\n\nTwo."), message(2, "Three.")]
    async with Screenful(entries).run_test(size=SIZE) as pilot:
        await pilot.click(Transcript, offset=(5, 1), times=2)
        await until(lambda: pilot.app.screen.get_selected_text())
        assert re.sub(r" {2,}", " ", pilot.app.screen.get_selected_text() or "") == (
            "Helper 10:02\nOne.\n\nTwo."
        )


async def test_another_width_wraps_again_and_keeps_the_end() -> None:
    text = "many words that are wrapped " * 20
    async with Screenful([*messages(30), message(99, text)]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        await pilot.resize_terminal(34, 15)
        await until(lambda: transcript.window.width == 30)
        assert transcript.follows
        assert all(len(line) <= 33 for line in lines(transcript))
        assert lines(transcript)[-1].endswith("wrapped")
        drawn = transcript.window.drawn
        await pilot.resize_terminal(60, 20)
        await until(lambda: transcript.window.width == 56)
        assert transcript.window.drawn - drawn < 30


async def test_another_theme_draws_the_view_in_its_colours() -> None:
    async with Screenful(messages(500)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        before = transcript.render_line(1)
        drawn = transcript.window.drawn
        pilot.app.theme = "textual-light"
        await until(lambda: list(transcript.render_line(1)) != list(before))
        await pilot.pause()
        assert transcript.render_line(1).text == before.text
        assert transcript.window.drawn - drawn < 60


HOSTILE = (
    "\x1b]0;OWNED\x07\x1b[6n\x1bc\x9b2J\x9d52;c;eA==\x9c \u202eexe.gpj\u2066 "
    "[@click=app.quit]click[/] [/nope] [red]"
)


@pytest.mark.parametrize(
    "entry",
    [
        MessageEntry("k", HOSTILE, False, HOSTILE, HOSTILE, "failed", HOSTILE),
        MessageEntry("k", "You", True, "", HOSTILE),
        MessageEntry("k", "A", False, "", f"```{HOSTILE}\n{HOSTILE}\n```\n\n`{HOSTILE}`"),
        MessageEntry("k", "A", False, "", f"| {HOSTILE} | b |\n|---|---|\n| {HOSTILE} | c |"),
        MessageEntry("k", "A", False, "", f"# {HOSTILE}\n\n[{HOSTILE}](http://x/{HOSTILE})"),
        StepEntry("k", HOSTILE, "done", HOSTILE, HOSTILE, HOSTILE),
        NoticeEntry("k", HOSTILE, "error"),
    ],
)
async def test_hostile_text_is_shown_and_not_obeyed(entry: Entry) -> None:
    async with Screenful([entry]).run_test(size=(120, 12)) as pilot:
        transcript = of(pilot)
        await pilot.press("alt+up", "enter")
        for y in range(transcript.size.height):
            strip = transcript.render_line(y)
            assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", strip.text)
            for segment in strip:
                assert segment.control is None
                assert segment.style is None or not segment.style.link
                assert segment.style is None or set(segment.style.meta) <= {"offset"}
        assert any("␛" in line for line in lines(transcript))
        for y in range(transcript.size.height):
            await pilot.click(Transcript, offset=(20, y))
        assert pilot.app.is_running


async def test_a_very_long_line_is_cut_in_view_and_kept_in_the_data() -> None:
    text = "x" * 10_000_000
    async with Screenful([message(1, text), own(2, text)]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        entry = transcript.entry("m1")
        assert isinstance(entry, MessageEntry)
        assert entry.text == text
        assert lines(transcript)[-1] == "▎ ▾ 9,900,000 more characters: show more"
        assert transcript.window.total < 10_000
        await pilot.click(Transcript, offset=(10, transcript.size.height - 1))
        await pilot.press("end")
        assert "9,800,000 more" in lines(transcript)[-1]
        await pilot.press("alt+up", "alt+up", "enter")
        row = transcript.window.rows[0]
        last = (row.pieces or [])[-1].lines(transcript.window.width, transcript.window.palette)
        assert "9,800,000 more" in last[-1].text


async def test_a_long_answer_is_seen_to_its_end_while_it_arrives() -> None:
    async with Screenful([message(1, "", state="streaming")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        for number in range(30):
            transcript.window.add_text("m1", f"Paragraph {number}, {'word ' * 1_000}\n\n")
        transcript.add_text("m1", "The end.")
        await until(lambda: lines(transcript)[-1] == "  The end.")


async def test_a_removed_entry_is_gone_and_the_rest_closes_up() -> None:
    async with Screenful(messages(3)).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        transcript.remove("m0")
        transcript.remove("nobody")
        assert transcript.keys == ("m1", "m2")
        assert lines(transcript)[:2] == [f"  Helper{' ' * 45}10:02", "  Answer 1."]


async def test_selecting_everything_copies_the_entries() -> None:
    async with Screenful([own(1, "a"), message(2, "*b*")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        pilot.app.screen._select_all_in_widget(transcript)
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "a\n\n*b*"


async def test_where_the_mouse_is_in_the_text_is_known() -> None:
    async with Screenful([message(1, "日本語 text")]).run_test(size=SIZE) as pilot:
        screen = pilot.app.screen
        y = find(of(pilot), "text")
        assert screen.get_widget_and_offset_at(9, y)[1] == Offset(6, y)
