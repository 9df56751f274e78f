"""What answers hold besides text: citations, pictures, thoughts; and rows of calls that failed."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from services.events import MessageEnded, ReasoningAdded, ReasoningEnded, StepChanged, TextAdded
from services.pictures import scaled
from services.records import (
    Citation,
    FoundFile,
    ImageFilePart,
    ImageUrlPart,
    Passage,
    ServiceError,
    TextPart,
    Thought,
    ToolCall,
    ToolStep,
)
from tests.tui.fake_workspace import NOW, FakeWorkspace, a_message
from tests.tui.support import running, threads
from tests.tui.test_transcript import SIZE, Screenful, lines, message, of
from tests.tui.test_transcript_reading import at_block, with_answer
from tui.screens import entries
from tui.transcript import Footnote, MessageEntry, PictureEntry, StepEntry, Transcript

MARKER = "【4:0†source】"
OTHER = "【4:1†source】"
FOOTNOTES = (
    Footnote(1, MARKER, "report.pdf", "file_1"),
    Footnote(2, OTHER, "notes.md", "file_2"),
)


def a_png(width: int = 40, height: int = 20) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "PNG")
    return out.getvalue()


def cited(text: str, *citations: Citation) -> tuple[TextPart, ...]:
    return (TextPart(text, citations),)


# Citations


async def test_markers_are_numbers_and_sources_stand_below() -> None:
    text = f"Up {MARKER} and down{OTHER}, up again {MARKER}; made up 【9:9†source】."
    async with Screenful([message(1, text, footnotes=FOOTNOTES)]).run_test(size=SIZE) as pilot:
        shown = [line.strip() for line in lines(of(pilot))]
        assert "".join(shown[1:3]).replace(" ", "") == (
            "Up[1]anddown[2],upagain[1];madeup【9:9†source】."
        )
        at = shown.index("[1] report.pdf")
        assert shown[at : at + 2] == ["[1] report.pdf", "[2] notes.md"]


async def test_markers_in_tables_and_lists_are_numbers_too() -> None:
    text = f"- one {MARKER}\n\n| a | b |\n|---|---|\n| {OTHER} | x |"
    async with Screenful([message(1, text, footnotes=FOOTNOTES)]).run_test(size=SIZE) as pilot:
        shown = "\n".join(lines(of(pilot)))
        assert "• one [1]" in shown
        assert "│ [2] │ x │" in shown


async def test_a_marker_is_not_shown_half_while_it_arrives() -> None:
    begun = message(1, "It ", state="streaming", footnotes=FOOTNOTES)
    async with Screenful([begun]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        for piece in ["grew ", "【", "4:0", "†sour", "ce】", " fast."]:
            transcript.add_text("m1", piece)
            transcript.entry("m1")
            shown = "\n".join(lines(transcript))
            assert "【" not in shown
            assert "†" not in shown
        assert "  It grew [1] fast." in lines(transcript)
        assert not any("report.pdf" in line for line in lines(transcript))
        text = f"It grew {MARKER} fast."
        transcript.put(message(1, text, footnotes=FOOTNOTES))
        assert any("[1] report.pdf" in line for line in lines(transcript))


async def test_what_only_looks_like_a_marker_is_shown_when_the_text_ends() -> None:
    async with Screenful([message(1, "", state="streaming")]).run_test(size=SIZE) as pilot:
        transcript = of(pilot)
        transcript.add_text("m1", " A 【bracket")
        transcript.put(message(1, "Answer 1. A 【bracket"))
        assert "  Answer 1. A 【bracket" in lines(transcript)


async def test_a_copied_message_has_numbers_and_its_sources() -> None:
    app = Screenful([message(1, f"Up {MARKER}.", footnotes=FOOTNOTES[:1])])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await pilot.pause()
        assert app.copied == ["Up [1].\n\n[1] report.pdf"]


async def test_a_source_opens_the_passage_that_is_cited() -> None:
    citation = Citation(MARKER, "file_1", 3, 15)
    workspace = with_answer("", parts=cited(f"Up {MARKER}.", citation), run_id="run_9")
    workspace.sources.answers["file_1"] = "re\x1b[2Jport.pdf"
    workspace.sources.found = (
        Passage("file_1", "report.pdf", "Revenue grew\x1b[2J 18 percent.", 0.9, cited=True),
        Passage("file_1", "report.pdf", "Another.", 0.4),
    )
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.until(lambda: "[1] re␛[2Jport.pdf" in driver.drawn(), "its name was asked for")
        await at_block(driver, 2)
        await driver.pilot.press("enter")
        await driver.until(lambda: "Revenue grew␛[2J 18 percent." in driver.drawn(), "the passage")
        assert workspace.sources.asked[-1] == ("thread_1", "run_9", "file_1", MARKER)
        await driver.pilot.press("c")
        await driver.until(lambda: "18 percent" in driver.app.clipboard)


async def test_a_passage_that_cannot_be_read_is_said() -> None:
    citation = Citation(MARKER, "file_1")
    workspace = with_answer("", parts=cited(f"Up {MARKER}.", citation), run_id="run_9")
    workspace.sources.error = ServiceError("Could not read the passage: no.")
    async with running(workspace) as driver:
        await at_block(driver, 2)
        await driver.pilot.press("enter")
        await driver.until(lambda: "Could not read the passage: no." in driver.drawn())
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)


async def test_citations_arrive_with_the_text_and_names_with_the_search() -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.open("thread_1")
        await driver.say("How much?")
        session = driver.session
        found = (FoundFile("file_1", "report.pdf", 0.9), FoundFile("file_1", "report.pdf", 0.5))
        call = ToolCall("c1", "file_search", "file_search", found=found, queries=("growth",))
        session.emit(StepChanged(ToolStep("s1", "run_1", (call,), "completed", NOW, NOW + 1)))
        await driver.until(lambda: "2 passages in report.pdf" in driver.drawn(), "the row")
        session.write("Up ")
        session.emit(TextAdded("msg_answer", MARKER, (Citation(MARKER, "file_1", 3, 15),)))
        await driver.until(lambda: "Up [1]" in driver.drawn(), "the number")
        parts = cited(f"Up {MARKER}", Citation(MARKER, "file_1", 3, 15))
        session.emit(MessageEnded(a_message("msg_answer", "", parts=parts)))
        await driver.until(lambda: "[1] report.pdf" in driver.drawn(), "the source")
        assert driver.workspace.sources.asked == []


# Rows of calls


@pytest.mark.parametrize(
    ("call", "state", "summary"),
    [
        (ToolCall("c", "function", "f", "{}", "f failed: no", failed=True), "failed", "f failed"),
        (ToolCall("c", "function", "f", "{}", "The user denied", denied=True), "denied", "The"),
        (ToolCall("c", "function", "f", "{}", "42"), "done", "42"),
        (ToolCall("c", "file_search", "file_search", found=()), "done", "no passages"),
        (
            ToolCall(
                "c", "file_search", "file_search",
                found=tuple(FoundFile(f"f{n}", f"{n}.md") for n in range(5)), queries=("tea",),
            ),
            "done", "5 passages in 0.md, 1.md, 2.md and 2 more for tea",
        ),
    ],
)  # fmt: skip
def test_a_row_says_how_its_call_went(call: ToolCall, state: str, summary: str) -> None:
    step = ToolStep("s", "run", (call,), "completed", NOW, NOW)
    (entry,) = entries.step_entries(step)
    assert isinstance(entry, StepEntry)
    assert entry.state == state
    assert entry.summary.startswith(summary)


async def test_a_failed_call_has_no_tick() -> None:
    step = StepEntry("s", "function f", "failed", "f failed: no", "f failed: no")
    async with Screenful([step]).run_test(size=SIZE) as pilot:
        assert "✗" in lines(of(pilot))[0]
        assert "✓" not in lines(of(pilot))[0]


# Pictures


def blocks(transcript: Transcript) -> int:
    return sum("▀" in line for line in lines(transcript))


async def test_a_picture_is_drawn_when_it_is_in_view() -> None:
    message_with = a_message(
        "m1", "", parts=(ImageFilePart("file_1"), TextPart("The chart.")), run_id="run_1"
    )
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.messages["thread_1"] = [
        message_with,
        *(a_message(f"n{n}", f"Answer {n}.") for n in range(30)),
    ]
    workspace.pictures.files["file_1"] = a_png()
    async with running(workspace) as driver:
        await driver.open("thread_1")
        assert workspace.pictures.asked == []
        transcript = driver.screen.transcript
        transcript.action_scroll_home()
        await driver.until(lambda: blocks(transcript) == 10, "drawn")
        assert len(workspace.pictures.asked) == 1
        row = transcript.window.keys["m1/image/0"]
        (red,) = {
            segment.style.color.triplet.hex
            for segment in (row.pieces or [])[1].lines(60, transcript.window.palette)[0].segments
            if segment.style and segment.style.color and segment.style.color.triplet
        }
        assert red == "#ff0000"
        await driver.pilot.resize_terminal(60, 36)
        await driver.until(lambda: len(workspace.pictures.asked) == 2, "asked for the new width")


async def test_a_picture_that_is_put_again_stays_drawn() -> None:
    drawn = PictureEntry("p", "file_1", "file_1", scaled(a_png(), 60, 48))
    async with Screenful([drawn]).run_test(size=SIZE) as pilot:
        of(pilot).put(PictureEntry("p", "file_1", "chart.png"))
        assert blocks(of(pilot)) == 10
        assert "chart.png" in lines(of(pilot))[0]


async def test_the_pictures_of_a_step_come_below_it() -> None:
    call = ToolCall("c", "code_interpreter", "code_interpreter", "plot()", "", images=("file_1",))
    step = ToolStep("s", "run_1", (call,), "completed", NOW, NOW)
    workspace = FakeWorkspace(threads=threads(1))
    workspace.threads.messages["thread_1"] = [step]
    workspace.pictures.files["file_1"] = a_png()
    workspace.sources.answers["file_1"] = "plot.png"
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.until(lambda: blocks(driver.screen.transcript) == 10, "drawn")
        await driver.until(lambda: "plot.png" in driver.drawn(), "called by its name")


async def test_a_picture_that_is_broken_or_gone_is_a_sentence() -> None:
    parts = (ImageFilePart("broken"), ImageFilePart("gone"))
    workspace = with_answer("", parts=parts)
    workspace.pictures.files["broken"] = a_png()[:60]
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.until(lambda: "The image is broken" in driver.drawn())
        await driver.until(lambda: "it is gone" in driver.drawn())


async def test_a_picture_is_maximised_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = with_answer("", parts=(ImageFilePart("file_1"),))
    workspace.pictures.files["file_1"] = a_png()
    async with running(workspace) as driver:
        await at_block(driver, 0)
        await driver.until(lambda: driver.screen.transcript.cursor == "m1/image/0")
        await driver.pilot.press("enter")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "maximised")
        await driver.until(lambda: "▀▀▀" in driver.drawn())
        await driver.pilot.press("s")
        await driver.until(lambda: "Save the picture" in driver.drawn())
        await driver.pilot.press("enter")
        await driver.until(lambda: (tmp_path / "file_1.png").exists(), "saved")
        assert (tmp_path / "file_1.png").read_bytes() == a_png()


def test_an_image_elsewhere_is_a_line_with_its_host_and_never_fetched() -> None:
    url = "https://tracker.example/p.png?id=\u202e1"
    entry = entries.message_entry(a_message("m", "", parts=(ImageUrlPart(url),)), "A")
    assert "image at tracker.example, not fetched" in entry.text
    assert "\u202e" not in entry.text


async def test_a_picture_of_another_size_than_asked_for_is_drawn_all_the_same() -> None:
    picture = scaled(a_png(300, 30), 200, 48)
    entry = PictureEntry("p", "file_1", "chart.png", replace(picture))
    async with Screenful([entry]).run_test(size=SIZE) as pilot:
        assert blocks(of(pilot)) >= 2
        assert all(len(line) <= 58 for line in lines(of(pilot)))


# Thoughts


async def test_what_the_model_thinks_is_folded_away_and_opens_by_key() -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.open("thread_1")
        await driver.say("Think.")
        session = driver.session
        session.emit(ReasoningAdded("thought/1", "First this"))
        await driver.until(lambda: "thinking" in driver.drawn())
        thought = Thought("thought/1", "run", "First this, then that.", 3.24)
        session.emit(ReasoningEnded(thought))
        await driver.until(lambda: "thought for 3.2 s" in driver.drawn())
        assert "then that" not in driver.drawn()
        session.write("Done.")
        session.finish()
        session.end()
        await driver.pilot.press("alt+v", "alt+up", "alt+up", "enter")
        await driver.until(lambda: "First this, then that." in driver.drawn(), "opened")


def test_a_thought_that_was_read_back_has_no_made_up_duration() -> None:
    assert entries.thought_entry(Thought("t", "r", "x")).title == "thought"


async def test_an_own_message_takes_the_mark_away() -> None:
    async with Screenful([message(1)]).run_test(size=SIZE) as pilot:
        await pilot.press("alt+up")
        assert of(pilot).cursor == "m1"
        of(pilot).put(MessageEntry("m2", "You", True, "", "More"))
        assert of(pilot).cursor is None
