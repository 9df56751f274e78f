"""Markdown in pieces: however an answer arrives, it looks the same, and arriving stays cheap."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color

from tui.transcript import blocks
from tui.transcript.blocks import Document
from tui.transcript.lines import Line
from tui.transcript.palette import Palette

PALETTE = Palette({}, Color(18, 18, 18))
SAMPLE = """\
# Findings for **Q3**

Revenue grew *18 percent* [1] while ~~churn~~ `churn` fell. See [report](https://example.org/r).
Second line of the paragraph, 日本語のテキストもここにあります。

Here they are:
- one with a lot of words so that it wraps around the end of the line
- two
  - nested
    1. deep
- [x] done
- [ ] open

9. First

   with a paragraph
10. Second
    ```py
    x = 1
    ```

> A quote with **bold**
> - and a list

```python
def f(x: int) -> str:
    \"\"\"Doc
    string\"\"\"
    return f"{x}"
```

| Name | Amount |
|:-----|-------:|
| Alpha | 12.5 |
| Beta | a long note that has to wrap since the table is too wide |

---
![chart](https://example.org/c.png) and <b>html</b> &lt;entity&gt;

[ref] comes later.

[ref]: https://ref.example "Title"
Last."""
ATOMS = [
    *("a", "word ", "\n", "\n\n", "- ", "1. ", "10) ", "> ", "```", "```py\n", "~~~", "    ", "  "),
    *("| a | b |\n", "|---|---|\n", "# ", "---", "===", "[x]: http://y\n", "[x]", "'title'", "**"),
    *("_", "`", "<b>", "\t", "\r\n", "\r", "&amp;", "\x1b[2J", "\u202e", "日本", "e\u0301", "\\"),
    *("[a](http://b)", "![i](u)", "- [ ] t\n", "x\n"),
]


def looks(document: Document, width: int = 40) -> list[tuple[object, ...]]:
    """Everything that is drawn: texts and styles, and what copying needs."""
    return [
        (line.segments, line.lead, line.join)
        for piece in document.pieces
        for line in piece.lines(width, PALETTE)
    ]


def text(document: Document, width: int = 40) -> list[str]:
    return [line.text.rstrip() for piece in document.pieces for line in piece.lines(width, PALETTE)]


def made(*parts: str, look_between: bool = False) -> Document:
    document = Document()
    for part in parts:
        document.append(part)
        if look_between:
            looks(document)
    document.finish()
    return document


def cut(whole: str, sizes: Iterable[int]) -> list[str]:
    parts: list[str] = []
    at = 0
    for size in sizes:
        parts.append(whole[at : at + size])
        at += size
    return [*parts, whole[at:]]


@given(st.lists(st.integers(1, 40), max_size=120), st.booleans())
@settings(max_examples=40, deadline=None)
def test_an_answer_looks_the_same_however_it_arrived(sizes: list[int], look: bool) -> None:
    assert looks(made(*cut(SAMPLE, sizes), look_between=look)) == looks(made(SAMPLE))


@given(st.lists(st.sampled_from(ATOMS), max_size=40).map("".join), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_so_does_any_text(whole: str, size: int) -> None:
    assert looks(made(*cut(whole, [size] * 200), look_between=True)) == looks(made(whole))


@given(st.lists(st.sampled_from(ATOMS), max_size=120).map("".join), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_and_any_text_that_is_cut_for_its_length(whole: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "SLICE", 64)
        patch.setattr(blocks, "LONGEST_TAIL", 128)
        patch.setattr(blocks, "PAGE", 5)
        assert looks(made(*cut(whole, [size] * 200))) == looks(made(whole))


@given(st.lists(st.sampled_from(ATOMS), max_size=60).map("".join), st.integers(20, 90))
@settings(max_examples=100, deadline=None)
def test_no_line_is_wider_than_the_view(whole: str, width: int) -> None:
    for line in text(made(whole), width):
        assert cell_len(line) <= width


@pytest.mark.parametrize(
    "part",
    [
        "- an item of the list, number {}\n",
        "{}. an item of the list\n\n",
        "| {} | cell |\n",
        "line {} of the code\n",
        "A paragraph of its own, number {}.\n\n",
        "word{} ",
        "\\# * [ _ `{} ",
    ],
)
@pytest.mark.parametrize("head", ["", "| a | b |\n|---|---|\n", "```text\n"])
def test_an_addition_costs_no_more_at_the_end_than_at_the_beginning(head: str, part: str) -> None:
    document = Document()
    document.append(head)
    costs = []
    for number in range(1_200):
        before = document.parsed
        document.append(part.format(number))
        costs.append(document.parsed - before)
    assert max(costs) <= 4 * blocks.LONGEST_TAIL
    late, early = sum(costs[-400:]), sum(costs[:400])
    assert late <= 2 * early + 400 * blocks.LONGEST_TAIL


def test_settled_pieces_are_the_same_objects_after_an_addition() -> None:
    document = Document()
    document.append("one\n\ntwo\n\nthree\n\nfour")
    before = list(document.pieces)
    first = document.append(" and more")
    assert first >= 2
    assert document.pieces[:first] == before[:first]


def test_an_unclosed_fence_is_a_fence() -> None:
    document = Document()
    document.append("```python\nx = 1\n``")
    assert text(document) == [" python", " x = 1"]


def test_the_beginning_of_a_list_item_does_not_make_a_heading() -> None:
    document = Document()
    document.append("Here they are:\n-")
    assert [piece.kind for piece in document.pieces] == ["paragraph"]
    document.append(" one")
    assert text(document) == ["Here they are:", "• one"]


def test_a_link_defined_later_is_found() -> None:
    document = Document()
    document.append("see [it]\n\nmore\n\n")
    assert "see [it]" in text(document)
    document.append("[it]: https://example.org\n")
    document.finish()
    assert text(document)[0] == "see it (https://example.org)"


def test_a_link_shows_where_it_leads() -> None:
    shown = text(made("[bank](https://evil.example) <https://same.example>"), 80)
    assert shown == ["bank (https://evil.example) https://same.example"]


def test_what_a_link_hides_is_shown() -> None:
    assert "202E" in text(made("[x](https://a.example/\u202egnp)"), 80)[0]


def test_an_entity_is_no_way_round_the_rules() -> None:
    shown = "\n".join(text(made("a&#x202E;b &#155; &#27;[2J &ZeroWidthSpace;")))
    assert "\u202e" not in shown
    assert "\x9b" not in shown
    assert "\x1b" not in shown
    assert "\u200b" not in shown


def test_html_is_text() -> None:
    assert text(made("<script>alert(1)</script>\n\n<b>x</b>"), 60) == [
        "<script>alert(1)</script>",
        "",
        "<b>x</b>",
    ]


def test_numbers_are_aligned_when_they_grow() -> None:
    shown = text(made("".join(f"{n}. item\n" for n in range(8, 12))))
    assert shown == [" 8. item", " 9. item", "10. item", "11. item"]


def test_a_wide_table_is_wrapped_and_a_very_wide_one_stacked() -> None:
    table = "| Name | Note |\n|---|---|\n| a | some words that do not fit |\n"
    shown = text(made(table), 24)
    assert shown[0] == "╭──────┬───────────────╮"
    assert all(cell_len(line) == 24 for line in shown)
    columns = "|" + "c|" * 8 + "\n|" + "-|" * 8 + "\n|" + "v|" * 8
    assert text(made(columns), 20) == ["c: v"] * 8


def test_deep_nesting_does_not_lose_text() -> None:
    shown = "\n".join(text(made("> " * 300 + "the end"), 60))
    assert "the end" in shown


def test_a_table_of_thousands_of_columns_is_shown_in_time() -> None:
    made("|a" * 4_000 + "\n" + "|-" * 4_000 + "\n" + "|b" * 4_000).pieces[0].lines(80, PALETTE)


def test_lines_broken_to_fit_know_how_they_join() -> None:
    lines: list[Line] = made("one two three four").pieces[0].lines(9, PALETTE)
    assert [(line.text, line.join) for line in lines] == [
        ("one two", None),
        ("three", " "),
        ("four", " "),
    ]
