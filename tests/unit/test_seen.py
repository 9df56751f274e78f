"""Which threads have news."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from services.local import seen as seen_module
from services.local.seen import Seen
from services.records import Thread

LATER = int(time.time()) + 1000


def a_thread(id: str = "t", active_at: int = LATER, **more: object) -> Thread:
    return Thread(id, "Title", 0, active_at, **more)  # type: ignore[arg-type]  # fields by name


def test_what_was_there_before_has_no_news(tmp_path: Path) -> None:
    assert not Seen(tmp_path / "seen.json").has_news(a_thread(active_at=1_000))


def test_a_thread_that_changed_since_it_was_looked_at_has_news(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "seen.json")
    assert seen.has_news(a_thread())
    seen.look(a_thread())
    assert not seen.has_news(a_thread())
    assert seen.has_news(a_thread(active_at=LATER + 1))


def test_a_run_that_ended_is_news_although_the_time_is_the_same(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "seen.json")
    seen.look(a_thread(run_status="in_progress"))
    assert not seen.has_news(a_thread(run_status="in_progress"))
    assert seen.has_news(a_thread(run_status="completed"))


async def test_it_is_kept_for_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "seen.json"
    seen = Seen(file)
    seen.look(a_thread())
    await seen.save()
    again = Seen(file)
    assert not again.has_news(a_thread())
    assert again.has_news(a_thread("other"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"since": "x", "seen": {}}', '{"seen": 3}'])
async def test_a_file_that_is_not_understood_counts_for_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "seen.json"
    file.write_text(text)
    seen = Seen(file)
    assert not seen.has_news(a_thread(active_at=1_000))
    await seen.save()
    assert not Seen(file).has_news(a_thread(active_at=1_000))


async def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "gone" / "seen.json")
    seen.look(a_thread())
    await seen.save()
    assert not seen.has_news(a_thread())


async def test_only_so_many_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "MOST", 3)
    file = tmp_path / "seen.json"
    seen = Seen(file)
    for number in range(6):
        seen.look(a_thread(f"t{number}", LATER + number))
    await seen.save()
    again = Seen(file)
    assert not again.has_news(a_thread("t5", LATER + 5))
    # What is older than the oldest that was forgotten counts as seen.
    assert not again.has_news(a_thread("t0", LATER))
