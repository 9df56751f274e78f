"""Drafts and history on disk, and the files of a folder."""

from __future__ import annotations

import json
import os
import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from services.local import history as history_module
from services.local.dropped import paths_in
from services.local.folder import FolderFiles, listing
from services.local.fuzzy import best
from services.local.history import History
from services.local.ignore_rules import ignored, read_rules
from services.outgoing import Fold, Outgoing
from services.records import ServiceError
from services.writing import Writing
from tests.waiting import until


def reopened(data: Path) -> Writing:
    return Writing(data, "default")


async def test_a_draft_is_there_again_after_a_restart_per_thread(tmp_path: Path) -> None:
    writing = Writing(tmp_path, "default")
    for thread_id, text in ((None, "for a new thread"), ("thread_1", "for the first")):
        outbox = writing.outbox(thread_id)
        outbox.message = Outgoing(text)
        outbox.touch()
    await writing.close()
    again = reopened(tmp_path)
    await again.open()
    assert again.outbox(None).message.text == "for a new thread"
    assert again.outbox("thread_1").message.text == "for the first"
    assert again.outbox("thread_2").message.text == ""


async def test_drafts_are_for_their_owner_alone(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "data", "default")
    writing.outbox("t").message = Outgoing("secret")
    writing.outbox("t").touch()
    writing.remember(Outgoing("secret"))
    await writing.close()
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(files) == 3  # the draft, the history and its lock
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data" / "drafts").stat().st_mode) == 0o700


async def test_typing_is_written_within_moments_without_being_asked(tmp_path: Path) -> None:
    writing = Writing(tmp_path, "default")
    asked = 0

    def box() -> Outgoing:
        nonlocal asked
        asked += 1
        return Outgoing("typed")

    outbox = writing.outbox("t")
    outbox.ask = box
    for _ in range(200):
        outbox.touch()
    await until(lambda: list((tmp_path / "drafts").glob("*.json")))
    assert asked == 1  # two hundred keys are one writing


async def test_a_sent_draft_leaves_no_file(tmp_path: Path) -> None:
    writing = Writing(tmp_path, "default")
    outbox = writing.outbox("t")
    delivery = outbox.take(Outgoing("on its way"))
    await writing.flush()
    assert list((tmp_path / "drafts").iterdir())
    outbox.over(delivery)
    await writing.flush()
    assert not list((tmp_path / "drafts").iterdir())


async def test_a_draft_of_another_connection_is_not_ours(tmp_path: Path) -> None:
    one = Writing(tmp_path, "default")
    one.outbox("t").message = Outgoing("mine")
    one.outbox("t").touch()
    await one.close()
    other = Writing(tmp_path, "elsewhere")
    await other.open()
    assert not other.outbox("t").message


async def test_a_broken_draft_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "drafts" / "b.json").write_bytes(b"\xff\xfe")
    writing = Writing(tmp_path, "default")
    await writing.open()
    assert not writing.outbox(None).draft()


async def test_what_was_typed_before_the_drafts_were_read_stays_behind_them(tmp_path: Path) -> None:
    before = Writing(tmp_path, "default")
    before.outbox(None).message = Outgoing("from before")
    before.outbox(None).touch()
    await before.close()
    writing = Writing(tmp_path, "default")
    writing.outbox(None).ask = lambda: Outgoing("typed at once")
    recalled = await writing.open()
    assert [each.message.text for each in recalled] == ["from before\n\ntyped at once"]


async def test_a_new_threads_draft_belongs_to_the_thread_once_it_is_made(tmp_path: Path) -> None:
    writing = Writing(tmp_path, "default")
    outbox = writing.begin_new()
    outbox.message = Outgoing("typed since")
    writing.adopt(outbox, "thread_1")
    await writing.close()
    again = reopened(tmp_path)
    await again.open()
    assert again.outbox("thread_1").message.text == "typed since"
    assert not again.outbox(None).message


async def test_a_new_thread_does_not_get_what_is_on_its_way_to_another(tmp_path: Path) -> None:
    writing = Writing(tmp_path, "default")
    first = writing.begin_new()
    first.take(Outgoing("on its way"))
    assert writing.begin_new() is not first
    await writing.close()


async def test_the_draft_of_a_deleted_thread_goes_with_it(tmp_path: Path) -> None:
    writing = Writing(tmp_path, "default")
    writing.outbox("t").message = Outgoing("x")
    writing.outbox("t").touch()
    await writing.flush()
    writing.forget("t")
    await writing.close()
    assert not list((tmp_path / "drafts").iterdir())


# -- history -------------------------------------------------------------------------------------


def a_history(tmp_path: Path, *texts: str) -> History:
    history = History(tmp_path / "history.jsonl")
    for text in texts:
        history.add(Outgoing(text))
    history.read()
    return history


def test_what_was_sent_is_there_in_the_next_session_newest_first(tmp_path: Path) -> None:
    history = a_history(tmp_path, "one", "two\nlines", "three")
    assert [each.text for each in history.messages] == ["three", "two\nlines", "one"]


def test_the_same_message_twice_in_a_row_is_there_once(tmp_path: Path) -> None:
    history = a_history(tmp_path, "one", "one", "two")
    assert [each.text for each in history.messages] == ["two", "one"]
    assert history.remember(Outgoing("two")) is None


def test_pastes_stay_folded_in_the_history(tmp_path: Path) -> None:
    history = History(tmp_path / "h.jsonl")
    message = Outgoing("[Pasted 11 lines #1]", folds=(Fold("[Pasted 11 lines #1]", "a\nb"),))
    history.add(message)
    history.read()
    assert history.messages == (message,)


def test_a_line_cut_off_by_a_crash_costs_itself_alone(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(json.dumps({"text": "whole"}).encode() + b'\n{"text": "cut')
    history = History(file)
    history.add(Outgoing("after"))
    history.read()
    assert [each.text for each in history.messages] == ["after", "whole"]


def test_a_history_that_has_grown_is_cut_back_to_its_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "LARGEST_FILE", 2_000)
    history = a_history(tmp_path, *(f"message {n}" for n in range(200)))
    assert (tmp_path / "history.jsonl").stat().st_size <= 2_000
    assert history.messages[0].text == "message 199"
    assert len(history.messages) > 10


def add_many(folder: str, name: str) -> None:
    history = History(Path(folder) / "history.jsonl")
    for number in range(40):
        history.add(Outgoing(f"{name} {number}"))


def test_several_apps_add_to_one_history_without_losing_any(tmp_path: Path) -> None:
    context = get_context("fork")
    apps = [context.Process(target=add_many, args=(str(tmp_path), name)) for name in "ab"]
    for app in apps:
        app.start()
    for app in apps:
        app.join(30)
    history = a_history(tmp_path)
    assert {each.text for each in history.messages} == {
        f"{name} {number}" for name in "ab" for number in range(40)
    }


def test_a_history_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").mkdir()
    history = a_history(tmp_path, "one")
    assert history.messages == ()


# -- files of a folder ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "report.pdf", "notes.md", "src/reporting.py", "src/deep/sales report.csv", ".env",
        ".git/config", "node_modules/report.js", "out/report.log", "keep/report.log",
        "src/.hidden/report.txt",
    ):  # fmt: skip
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    rules = "out/\n*.log\n!keep/report.log\n# a comment\n"
    (tmp_path / "folder" / ".gitignore").write_text(rules, encoding="utf-8")
    return tmp_path / "folder"


async def found(folder: Path, query: str) -> tuple[str, ...]:
    last: tuple[str, ...] = ()
    async for paths in FolderFiles(folder).search(query):
        last = paths
    return last


async def test_files_are_found_by_letters_in_their_order(folder: Path) -> None:
    assert (await found(folder, "rpt"))[0] == "report.pdf"
    assert (await found(folder, "sales"))[0] == "src/deep/sales report.csv"
    assert await found(folder, "zzz") == ()


async def test_what_the_rules_leave_out_is_not_offered(folder: Path) -> None:
    assert set(await found(folder, "report")) == {
        "report.pdf", "src/reporting.py", "src/deep/sales report.csv", "keep/report.log",
    }  # fmt: skip


async def test_hidden_files_are_offered_only_when_asked_for(folder: Path) -> None:
    assert ".env" not in await found(folder, "env")
    assert (await found(folder, ".env"))[0] == ".env"
    assert not [path for path in await found(folder, ".git/con") if path.startswith(".git/")]


async def test_a_path_that_is_typed_lists_its_folder(folder: Path) -> None:
    assert await found(folder, "./src/") == ("./src/deep/", "./src/reporting.py")
    assert listing(f"{folder}/sr", folder) == (f"{folder}/src/",)
    assert listing("/no/such/folder/", folder) == ()


async def test_a_folder_with_a_link_to_itself_ends(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert "report.pdf" in await found(folder, "report.pdf")


async def test_results_come_before_a_large_folder_is_read_to_its_end(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"d{number}").mkdir()
        for name in range(20):
            (tmp_path / f"d{number}" / f"file{name}.txt").touch()
    answers = [paths async for paths in FolderFiles(tmp_path).search("file")]
    assert len(answers[-1]) == 30


@pytest.mark.parametrize(
    ("rule", "path", "is_folder", "left_out"),
    [
        ("*.log", "a/b.log", False, True),
        ("/a.log", "b/a.log", False, False),
        ("build/", "build", False, False),
        ("build/", "x/build", True, True),
        ("docs/*.txt", "docs/a.txt", False, True),
        ("docs/*.txt", "docs/sub/a.txt", False, False),
        ("**/tmp", "a/b/tmp", True, True),
        ("a/**", "a/b/c", False, True),
        ("f?o[0-9]", "fxo1", False, True),
        ("!target/", "target", True, False),
        (r"\#odd", "#odd", False, True),
        ("[", "[", False, True),
    ],
)
def test_rules_are_read_as_git_reads_them(
    tmp_path: Path, rule: str, path: str, is_folder: bool, left_out: bool
) -> None:
    (tmp_path / ".gitignore").write_text(rule, encoding="utf-8")
    assert ignored(path, is_folder, read_rules(tmp_path / ".gitignore", "")) is left_out


def test_the_best_match_is_the_name_that_begins_so() -> None:
    names = ["a/long/path/main_test.py", "domain.py", "src/main.py", "m/a/i/n.txt"]
    assert best("main", names, 4) == [
        "src/main.py", "a/long/path/main_test.py", "domain.py", "m/a/i/n.txt",
    ]  # fmt: skip
    assert best("", names, 2) == names[:2]


# -- dropped files -------------------------------------------------------------------------------

HERE = Path("/here")


@pytest.mark.parametrize(
    ("pasted", "paths"),
    [
        ("/a/report.pdf", ["/a/report.pdf"]),
        ("'/a/my report.pdf' ", ["/a/my report.pdf"]),
        ('"/a/my report.pdf"', ["/a/my report.pdf"]),
        (r"/a/my\ report.pdf", ["/a/my report.pdf"]),
        ("/a/my report.pdf", ["/a/my report.pdf"]),
        ("file:///a/my%20report.pdf\r\n", ["/a/my report.pdf"]),
        ("file://localhost/a/b.pdf", ["/a/b.pdf"]),
        ("/a/one.pdf /a/two.pdf", ["/a/one.pdf", "/a/two.pdf"]),
        ("/a/one.pdf\n/a/two.pdf", ["/a/one.pdf", "/a/two.pdf"]),
        ("'/a/one it.pdf' '/a/two.pdf'", ["/a/one it.pdf", "/a/two.pdf"]),
        ("./one.pdf", ["/here/one.pdf"]),
        ("report.pdf", []),
        ("Look at /a/report.pdf", []),
        ("file://elsewhere/a.pdf", []),
        ("it's / or", []),
        ("", []),
        ("/a\0b", []),
    ],
)
def test_dropped_paths_are_told_from_text(pasted: str, paths: list[str]) -> None:
    assert [str(path) for path in paths_in(pasted, HERE)] == paths


async def test_only_files_that_are_there_are_taken_from_a_paste(folder: Path) -> None:
    writing = Writing(folder / "data", "default", folder)
    assert await writing.dropped(f"{folder}/report.pdf") == (f"{folder}/report.pdf",)
    assert await writing.dropped(f"{folder}/no-such.pdf") == ()
    assert await writing.dropped(f"{folder}/src") == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("program.exe", ".exe is not among the formats"),
        ("empty.txt", "empty"),
        ("missing.txt", "not there"),
        ("folder", "is a folder"),
    ],
)
async def test_a_file_that_cannot_go_along_is_said_at_once(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "program.exe").write_text("x", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ServiceError, match=said):
        await Writing(tmp_path, "default", tmp_path).attach(name)


async def test_a_file_that_is_too_large_is_said_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        os.truncate(file.fileno(), 600 * 1024 * 1024)
    with pytest.raises(ServiceError, match="at most 512 MB"):
        await Writing(tmp_path, "default", tmp_path).attach("large.txt")


@pytest.mark.parametrize(
    ("name", "use"),
    [("a.pdf", "file_search"), ("a.CSV", "code_interpreter"), ("a.PNG", "image"),
     ("README", "file_search")],
)  # fmt: skip
async def test_what_a_file_is_for_follows_its_kind(tmp_path: Path, name: str, use: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    file = await Writing(tmp_path, "default", tmp_path).attach(name)
    assert file.use == use
