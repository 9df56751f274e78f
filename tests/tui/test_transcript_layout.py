"""Heights, line breaks, and what is in view."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color

from tui.transcript.entries import Entry, MessageEntry, StepEntry
from tui.transcript.layout import Heights
from tui.transcript.lines import cut_cells, cut_words
from tui.transcript.palette import Palette
from tui.transcript.window import Window

PALETTE = Palette({}, Color(18, 18, 18))


@given(
    st.lists(st.integers(0, 9), max_size=40),
    st.lists(st.tuples(st.sampled_from(["set", "append", "cut"]), st.integers(0, 40)), max_size=30),
)
def test_heights_are_like_a_plain_list(values: list[int], changes: list[tuple[str, int]]) -> None:
    heights, plain = Heights(values), list(values)
    for change, number in changes:
        if change == "append":
            heights.append(number)
            plain.append(number)
        elif change == "cut":
            heights.truncate(min(number, len(plain)))
            del plain[number:]
        elif plain:
            heights.set(number % len(plain), number)
            plain[number % len(plain)] = number
    assert len(heights) == len(plain)
    assert heights.total == sum(plain)
    starts = [0, *accumulate(plain)]
    assert [heights.offset(index) for index in range(len(plain) + 1)] == starts
    for line in range(sum(plain)):
        index, rest = heights.find(line)
        assert starts[index] + rest == line
        assert rest < plain[index]


def test_nothing_is_found_in_nothing() -> None:
    with pytest.raises(IndexError):
        Heights().find(0)


WRITTEN = [*"ab c\n日本。、-", "e\u0301", "👩\u200d🚀", "👍🏽", "longerword"]
texts = st.lists(st.sampled_from(WRITTEN), max_size=60).map("".join)
strays = st.text(st.sampled_from("a 日\u0301\u200d\ufe0f🏽\n"), max_size=60)


@given(texts, st.integers(2, 30))
def test_every_line_fits_and_nothing_but_blanks_is_lost(text: str, width: int) -> None:
    cuts = cut_words(text, width)
    for start, end, _ in cuts:
        assert cell_len(text[start:end]) <= width or len(text[start:end]) == 1
    kept = "".join(text[start:end] for start, end, _ in cuts)
    assert kept.replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert sum(join is None for _, _, join in cuts) == text.count("\n") + 1


@given(texts | strays, st.integers(2, 30))
def test_code_loses_nothing_at_all(text: str, width: int) -> None:
    cuts = cut_cells(text, width)
    assert "".join(text[start:end] for start, end, _ in cuts) == text.replace("\n", "")


def test_joined_again_words_are_what_they_were() -> None:
    text = "some words and a veryveryverylongword, then 日本語のテキスト and  two blanks"
    joined = ""
    for start, end, join in cut_words(text, 10):
        joined += (join or "") + text[start:end]
    assert joined.replace("  ", " ") == text.replace("  ", " ")


def message(number: int, text: str = "") -> MessageEntry:
    body = text or f"Message **{number}**.\n\n" + "some words " * (number % 40)
    return MessageEntry(f"m{number}", "Assistant", False, "10:02", body)


def window(entries: list[Entry], height: int = 20, width: int = 60) -> Window:
    made = Window(PALETTE)
    made.resize(width, height)
    made.show(entries)
    made.settle()
    return made


def texts_of(made: Window) -> list[str]:
    return [shown.line.text for shown in made.shown]


def reference(made: Window) -> list[str]:
    """All lines, every row drawn."""
    return [
        line.text
        for row in made.rows
        for _ in [made.draw_row(row)]
        for piece in range(len(row.heights))
        for line in made.lines(row, piece)
    ]


def test_ten_thousand_messages_draw_only_what_is_in_view() -> None:
    made = window([message(number) for number in range(10_000)])
    assert made.drawn < 40
    assert sum(row.pieces is not None for row in made.rows) < 20


@given(st.lists(st.integers(-60, 60), max_size=12), st.integers(3, 25))
@settings(max_examples=40, deadline=None)
def test_scrolling_counts_real_lines_where_heights_were_estimates(
    steps: list[int], height: int
) -> None:
    made = window([message(number) for number in range(40)], height)
    lines = reference(window([message(number) for number in range(40)], height))
    at = len(lines) - height
    assert texts_of(made) == lines[at : at + height]
    for step in steps:
        step = max(-3 * height, min(3 * height, step))
        made.scroll_to(made.top + step)
        at = max(0, min(len(lines) - height, at + step))
        assert texts_of(made) == lines[at : at + height]


def test_older_messages_above_do_not_move_what_is_in_view() -> None:
    made = window([message(number) for number in range(100, 140)])
    made.scroll_to(0)
    before = texts_of(made)
    identity = made.top + made.origin
    made.prepend([message(number) for number in range(100)])
    made.settle()
    assert texts_of(made)[1:] == before[:-1]  # a blank line now stands above the first
    assert made.shown[1].place.row.entry.key == "m100"
    made.scroll_to(made.top - 5)
    made.scroll_to(made.top + 6)
    assert texts_of(made) == before
    assert made.top + made.origin - 1 == identity


def test_growth_below_does_not_move_what_is_in_view() -> None:
    made = window([message(number) for number in range(30)])
    made.scroll_to(made.top - 10)
    before = texts_of(made)
    for _ in range(50):
        made.add_text("m29", "more and more\n\n")
        made.settle()
    assert texts_of(made) == before
    assert not made.follows


def test_another_width_keeps_the_message_at_the_top() -> None:
    made = window([message(number) for number in range(60)])
    made.scroll_to(made.top - 100)
    row = made.shown[0].place.row
    made.resize(35, 20)
    made.settle()
    assert made.shown[0].place.row is row
    assert all(cell_len(text) <= 35 for text in texts_of(made))


def test_the_end_of_everything_is_the_end_of_the_view() -> None:
    made = window([message(number) for number in range(60)])
    made.scroll_to(10)
    assert not made.follows
    made.scroll_to(made.total)
    assert made.follows
    assert made.shown[-1].place.row.entry.key == "m59"
    assert len(made.shown) == 20


def test_what_left_the_view_is_forgotten_but_not_its_height() -> None:
    made = window([message(number) for number in range(2_000)])
    for _ in range(300):
        made.scroll_to(made.top - 19)
    assert sum(row.pieces is not None for row in made.rows) < 250


def test_removing_the_message_at_the_top_goes_on_with_the_next() -> None:
    made = window([message(number) for number in range(60)])
    made.scroll_to(100)
    row = made.shown[0].place.row
    made.remove(row.entry.key)
    made.settle()
    assert made.shown[0].place.row is made.rows[row.index]
    assert row.entry.key not in made.keys


def test_steps_of_a_run_stand_together() -> None:
    made = window(
        [
            message(1, "one"),
            StepEntry("s1", "file search", "done"),
            StepEntry("s2", "function f", "done"),
            message(2, "two"),
        ]
    )
    assert [line.split()[0] if line.split() else "" for line in texts_of(made)] == [
        "Assistant",
        "one",
        "",
        "✓",
        "✓",
        "",
        "Assistant",
        "two",
    ]
