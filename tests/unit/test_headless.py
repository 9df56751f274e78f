from __future__ import annotations

import errno
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.headless import FAILED, Output, Question, _AnswerText, ask
from services.naming import choose
from services.records import Assistant, ServiceError

ASSISTANTS = [
    Assistant("asst_1", "Research", "m"),
    Assistant("asst_2", "research notes", "m"),
    Assistant("asst_3", "Data analyst", "m"),
    Assistant("asst_4", "data", "m"),
    Assistant("asst_5", "Data", "m"),
    Assistant("asst_6", "Twin", "m"),
    Assistant("asst_7", "Twin", "m"),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("asst_3", "asst_3"),
        ("Research", "asst_1"),
        ("RESEARCH", "asst_1"),
        ("research n", "asst_2"),
        ("Data a", "asst_3"),
        ("Data", "asst_5"),
        ("data", "asst_4"),
    ],
)
def test_an_assistant_is_chosen_by_id_then_name_then_beginning(wanted: str, found: str) -> None:
    assert choose(ASSISTANTS, wanted).id == found


@pytest.mark.parametrize("wanted", ["res", "DATA", "Twin", "tw"])
def test_a_name_that_fits_several_lists_them_with_their_ids(wanted: str) -> None:
    with pytest.raises(ServiceError, match="asst_"):
        choose(ASSISTANTS, wanted)


def test_a_name_that_fits_none_lists_who_there_is() -> None:
    with pytest.raises(ServiceError, match="Research, research notes, Data analyst"):
        choose(ASSISTANTS, "nobody")
    with pytest.raises(ServiceError, match="none yet"):
        choose([], "nobody")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_what_goes_to_a_terminal_is_cleaned() -> None:
    def clean(text: str) -> str:
        return text.replace("\x1b", "␛")

    pipe, terminal = io.StringIO(), Terminal()
    output = Output(pipe, terminal, clean)
    output.answer("a\x1b[2J")
    output.say("b\x1b[2J")
    assert pipe.getvalue() == "a\x1b[2J"
    assert terminal.getvalue() == "b␛[2J\n"


def streamed(messages: list[list[str]]) -> tuple[str, str]:
    """What is printed for these messages, and what the JSON form says."""
    stream = io.StringIO()
    answer = _AnswerText(Output(stream, io.StringIO()), streams=True)
    for parts in messages:
        answer.begin()
        for part in parts:
            answer.add(part)
        answer.end("".join(parts))
    answer.finish()
    return stream.getvalue(), answer.text


@pytest.mark.parametrize(
    ("messages", "printed"),
    [
        ([["one", " two"]], "one two\n"),
        ([["one\n"]], "one\n"),
        ([["one"], ["two"]], "one\n\ntwo\n"),
        ([["one\n"], ["two\n"]], "one\n\ntwo\n"),
        ([], ""),
    ],
)
def test_answers_are_a_paragraph_each_and_end_with_a_line_end(
    messages: list[list[str]], printed: str
) -> None:
    assert streamed(messages)[0] == printed


@given(parts=st.lists(st.text(max_size=5), max_size=6))
def test_one_answer_is_printed_exactly_but_for_the_line_end(parts: list[str]) -> None:
    whole = "".join(parts)
    printed, text = streamed([parts])
    assert text == whole
    assert printed == (whole if not whole or whole.endswith("\n") else f"{whole}\n")


def test_an_answer_cut_off_is_still_the_answer() -> None:
    stream = io.StringIO()
    answer = _AnswerText(Output(stream, io.StringIO()), streams=True)
    answer.begin()
    answer.add("half an ans")
    answer.finish()
    assert stream.getvalue() == "half an ans\n"
    assert answer.text == "half an ans"


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_answer_that_cannot_be_written_is_a_sentence() -> None:
    with pytest.raises(ServiceError, match="could not be written: No space left"):
        Output(FullDisk(), io.StringIO()).answer("words")


def test_without_a_standard_output_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path))
    monkeypatch.setattr("services.headless.start_log", lambda _: None)
    monkeypatch.setattr(sys, "stdout", None)
    assert ask(Question("hi")) == FAILED
    assert "nowhere to answer" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.db"))
