from __future__ import annotations

from pathlib import Path

import pytest

from services.local.recent import MOST, Recent


async def test_what_was_used_comes_back_after_a_start_the_last_first(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "recent.json")
    for id in ("a", "b", "a", "c"):
        recent.note(id)
    await recent.save()
    again = Recent(tmp_path / "recent.json")
    await again.load()
    assert again.ids == ("c", "a", "b")


async def test_what_was_used_before_the_file_was_read_stays_in_front(tmp_path: Path) -> None:
    (tmp_path / "recent.json").write_text('["x", "y"]')
    recent = Recent(tmp_path / "recent.json")
    recent.note("y")
    await recent.load()
    assert recent.ids == ("y", "x")


async def test_only_the_last_ones_are_kept(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "recent.json")
    for number in range(3 * MOST):
        recent.note(str(number))
    assert len(recent.ids) == MOST


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1, 2]", "\x00"])
async def test_a_file_that_is_not_ours_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "recent.json").write_text(text)
    recent = Recent(tmp_path / "recent.json")
    await recent.load()
    assert recent.ids == ()


async def test_without_a_change_nothing_is_written(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "nowhere" / "recent.json")
    await recent.save()
    recent.note("a")
    await recent.save()  # cannot be written: only logged
    assert not (tmp_path / "nowhere").exists()
