"""Saving: never over another file unasked, and every failure is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.local.saving import Saving
from services.records import ServiceError


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_a_file_is_written_once_and_replaced_only_when_told(tmp_path: Path) -> None:
    saving, path = Saving(), tmp_path / "a.md"
    assert await saving.save(path, b"one")
    assert not await saving.save(path, b"two")
    assert path.read_bytes() == b"one"
    assert await saving.save(path, b"two", replace=True)
    assert path.read_bytes() == b"two"
    assert names_in(tmp_path) == ["a.md"]


async def test_a_free_name_is_suggested_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saving = Saving()
    assert await saving.suggest("answer", ".md") == tmp_path / "answer.md"
    (tmp_path / "answer.md").touch()
    (tmp_path / "answer-2.md").symlink_to("nowhere")
    assert await saving.suggest("answer", ".md") == tmp_path / "answer-3.md"


@pytest.mark.parametrize("name", ["", "missing/a.md", "a\0b", "x" * 300, "~nobody-of-that-name/x"])
async def test_what_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name if not name.startswith("~") else Path(name)
    with pytest.raises(ServiceError, match="Nothing was written"):
        await Saving().save(path, b"x")
    assert names_in(tmp_path) == []
