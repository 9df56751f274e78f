"""The parse worker: what it may do, what it may cost, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.engine.retrieval.blocks import Block, Unreadable
from services.engine.retrieval.parse_process import Limits
from services.engine.retrieval.parsing import Parser, ParserClosed
from tests.documents import compound, pdf, word
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PDF = pdf(["Cats purr."], ["Dogs bark."])
# More than a second of work.
LONG = ("Some words of a long text, again and again. " * 250_000).encode()


@asynccontextmanager
async def parser(**limits: float) -> AsyncIterator[Parser]:
    opened = Parser(Limits(**limits))  # type: ignore[arg-type]  # seconds and bytes alike
    try:
        yield opened
    finally:
        await opened.close()


def stored(folder: Path, data: bytes, name: str = "file-1") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def pieces(opened: Parser, path: Path, name: str) -> list[str]:
    return [piece.text async for some in opened.pieces(path, name, 800, 400) for piece in some]


def is_there(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def environment_of(process_id: int | None) -> bytes:
    return Path(f"/proc/{process_id}/environ").read_bytes()


# --- reading ------------------------------------------------------------------------------------


async def test_one_worker_reads_many_files(tmp_path: Path) -> None:
    path = stored(tmp_path, PDF)
    async with parser() as opened:
        parsed = await opened.parse(path, "a.pdf")
        assert parsed.blocks == (
            Block("Cats purr.\n\n", {"page": 1}),
            Block("Dogs bark.\n\n", {"page": 2}),
        )
        worker = opened.process_id
        assert worker is not None
        both = await asyncio.gather(
            opened.parse(path, "a.pdf"),
            opened.parse(stored(tmp_path, word(lambda it: it.add_paragraph("Hi.")), "b"), "b.docx"),
        )
        assert [each.text for each in both] == [parsed.text, "Hi.\n\n"]
        assert opened.process_id == worker
    assert not is_there(worker)


async def test_pieces_come_with_their_words_and_places(tmp_path: Path) -> None:
    async with parser() as opened:
        path = stored(tmp_path, PDF)
        (piece,) = [each async for some in opened.pieces(path, "pets.pdf", 800, 0) for each in some]
    assert piece.text == "Cats purr.\n\nDogs bark.\n\n"
    assert piece.place == {"page": 1, "to": 2}
    assert {"pet", "cat", "purr", "dog"} <= set(piece.words.split())


async def test_small_text_needs_no_worker_and_gives_the_same_pieces(tmp_path: Path) -> None:
    text = "# One\n\n" + "Some words. " * 2000
    async with parser() as opened:
        small = await pieces(opened, stored(tmp_path, text.encode()), "a.md")
        assert opened.process_id is None
        large = await pieces(opened, stored(tmp_path, (text * 3).encode()), "a.md")
        assert opened.process_id is not None
    assert small[:5] == large[:5]
    assert len(small) > 5


async def test_text_in_an_encoding_to_be_guessed_is_read_by_the_worker(tmp_path: Path) -> None:
    async with parser() as opened:
        path = stored(tmp_path, "Größe und Maß für naïve Cafés".encode("latin-1"))
        assert (await opened.parse(path, "a.txt")).text == "Größe und Maß für naïve Cafés"
        assert opened.process_id is not None


async def test_a_preview_is_cut_where_it_was_asked(tmp_path: Path) -> None:
    async with parser() as opened:
        parsed = await opened.parse(stored(tmp_path, LONG), "a.txt", most=1000)
        assert (len(parsed.text), parsed.cut) == (1000, True)


# --- what files may not do ----------------------------------------------------------------------


async def refused(opened: Parser, path: Path, name: str = "a.txt") -> str:
    with pytest.raises(Unreadable) as caught:
        await pieces(opened, path, name)
    return str(caught.value)


async def test_what_cannot_be_read_is_said_and_the_worker_goes_on(tmp_path: Path) -> None:
    async with parser() as opened:
        assert "no PDF" in await refused(opened, stored(tmp_path, b"Hello"), "a.pdf")
        worker = opened.process_id
        with pytest.raises(Unreadable) as caught:
            await opened.parse(stored(tmp_path, compound(encrypted=False)), "a.doc")
        assert caught.value.code == "unsupported_file"
        assert (await opened.parse(stored(tmp_path, PDF), "a.pdf")).text.startswith("Cats")
        assert opened.process_id == worker


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"seconds": 0.3}, "took longer than 0.3 s"),
        ({"processor_seconds": 0}, "more processor time"),
        ({"output": 100_000}, "more text than can be taken in"),
        ({"memory": 250 * 2**20}, "needs more memory"),
    ],
    ids=["seconds", "processor", "output", "memory"],
)
async def test_a_file_that_costs_too_much_is_given_up(
    tmp_path: Path, limits: dict[str, float], said: str
) -> None:
    if "memory" in limits and sys.platform != "linux":
        pytest.skip("only Linux bounds a process's memory")
    async with parser(**limits) as opened:
        large = b"caf\xe9 " * 20_000_000 if "memory" in limits else LONG
        assert said in await refused(opened, stored(tmp_path, large))
        # The next file has a worker of its own.
        assert opened.process_id is None
        small = stored(tmp_path, LONG[:50_000])
        if "seconds" not in limits:
            assert (await opened.parse(small, "a.txt")).text.startswith("Some words")


async def test_a_document_of_too_much_text_is_refused(tmp_path: Path) -> None:
    async with parser() as opened:
        path = stored(tmp_path, b"word " * 6_500_000)
        assert "Split it into smaller files." in await refused(opened, path)


async def test_a_worker_that_crashes_fails_its_file_and_no_other(tmp_path: Path) -> None:
    await _replaced(tmp_path, signal.SIGSEGV, "made the program that reads it crash", {})


async def test_a_worker_that_hangs_is_ended_and_replaced(tmp_path: Path) -> None:
    await _replaced(tmp_path, signal.SIGSTOP, "nothing came of reading it", {"silence": 3.0})


async def _replaced(
    tmp_path: Path, struck: signal.Signals, said: str, limits: dict[str, float]
) -> None:
    async with parser(**limits) as opened:
        await opened.parse(stored(tmp_path, PDF, "pdf"), "a.pdf")
        worker = opened.process_id
        assert worker is not None
        reading = asyncio.create_task(refused(opened, stored(tmp_path, LONG)))
        await until(lambda: opened._turn.locked())
        os.kill(worker, struck)
        assert said in await reading
        assert not is_there(worker)
        assert (await opened.parse(tmp_path / "pdf", "a.pdf")).text.startswith("Cats")
        assert opened.process_id not in (None, worker)


async def test_a_worker_that_died_between_files_is_replaced(tmp_path: Path) -> None:
    path = stored(tmp_path, PDF)
    async with parser() as opened:
        await opened.parse(path, "a.pdf")
        worker = opened.process_id
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        await until(lambda: opened._worker is not None and not opened._worker.is_running)
        assert (await opened.parse(path, "a.pdf")).text.startswith("Cats")


async def test_a_worker_that_grew_is_not_used_again(tmp_path: Path) -> None:
    async with parser(grown=1) as opened:
        await opened.parse(stored(tmp_path, PDF), "a.pdf")
        assert opened.process_id is None


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "link"])
async def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file-1"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(stored(tmp_path, b"secret", "secret"))
    async with parser() as opened:
        for name in ("a.txt", "a.pdf"):
            with pytest.raises((Unreadable, OSError)):
                await opened.parse(path, name)


# --- its end ------------------------------------------------------------------------------------


async def test_a_worker_without_work_ends_after_a_while(tmp_path: Path) -> None:
    path = stored(tmp_path, PDF)
    async with parser(idle=0.01) as opened:
        await opened.parse(path, "a.pdf")
        await until(lambda: opened.process_id is None)
        assert (await opened.parse(path, "a.pdf")).text.startswith("Cats")


async def test_closing_ends_it_in_the_middle_of_a_file(tmp_path: Path) -> None:
    async with parser() as opened:
        reading = asyncio.create_task(pieces(opened, stored(tmp_path, LONG), "a.txt"))
        worker = await until(lambda: opened.process_id)
        await opened.close()
        with pytest.raises(ParserClosed):
            await reading
        assert not is_there(worker)
        with pytest.raises(ParserClosed):
            await opened.parse(stored(tmp_path, PDF), "a.pdf")


async def test_a_reader_that_is_cancelled_or_leaves_early_leaves_nothing(tmp_path: Path) -> None:
    path = stored(tmp_path, LONG)
    async with parser() as opened:
        reading = asyncio.create_task(pieces(opened, path, "a.txt"))
        worker = await until(lambda: opened.process_id)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not is_there(worker)
        some = opened.pieces(path, "a.txt", 800, 400)
        assert (await anext(some))[0].text.startswith("Some words")
        await some.aclose()
        assert opened.process_id is None


async def test_no_worker_without_a_process_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    async with parser() as opened:
        with pytest.raises(Unreadable) as caught:
            await opened.parse(stored(tmp_path, PDF), "a.pdf")
        assert caught.value.code == "server_error"
        assert "No process could be started" in str(caught.value)


# --- confinement --------------------------------------------------------------------------------

ATTEMPTS = {
    "socket": "import socket; socket.socket()",
    "unix socket": "import socket; socket.socketpair()",
    "new file": "open(sys.argv[1] + '/new', 'w')",
    "old file": "open(sys.argv[1] + '/old', 'r+')",
    "truncate": "os.truncate(sys.argv[1] + '/old', 0)",
    "append": "os.open(sys.argv[1] + '/old', os.O_WRONLY | os.O_APPEND)",
    "remove": "os.unlink(sys.argv[1] + '/old')",
    "rename": "os.rename(sys.argv[1] + '/old', sys.argv[1] + '/other')",
    "folder": "os.mkdir(sys.argv[1] + '/folder')",
    "link": "os.symlink('/', sys.argv[1] + '/link')",
    "mode": "os.chmod(sys.argv[1] + '/old', 0o777)",
    "fork": "os.fork()",
    "program": "os.execv('/bin/true', ['true'])",
    "spawn": "import subprocess; subprocess.run(['/bin/true'])",
    "signal": "os.kill(os.getppid(), 0)",
}
CONFINED = """
import os, sys
sys.path.insert(0, {root!r})
from services.engine.retrieval.confinement import confine
confine(1 << 30, os.getppid())
assert open(sys.argv[1] + "/old").read() == "kept"
import json, xml.sax  # what is imported later still can be
try:
    {attempt}
except OSError as error:
    sys.stdout.write("refused")
"""
FILTERED = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")


@pytest.mark.skipif(not FILTERED, reason="no filter of system calls on this platform")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_worker_can_reach_nothing(tmp_path: Path, attempt: str) -> None:
    stored(tmp_path, b"kept", "old")
    script = CONFINED.format(root=str(ROOT), attempt=ATTEMPTS[attempt])
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("refused", "")
    assert (tmp_path / "old").read_bytes() == b"kept"


async def test_the_worker_knows_nothing_of_the_engines_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux shows a process's environment")
    monkeypatch.setenv("UNDERSTUDY_MODEL_KEY", "sk-secret")
    async with parser() as opened:
        await opened.parse(stored(tmp_path, PDF), "a.pdf")
        environment = environment_of(opened.process_id)
    assert b"PATH=" in environment
    assert b"sk-secret" not in environment
