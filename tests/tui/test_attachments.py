"""Files that go with a message, and the suggestions for ``@`` and ``/``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events

from services.records import Assistant, Attachment, BuiltinTool, ServiceError, StoredFile
from tests.tui.fake_workspace import NOW, FakeWorkspace, a_message
from tests.tui.support import Driver, running, threads


@pytest.fixture
def folder(home: Path) -> Path:
    folder = home.parent / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("report.pdf", "sales.csv", "photo.png", "sub/my notes.txt", "tool.exe"):
        (folder / name).write_bytes(b"x" * 1200)
    return folder


async def suggested(driver: Driver) -> list[str]:
    await driver.until(
        lambda: (found := driver.screen.composer.suggestions) is not None and found.open,
        "suggestions are shown",
    )
    assert driver.screen.composer.suggestions is not None
    return [row.text for row in driver.screen.composer.suggestions.rows]


def attached(driver: Driver) -> list[tuple[str, str]]:
    return [(file.name, file.use) for file in driver.screen.outbox.message.files]


async def drop(driver: Driver, text: str) -> None:
    driver.screen.composer.post_message(events.Paste(text))


async def test_at_offers_files_and_choosing_one_attaches_it(folder: Path) -> None:
    async with running() as driver:
        await driver.pilot.press(*"sum up @rpt")
        assert (await suggested(driver))[0] == "report.pdf"
        await driver.pilot.press("enter")
        await driver.until(lambda: attached(driver) == [("report.pdf", "file_search")], "attached")
        assert driver.screen.composer.text == "sum up report.pdf "
        assert driver.workspace.runs.sent == []
        assert "report.pdf" in driver.drawn()
        assert "1.2 kB → search" in driver.drawn()
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        assert driver.workspace.files.uploads == [(str(folder / "report.pdf"), "assistants")]
        [file] = driver.workspace.runs.sent_files[0]
        assert (file.file_id, file.tools) == ("file_1", ("file_search",))
        await driver.until(lambda: driver.entry("msg_question_1"), "the stored message is shown")
        assert "report.pdf" in driver.text("msg_question_1")
        assert attached(driver) == []


async def test_arrows_choose_and_escape_leaves_the_text(folder: Path) -> None:
    async with running() as driver:
        await driver.pilot.press("@")
        offered = await suggested(driver)
        await driver.pilot.press("down", "tab")
        await driver.until(lambda: attached(driver), "attached")
        assert attached(driver)[0][0] == offered[1].rpartition("/")[2]
        await driver.pilot.press(*"@sal")
        await suggested(driver)
        await driver.pilot.press("escape")
        assert driver.screen.composer.text.endswith("@sal")
        await driver.pilot.press("e")
        await driver.settle()
        assert not driver.screen.composer.suggestions.open
        assert len(attached(driver)) == 1


async def test_a_folder_goes_on_to_what_is_in_it(folder: Path) -> None:
    async with running() as driver:
        await driver.pilot.press(*"@./su")
        assert await suggested(driver) == ["./sub/"]
        await driver.pilot.press("tab")
        await driver.until(lambda: driver.screen.composer.text == "@./sub/", "it goes on")
        await driver.until(
            lambda: driver.screen.composer.suggestions.rows[0].text == "./sub/my notes.txt"
        )
        await driver.pilot.press("tab")
        await driver.until(lambda: attached(driver) == [("my notes.txt", "file_search")])


async def test_files_of_the_server_are_offered_and_not_sent_again(folder: Path) -> None:
    workspace = FakeWorkspace()
    workspace.files.items = [StoredFile("file_9", "old report.md", 10, "assistants", NOW)]
    async with running(workspace) as driver:
        await driver.pilot.press(*"@old")
        assert "old report.md" in await suggested(driver)
        await driver.pilot.press("enter")
        await driver.until(lambda: attached(driver), "attached")
        await driver.pilot.press(*"read", "enter")
        await driver.until(lambda: workspace.runs.sent, "it is sent")
        assert workspace.files.uploads == []
        assert workspace.runs.sent_files[0][0].file_id == "file_9"


async def test_a_draft_that_comes_back_opens_no_suggestions(folder: Path) -> None:
    async with running() as driver:
        await driver.pilot.press("@")
        await suggested(driver)
    async with running() as driver:
        await driver.until(lambda: driver.screen.composer.text == "@", "the draft is back")
        await driver.settle()
        assert driver.screen.composer.suggestions is None
        await driver.pilot.press("backspace", "@")
        assert "report.pdf" in await suggested(driver)


async def test_a_mail_address_is_no_file(folder: Path) -> None:
    async with running() as driver:
        await driver.pilot.press(*"me@report")
        await driver.settle()
        assert driver.screen.composer.suggestions is None


@pytest.mark.parametrize("form", ["{}", "'{}'", "file://{}", "{}\n"])
async def test_a_dropped_path_becomes_an_attachment(folder: Path, form: str) -> None:
    async with running() as driver:
        await drop(driver, form.format(folder / "sales.csv"))
        await driver.until(lambda: attached(driver) == [("sales.csv", "code_interpreter")])
        assert driver.screen.composer.text == ""


async def test_several_dropped_files_come_all_and_text_stays_text(folder: Path) -> None:
    async with running() as driver:
        await drop(driver, f"'{folder}/sub/my notes.txt' {folder}/photo.png")
        await driver.until(lambda: len(attached(driver)) == 2, "both are there")
        assert attached(driver)[1] == ("photo.png", "image")
        await drop(driver, f"{folder}/not-there.pdf")
        await driver.until(lambda: driver.screen.composer.text.endswith("not-there.pdf"))


async def test_a_file_that_cannot_go_along_is_said_at_once(folder: Path) -> None:
    async with running() as driver:
        await drop(driver, f"{folder}/tool.exe")
        await driver.until(driver.said, "it is said")
        assert ".exe is not among the formats" in driver.said()[-1]
        assert attached(driver) == []


async def test_what_a_file_is_for_is_switched_and_it_is_taken_off_by_key(folder: Path) -> None:
    async with running() as driver:
        await drop(driver, f"{folder}/report.pdf")
        await driver.until(lambda: attached(driver), "attached")
        await driver.pilot.press("alt+u", "enter")
        await driver.until(lambda: attached(driver) == [("report.pdf", "code_interpreter")])
        await driver.pilot.press("space")
        await driver.until(lambda: attached(driver) == [("report.pdf", "both")])
        assert "search + code" in driver.drawn()
        await driver.pilot.press("delete")
        await driver.until(lambda: attached(driver) == [], "it is off")
        await driver.until(lambda: driver.screen.composer.has_focus, "back to the box")
        assert (folder / "report.pdf").exists()


async def test_a_file_that_nobody_would_read_is_said(folder: Path) -> None:
    async with running() as driver:
        await drop(driver, f"{folder}/report.pdf")
        await driver.until(driver.said, "it is said")
        assert "has no file search: it will not read report.pdf" in driver.said()[-1]
    searching = Assistant("asst_1", "S", "m", tools=(BuiltinTool("file_search"),))
    async with running(FakeWorkspace(assistants=(searching,))) as driver:
        await drop(driver, f"{folder}/photo.png")
        await driver.until(lambda: ("photo.png", "image") in attached(driver), "attached")
        assert driver.said() == []


async def test_a_failed_upload_keeps_message_and_files(folder: Path) -> None:
    workspace = FakeWorkspace()
    workspace.files.error = ServiceError("The disk of the server is full.")
    async with running(workspace) as driver:
        await drop(driver, f"{folder}/sales.csv")
        await driver.until(lambda: attached(driver), "attached")
        await driver.pilot.press(*"draw it", "enter")
        await driver.until(lambda: driver.entry("send/1"), "it is said")
        assert "disk of the server" in driver.text("send/1")
        assert driver.screen.composer.text == "draw it"
        assert attached(driver) == [("sales.csv", "code_interpreter")]
        workspace.files.error = None
        await driver.pilot.press("enter")
        await driver.until(lambda: workspace.runs.sent, "the second try is sent")


async def test_a_file_that_arrived_is_not_sent_again_on_the_next_try(folder: Path) -> None:
    workspace = FakeWorkspace()
    workspace.runs.error = ServiceError("The thread is busy.")
    async with running(workspace) as driver:
        await drop(driver, f"{folder}/sales.csv")
        await driver.until(lambda: attached(driver), "attached")
        await driver.pilot.press("x", "enter")
        await driver.until(lambda: driver.entry("send/1"), "it failed")
        workspace.runs.error = None
        await driver.pilot.press("enter")
        await driver.until(lambda: workspace.runs.sent, "it is sent")
        assert len(workspace.files.uploads) == 1


async def test_the_progress_of_an_upload_is_shown(folder: Path) -> None:
    workspace = FakeWorkspace()
    workspace.files.gate = asyncio.Event()
    async with running(workspace) as driver:
        await drop(driver, f"{folder}/sales.csv")
        await driver.until(lambda: attached(driver), "attached")
        await driver.pilot.press("x", "enter")
        await driver.until(
            lambda: getattr(driver.entry("sending/1"), "note", "") == "Uploading sales.csv, 50 %"
        )
        workspace.files.gate.set()
        await driver.until(lambda: workspace.runs.sent, "it is sent")


async def test_files_alone_are_a_message(folder: Path) -> None:
    async with running() as driver:
        await drop(driver, f"{folder}/sales.csv")
        await driver.until(lambda: attached(driver), "attached")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        assert driver.workspace.runs.sent[0][2] == "Attached: sales.csv"


async def test_attached_files_stay_with_their_threads_draft(folder: Path) -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await drop(driver, f"{folder}/sales.csv")
        await driver.until(lambda: attached(driver), "attached")
        await driver.open("thread_1")
        assert attached(driver) == []
        assert "sales.csv" not in driver.drawn()
    async with running() as driver:
        await driver.until(lambda: attached(driver), "in the next session too")
        assert "sales.csv" in driver.drawn()


async def test_files_of_sent_messages_are_shown_by_their_names() -> None:
    workspace = FakeWorkspace(threads=threads(1))
    workspace.files.items = [StoredFile("file_7", "plan.pdf", 10, "assistants", NOW)]
    workspace.threads.messages["thread_1"] = [
        a_message("m1", "read it", own=True, attachments=(Attachment("file_7", ("file_search",)),))
    ]
    async with running(workspace) as driver:
        await driver.open("thread_1")
        await driver.until(lambda: "plan.pdf" in driver.text("m1"), "its name is known")


# -- commands ------------------------------------------------------------------------------------


async def test_a_slash_offers_the_palettes_commands_and_enter_runs_one() -> None:
    async with running(FakeWorkspace(threads=threads(1))) as driver:
        await driver.open("thread_1")
        await driver.pilot.press(*"/new thr")
        assert (await suggested(driver))[0] == "New thread"
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.thread_id is None, "it ran")
        assert driver.screen.composer.text == ""
        assert driver.workspace.runs.sent == []


async def test_a_command_typed_by_its_id_runs_too() -> None:
    async with running() as driver:
        theme = driver.app.theme
        await driver.pilot.press(*"/app.light_dark")
        await suggested(driver)
        await driver.pilot.press("escape", "enter")
        await driver.until(lambda: driver.app.theme != theme, "it ran")
        assert driver.screen.composer.text == ""


async def test_escape_leaves_the_slash_and_an_unknown_command_is_never_sent() -> None:
    async with running() as driver:
        await driver.pilot.press(*"/zzzz now", "enter")
        await driver.until(driver.said, "it is said")
        assert "There is no command /zzzz now" in driver.said()[-1]
        assert driver.screen.composer.text == "/zzzz now"
        assert driver.workspace.runs.sent == []


async def test_two_slashes_send_one() -> None:
    async with running() as driver:
        await driver.pilot.press(*"//etc/hosts is what?", "enter")
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        assert driver.workspace.runs.sent[0][2] == "/etc/hosts is what?"


async def test_a_slash_inside_a_message_is_text() -> None:
    async with running() as driver:
        await driver.pilot.press(*"and/or", "enter")
        await driver.until(lambda: driver.workspace.runs.sent, "it is sent")
        assert driver.workspace.runs.sent[0][2] == "and/or"


@pytest.mark.parametrize("size", [(40, 14), (80, 24), (120, 36)])
async def test_suggestions_lie_above_the_box_and_inside_the_screen(size: tuple[int, int]) -> None:
    async with running(size=size) as driver:
        await driver.pilot.press("/")
        await suggested(driver)
        await driver.settle()
        region = driver.screen.composer.suggestions.region
        assert region.bottom <= driver.screen.composer.region.y
        assert region.y >= 0
        assert driver.screen.region.contains_region(region)
