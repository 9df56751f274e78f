"""What untrusted text may do on the screen: nothing."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.text import (
    MARKS_PER_CELL,
    content,
    for_clipboard,
    hidden_characters,
    safe,
    safe_line,
    visible,
)

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]")
nasty = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Mn"]),
        st.sampled_from("\x1b[]\\u{}\u202e\u200d\ufe0f\u2066\u2069e\u0301é\u212bÅ \n👩🚀क"),
    ),
    max_size=60,
)


@given(nasty)
@example("\x1b]52;c;T1dORUQ=\x07")
@example("a\u202eb\u2066c")
def test_nothing_a_terminal_obeys_comes_out_of_safe(text: str) -> None:
    assert not OBEYED.search(safe(text))
    assert not OBEYED.search(safe(text, strict=True))


@given(nasty)
def test_isolates_that_pass_are_closed_on_their_line(text: str) -> None:
    for line in safe(text).split("\n"):
        depth = 0
        for character in line:
            if character in "\u2066\u2067\u2068":
                depth += 1
            elif character == "\u2069":
                depth -= 1
            assert depth >= 0
        assert depth == 0


@given(nasty)
def test_safe_text_is_left_alone_the_second_time(text: str) -> None:
    assert safe(safe(text, strict=True), strict=True) == safe(text, strict=True)


@given(nasty)
def test_no_cell_carries_more_marks_than_allowed(text: str) -> None:
    run = 0
    for character in safe("e" + text):
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        assert run <= MARKS_PER_CELL


@given(nasty, nasty)
@example("é", "e\u0301")
@example("\u212b", "Å")
@example("\\u{1B}", "\x1b")
@example("a\u0323\u0307", "a\u0307\u0323")
@example("\u1100\u1161", "가")
def test_no_two_texts_look_the_same_when_made_visible(one: str, other: str) -> None:
    if one != other:
        look = unicodedata.normalize("NFC", visible(one))
        assert look != unicodedata.normalize("NFC", visible(other))
        kept = unicodedata.normalize("NFC", visible(one, keep_newlines=True))
        assert kept != unicodedata.normalize("NFC", visible(other, keep_newlines=True))


@given(nasty)
def test_a_visible_text_tells_its_source_back(text: str) -> None:
    shown = visible(text)
    back = re.sub(r"\\u\{([0-9A-F]+)\}", lambda match: chr(int(match[1], 16)), shown)
    assert back == text
    assert not hidden_characters(shown)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_passes_unchanged(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a␛[31mb"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("one\r\ntwo\rthree", "one\ntwo␍three"),
        ("\x9b2J", "\\u{9B}2J"),
        ("user\u202egnp.exe", "user\\u{202E}gnp.exe"),
        ("a\u200bb", "a\\u{200B}b"),
        ("a\tb", "a   b"),
        ("👩\u200d🚀 ❤\ufe0f 1\ufe0f\u20e3", "👩\u200d🚀 ❤\ufe0f 1\ufe0f\u20e3"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("pay\u200dpal", "pay\\u{200D}pal"),
        ("\u2067שלום\u2069", "\u2067שלום\u2069"),
        ("\u2067שלום", "\\u{2067}שלום"),
        ("hi\U000e0041", "hi\\u{E0041}"),
        ("\ud800", "\\u{D800}"),
        ("日本語, Привет, ไทย", "日本語, Привет, ไทย"),
    ],
)
def test_what_safe_shows(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_code_shows_what_prose_may_hide() -> None:
    assert safe("if a:\u2066 x\u2069", strict=True) == "if a:\\u{2066} x\\u{2069}"


def test_a_sequence_is_inert_however_it_was_split() -> None:
    payload = "\x1b]0;OWNED\x07\x1b[6n\x9d52;c;eA==\x9c"
    joined = ""
    for character in payload:
        joined += character
        assert not OBEYED.search(safe(joined))


def test_a_title_is_one_line_and_short() -> None:
    assert safe_line("  one\ntwo\r\nthree ") == "one⏎two⏎three"
    assert safe_line("x" * 1_000_000, limit=5) == "xxxx…"
    assert safe_line("short", limit=5) == "short"


def test_visible_keeps_line_breaks_only_when_asked() -> None:
    assert visible("a\nb\\n") == "a\\u{A}b\\u{5C}n"
    assert visible("a\nb", keep_newlines=True) == "a\nb"


def test_hidden_characters_are_named_and_counted() -> None:
    assert hidden_characters("pay\u200bpal\u202e\u202e\n\t") == {
        "U+200B ZERO WIDTH SPACE": 1,
        "U+202E RIGHT-TO-LEFT OVERRIDE": 2,
    }
    assert hidden_characters("plain\ttext\n") == {}


def test_the_clipboard_gets_the_text_without_controls() -> None:
    assert for_clipboard("a\x1b[2Jb\r\n\tc\x9b") == "a[2Jb\n\tc"


def test_content_is_not_markup() -> None:
    text = "[@click=app.quit]x[/] [/nope] [red]"
    made = content(text, "bold")
    assert made.plain == text
    assert [span.style for span in made.spans] == ["bold"]
