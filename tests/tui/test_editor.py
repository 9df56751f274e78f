from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import SuspendNotSupported

from tests.tui.support import running
from tui.screens.editor import EditorError, edit, editor_command


class HandedOver:
    """As much of an app as an editor needs: it notes the order of what happens."""

    def __init__(self, can_suspend: bool = True) -> None:
        self.order: list[str] = []
        self._can_suspend = can_suspend

    @contextlib.contextmanager
    def batch_update(self) -> Iterator[None]:
        self.order.append("still")
        yield
        self.order.append("drawing")

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        if not self._can_suspend:
            raise SuspendNotSupported("no")
        self.order.append("away")
        yield
        self.order.append("back")


def use_editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> None:
    script = tmp_path / "an editor.py"
    script.write_text(program, encoding="utf-8")
    monkeypatch.setenv("VISUAL", f'{sys.executable} "{script}"')


async def test_the_text_goes_to_the_editor_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_editor(
        monkeypatch,
        tmp_path,
        "import sys, pathlib\np = pathlib.Path(sys.argv[-1])\n"
        "p.write_text(p.read_text(encoding='utf-8') + ' and é\\n', encoding='utf-8')\n",
    )
    app = HandedOver()
    before = signal.getsignal(signal.SIGINT)
    assert await edit(app, "draft ü") == "draft ü and é"
    assert app.order == ["still", "away", "back", "drawing"]
    assert signal.getsignal(signal.SIGINT) is before


async def test_an_editor_that_fails_leaves_the_text_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_editor(monkeypatch, tmp_path, "raise SystemExit(3)")
    with pytest.raises(EditorError, match="as it was"):
        await edit(HandedOver(), "draft")


async def test_an_editor_that_does_not_start_gives_the_screen_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    app = HandedOver()
    with pytest.raises(EditorError, match="did not start"):
        await edit(app, "draft")
    assert app.order == ["still", "away", "back", "drawing"]


async def test_no_room_for_the_message_in_the_temporary_folder_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    with pytest.raises(EditorError, match="temporary folder.*as it was"):
        await edit(HandedOver(), "draft")


async def test_a_terminal_that_cannot_be_handed_over_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    with pytest.raises(EditorError, match="cannot be handed"):
        await edit(HandedOver(can_suspend=False), "draft")


def test_the_editor_is_the_one_the_user_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "code --wait")
    assert editor_command() == ["code", "--wait"]
    monkeypatch.setenv("EDITOR", "'open quote")
    with pytest.raises(EditorError, match="EDITOR"):
        editor_command()
    monkeypatch.delenv("EDITOR")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EditorError, match="set EDITOR"):
        editor_command()


async def test_the_key_says_why_it_cannot_and_keeps_the_draft(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    async with running() as driver:
        await driver.pilot.press(*"draft", "ctrl+g")
        await driver.until(driver.said, "a sentence")
        assert driver.screen.composer.text == "draft"
