"""Which model was chosen for which thread, on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.local import thread_models
from services.local.thread_models import ThreadModels
from services.records import ServiceError


def loaded(file: Path) -> ThreadModels:
    models = ThreadModels(file)
    models.load()
    return models


async def test_a_choice_outlives_the_app_and_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    models = loaded(file)
    await models.choose("thread_1", "qwen3")
    assert loaded(file).settings("thread_1") == {"model": "qwen3"}
    assert loaded(file).settings("thread_2") == {}
    await models.choose("thread_1", None)
    assert loaded(file).of("thread_1") is None


async def test_two_apps_do_not_forget_each_others_choices(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    one, other = loaded(file), loaded(file)
    await one.choose("thread_1", "a")
    await other.choose("thread_2", "b")
    assert loaded(file).of("thread_1") == "a"
    assert loaded(file).of("thread_2") == "b"


async def test_a_choice_before_the_first_message_goes_to_the_thread_made_for_it(
    tmp_path: Path,
) -> None:
    models = loaded(tmp_path / "models.json")
    await models.choose(None, "qwen3")
    assert models.of(None) == "qwen3"
    await models.begin("thread_1")
    assert (models.of(None), models.of("thread_1")) == (None, "qwen3")
    await models.begin("thread_2")
    assert models.of("thread_2") is None


async def test_a_fork_goes_on_with_the_model_of_its_thread(tmp_path: Path) -> None:
    models = loaded(tmp_path / "models.json")
    await models.choose("thread_1", "qwen3")
    await models.inherit("thread_2", "thread_1")
    await models.inherit("thread_3", "thread_none")
    assert loaded(tmp_path / "models.json").of("thread_2") == "qwen3"
    assert models.of("thread_3") is None


async def test_a_choice_that_cannot_be_written_holds_and_is_said(tmp_path: Path) -> None:
    models = loaded(tmp_path / "none" / "models.json")
    with pytest.raises(ServiceError, match="could not be kept"):
        await models.choose("thread_1", "qwen3")
    assert models.of("thread_1") == "qwen3"
    await models.choose(None, "other")
    await models.begin("thread_2")
    assert models.of("thread_2") == "other"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"a": 1}'])
def test_a_file_that_makes_no_sense_counts_as_no_choice(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "models.json"
    file.write_bytes(content)
    assert loaded(file).of("a") is None


async def test_only_so_many_threads_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_models, "MOST", 3)
    models = loaded(tmp_path / "models.json")
    for number in range(5):
        await models.choose(f"thread_{number}", "m")
    again = loaded(tmp_path / "models.json")
    assert [again.of(f"thread_{number}") for number in range(5)] == [None, None, "m", "m", "m"]
