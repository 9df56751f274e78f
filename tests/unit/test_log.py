from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.log import record_crash, start_log, without_keys


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield root
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers = handlers
    root.setLevel(level)


def failure() -> Exception:
    # Source lines are in a traceback, so what must not be told is made up where it runs.
    words = "first line\nthe request was: " + " ".join(["my", "private", "words"])
    try:
        try:
            raise KeyError(len(words))
        except KeyError as error:
            raise ValueError(words) from error
    except ValueError as error:
        return error


def test_a_crash_is_kept_with_its_places_and_without_values(tmp_path: Path) -> None:
    file = record_crash(failure(), tmp_path / "log")
    assert file is not None
    text = file.read_text()
    assert "ValueError: first line" in text
    assert "KeyError" in text
    assert "in failure" in text
    assert "private words" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_crash_that_cannot_be_written_down_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    assert record_crash(failure(), tmp_path / "log") is None


def test_nothing_is_made_before_there_is_something_to_say(
    tmp_path: Path, root_logger: logging.Logger
) -> None:
    start_log(tmp_path)
    logging.getLogger("httpx").info("GET https://example/?key=1")
    assert list(tmp_path.iterdir()) == []
    logging.getLogger("anything").warning("look here")
    (file,) = tmp_path.iterdir()
    assert "look here" in file.read_text()


def test_a_log_without_a_folder_stops_nothing_and_says_nothing(
    tmp_path: Path, root_logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    start_log(tmp_path / "missing")
    logging.getLogger("anything").error("nobody hears it")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "key sk-SECRET-abcdefgh is wrong",
        "Authorization: Bearer SECRET.value",
        "authorization: basic SECRETvalue=",
        "https://user:SECRET@host/v1",
        "token eyJSECRET.eyJSECRET.SECRET",
        "the variable says SECRET-from-the-environment",
    ],
)
def test_what_looks_like_a_key_or_is_one_is_replaced(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODEL_KEY", "SECRET-from-the-environment")
    assert "SECRET" not in without_keys(text)


def test_ordinary_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODEL_KEY", "k")
    text = "the task asks thread_abc for https://host/v1 and risk-free sk-ies"
    assert without_keys(text) == text


def test_a_line_that_finds_the_disk_full_stops_nothing_and_says_nothing(
    tmp_path: Path,
    root_logger: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    start_log(tmp_path)
    root_logger.error("first")
    with monkeypatch.context() as patch:
        patch.setattr(logging.StreamHandler, "flush", full)
        root_logger.error("second")
    root_logger.error("third")
    assert capsys.readouterr().err == ""
    assert "third" in (tmp_path / "understudy.log").read_text()
