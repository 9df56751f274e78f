from __future__ import annotations

import io
import os
import signal
import stat
from pathlib import Path

import pytest

from services.log import record_crash
from services.records import ServiceError, Settings
from tests.tui.fake_workspace import FakeWorkspace
from tests.tui.support import running
from tui.app import UnderstudyApp
from tui.cli import draw_in_utf8


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_app_in_order(number: signal.Signals) -> None:
    workspace = FakeWorkspace()
    app = UnderstudyApp(workspace)
    async with running(workspace) as driver:
        app = driver.app
        os.kill(os.getpid(), number)
        await driver.until(lambda: app._exit, "it leaves")
    assert app.return_code == 128 + number
    assert workspace.closed


async def test_quitting_closes_the_workspace_and_returns_0() -> None:
    workspace = FakeWorkspace()
    async with running(workspace) as driver:
        await driver.say("a run goes on")
        await driver.pilot.press("ctrl+q")
        await driver.until(lambda: driver.app._exit, "it leaves")
    assert driver.app.return_code == 0
    assert workspace.closed


async def test_an_unexpected_error_ends_with_a_sentence_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = FakeWorkspace()
    log = tmp_path / "data" / "understudy.log"
    workspace.log_folder = log.parent

    def fail() -> None:
        api_key = "sk-secret-in-a-local-0123456789"
        raise RuntimeError(f"broken {len(api_key)} Bearer abcdef0123456789")

    app = UnderstudyApp(workspace)

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(fail)
            await pilot.pause()
            await pilot.pause()

    with pytest.raises(RuntimeError, match="broken"):
        await run()
    printed = capsys.readouterr()
    told = " ".join((printed.out + printed.err).split())
    assert "had to stop" in told
    assert "Traceback" not in told
    assert "secret" not in told
    written = log.read_text(encoding="utf-8")
    assert "RuntimeError" in written
    assert "secret" not in written
    assert "abcdef0123456789" not in written
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert app.return_code == 1


def test_a_report_that_cannot_be_written_is_no_second_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert record_crash(RuntimeError("x"), tmp_path / "file" / "log") is None


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "utf-8"])
def test_frames_are_drawn_in_any_locale(encoding: str) -> None:
    bytes_ = io.BytesIO()
    stream = io.TextIOWrapper(bytes_, encoding=encoding, errors="backslashreplace")
    draw_in_utf8(stream, None)
    print("╭─", end="", file=stream, flush=True)
    assert bytes_.getvalue() == "╭─".encode()


async def test_problems_of_the_settings_are_said() -> None:
    workspace = FakeWorkspace(settings=Settings(problems=("Line 3: [unknown] key.",)))
    async with running(workspace) as driver:
        await driver.until(driver.said, "they are said")
        assert driver.said() == ["Line 3: [unknown] key."]


async def test_a_theme_that_is_not_there_is_replaced_and_one_that_cannot_be_saved_said() -> None:
    workspace = FakeWorkspace(settings=Settings(theme="no such theme"))

    async def fail(name: str) -> None:
        raise ServiceError("The settings cannot be written.")

    workspace.save_theme = fail  # type: ignore[method-assign]  # one failing call
    async with running(workspace) as driver:
        assert driver.app.theme == "understudy-dark"
        await driver.pilot.press("f8")
        await driver.until(driver.said, "it is said")
        assert driver.app.theme == "understudy-light"
