"""The examples in a fresh functions folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from services.functions.examples import EXAMPLES, install_examples
from services.functions.folder import FunctionsFolder
from services.records import ServiceError


async def test_a_fresh_folder_has_functions_that_run(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "functions"
    assert install_examples(path)
    folder = FunctionsFolder(path)
    found = await folder.functions()
    assert [(each.tool.name, each.problem) for each in found] == [
        ("current_time", ""),
        ("count_words", ""),
        ("days_between", ""),
    ]
    for each in found:
        assert each.tool.description
        assert each.tool.parameters is not None
        assert all(
            parameter["description"] for parameter in each.tool.parameters["properties"].values()
        )
    time = await folder.call("current_time", "{}")
    assert re.fullmatch(r"\w+, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", time.output)
    words = await folder.call("count_words", '{"text": "one two\\nthree"}')
    assert json.loads(words.output) == {"words": 3, "characters": 13, "lines": 2}
    days = await folder.call("days_between", '{"start": "2024-02-28", "end": "2024-03-01"}')
    assert days.output == "2"
    wrong = await folder.call("days_between", '{"start": "yesterday", "end": "2024-03-01"}')
    assert not wrong.ok
    assert "- start: Input should be a valid date" in wrong.output
    unknown = await folder.call("current_time", '{"timezone": "Middle/Earth"}')
    assert not unknown.ok
    assert "Middle/Earth" in unknown.output


def test_the_folder_and_its_file_are_the_users_alone_to_enter(tmp_path: Path) -> None:
    path = tmp_path / "functions"
    install_examples(path)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("emptied", [True, False])
def test_a_folder_that_exists_is_never_touched(tmp_path: Path, emptied: bool) -> None:
    path = tmp_path / "functions"
    path.mkdir()
    if not emptied:
        (path / "examples.py").write_text("mine = 1\n")
    assert not install_examples(path)
    assert [file.read_text() for file in path.iterdir()] == ([] if emptied else ["mine = 1\n"])


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError) as caught:
        install_examples(tmp_path / "file" / "functions")
    assert "could not be made" in caught.value.sentence


def test_a_folder_whose_file_cannot_be_written_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ServiceError, match="No space left on device"):
        install_examples(tmp_path / "functions")
    assert not (tmp_path / "functions").exists()


def test_the_examples_fit_a_screen_line() -> None:
    assert max(map(len, EXAMPLES.splitlines())) <= 100
